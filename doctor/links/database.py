"""The gateway's database: its address, its migration, and the salt that its rows are encrypted with."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from doctor.kubernetes import Document
from doctor.links.pods import explained, named, reason_of
from doctor.model import Finding, Link, broken, weak, whole
from doctor.objects import Store, fingerprint
from doctor.scene import Scene

__all__ = ["LINKS"]

_SALT = "LITELLM_SALT_KEY"


def probe_databases(scene: Scene) -> Iterator[Finding]:
    for deployment in scene.gateways():
        namespace = deployment["metadata"]["namespace"]
        url = scene.environment_of(deployment).get("DATABASE_URL")
        if not url:
            yield broken(
                named("Deployment", deployment),
                "its environment has no DATABASE_URL",
                cause="LiteLLM has no database, so it can't keep keys",
                cure="put DATABASE_URL into the Secret that the Deployment's envFrom names, and nowhere else",
            )
            continue
        yield _database(scene, namespace, urlsplit(url))


def _database(scene: Scene, namespace: str, url: SplitResult) -> Finding:
    host, port = url.hostname or "", url.port or 5432
    subject = f"Database {host}:{port}"
    name, _, rest = host.partition(".")
    theirs = rest.partition(".")[0] or namespace
    if not host.endswith((".svc", ".svc.cluster.local")) and "." in host:
        return whole(subject, "is outside of the cluster; the gateway's readiness tells")
    service = scene.kubernetes.get(f"/api/v1/namespaces/{theirs}/services/{name}")
    if service is None:
        return broken(
            subject,
            f"there is no Service {theirs}/{name}",
            cause="DATABASE_URL names a host that isn't there",
            cure="correct the URL in Vault, or make the Service",
        )
    if not scene.ready_endpoints(theirs, name):
        return broken(
            subject,
            f"the Service {theirs}/{name} has no ready endpoint",
            cause="the database doesn't run",
            cure=f"kubectl -n {theirs} get pods, and start PostgreSQL",
        )
    return whole(subject, "the Service has a ready endpoint")


# --- the migration ---------------------------------------------------------------------------------------


def probe_migrations(scene: Scene) -> Iterator[Finding]:
    for namespace in scene.namespaces:
        for job in scene.kubernetes.items(f"/apis/batch/v1/namespaces/{namespace}/jobs"):
            template = job["spec"]["template"]["metadata"]
            if "migration" in (template.get("labels") or {}).get("app.kubernetes.io/component", ""):
                yield _migration(scene, job)


def _migration(scene: Scene, job: Document) -> Finding:
    subject = named("Job", job)
    conditions = {
        item["type"]: item
        for item in (job.get("status") or {}).get("conditions") or []
        if item["status"] == "True"
    }
    if "Complete" in conditions:
        return _schema(scene, job)
    namespace, name = job["metadata"]["namespace"], job["metadata"]["name"]
    said = reason_of(scene, namespace, {"job-name": name})
    if "Failed" in conditions and not said:  # its Pods are gone, and their logs with them
        return broken(
            subject,
            str(conditions["Failed"].get("message")),
            cause="the migration of the database has failed, and isn't tried again",
            cure=f"kubectl -n {namespace} delete job/{name}, then `pulumi up --refresh`, which runs it anew: "
            "its log says why it fails",
        )
    if "Failed" in conditions:
        cause, cure = explained(said, "the migration of the database has failed")
        return broken(subject, said, cause=cause, cure=cure)
    if said:
        cause, cure = explained(said, "the migration of the database fails, and is tried again")
        return broken(subject, said, cause=cause, cure=cure)
    return weak(
        subject,
        "is under way",
        cause="the database isn't at the schema of the image yet",
        cure="wait, then look again",
    )


def _schema(scene: Scene, job: Document) -> Finding:
    """See whether the migration that has ended is the one of the image that runs."""
    subject, migrated = named("Job", job), _image(job)
    for deployment in scene.gateways():
        if deployment["metadata"]["namespace"] == job["metadata"]["namespace"]:
            runs = _image(deployment)
            if runs != migrated:
                return weak(
                    subject,
                    f"has migrated with {migrated}; {named('Deployment', deployment)} runs {runs}",
                    cause="the database is at the schema of another image than the one that runs",
                    cure="run `pulumi up`, which migrates with the image before it rolls out",
                )
    return whole(subject, f"has brought the database to the schema of {migrated}")


def _image(document: Document) -> str:
    return str(document["spec"]["template"]["spec"]["containers"][0]["image"])


# --- the salt --------------------------------------------------------------------------------------------


def probe_salt_keys(scene: Scene) -> Iterator[Finding]:
    for external in scene.external_secrets():
        store = scene.store_of(external)
        for key, path, name in external.properties:
            if key == _SALT and store is not None and store.mount:
                yield from _salt_key(scene, store, path, name)


def _salt_key(scene: Scene, store: Store, path: str, name: str) -> Iterator[Finding]:
    """Compare the salt of now with the one of the oldest version that can still be read."""
    below = store.below_mount(path)
    metadata = scene.vault.get(f"{store.mount}/metadata/{below}")
    current = ((scene.kv(store.mount, below) or {}).get("data") or {}).get(name)
    if metadata is None or current is None:
        return  # the link of the path says so
    subject = f"Salt key {store.mount}/{path}"
    number = _oldest(metadata)
    first = scene.vault.get(f"{store.mount}/data/{below}?version={number}") or {}
    before = (first.get("data") or {}).get(name)
    if before is not None and fingerprint(str(before)) != fingerprint(str(current)):
        yield broken(
            subject,
            f"fingerprint {fingerprint(str(current))}, in version {number} it was {fingerprint(str(before))}",
            cause="the salt key was changed: LiteLLM can't read what it has encrypted in its database",
            cure=f"write the value of version {number} back to {store.mount}/{path}",
            scope={store.key},
        )
    else:
        yield whole(
            subject, f"fingerprint {fingerprint(str(current))}, the same as in version {number}", {store.key}
        )


def _oldest(metadata: Mapping[str, Any]) -> int:
    versions = metadata.get("versions") or {}
    readable = [
        int(number)
        for number, version in versions.items()
        if not version.get("destroyed") and not version.get("deletion_time")
    ]
    return min(readable, default=int(metadata.get("current_version") or 1))


LINKS = (
    Link(
        "salt-key",
        "Salt key",
        "What LiteLLM encrypts with: that its fingerprint is that of the oldest version which Vault has.",
        probe_salt_keys,
        needs=("path",),
    ),
    Link(
        "database",
        "Database",
        "The host of DATABASE_URL: that its Service is there and has a ready endpoint. Whether LiteLLM "
        "reaches it is said by the link gateway.",
        probe_databases,
        needs=("secret",),
    ),
    Link(
        "migration",
        "Migration",
        "The Job that brings the database to the image's schema: that it has ended well, and that it was of "
        "the image that runs.",
        probe_migrations,
        needs=("secret", "database"),
    ),
)
