"""The mounts of Vault: where the secrets are, and where a cluster logs in."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from doctor.at_once import look_at_each
from doctor.links.reviewers import reviewer_problems
from doctor.model import Finding, Link, broken, weak, whole
from doctor.objects import Store, claims
from doctor.scene import Scene
from doctor.tls import Outcome, certificates

__all__ = ["LINKS"]


def probe_kv_mounts(scene: Scene) -> Iterator[Finding]:
    for store in scene.stores():
        vault = store.vault or {}
        path = str(vault.get("path") or "").strip("/")
        if not path:
            yield weak(
                store.key,
                "names no mount (spec.provider.vault.path)",
                cause="each key of its ExternalSecrets has to begin with the mount and data/",
                cure="set spec.provider.vault.path to the mount",
                scope={store.key},
            )
            continue
        yield _kv_mount(scene, store, path, str(vault.get("version") or "v2"))


def _kv_mount(scene: Scene, store: Store, path: str, version: str) -> Finding:
    mount = scene.mounts().get(f"{path}/")
    if mount is None:
        near = [name.rstrip("/") for name, one in scene.mounts().items() if one.get("type") == "kv"]
        return broken(
            store.key,
            f"Vault has no mount {path}/ (KV mounts: {', '.join(near) or 'none'})",
            cause=f"the store reads from a mount that isn't there: {path}",
            cure="correct spec.provider.vault.path, or mount KV there",
            scope={store.key},
        )
    live = f"v{(mount.get('options') or {}).get('version', '1')}"
    if mount.get("type") != "kv":
        return broken(
            f"Mount {path}/",
            f"is {mount.get('type')}, not kv",
            cause=f"the store {store.key} reads KV from a mount of another kind",
            cure="correct spec.provider.vault.path",
            scope={store.key},
        )
    if live != version:
        return broken(
            f"Mount {path}/",
            f"is KV {live}; the store says {version}",
            cause="the store reads another KV version than the mount has, so from paths that aren't there",
            cure=f"set spec.provider.vault.version to {live}",
            scope={store.key},
        )
    return whole(f"Mount {path}/", f"is KV {live}, as the store says", {store.key})


# --- where a cluster logs in -----------------------------------------------------------------------------


def probe_auth_mounts(scene: Scene) -> Iterator[Finding]:
    by_mount: dict[str, list[Store]] = {}
    for store in scene.stores():
        if store.kubernetes_auth:
            by_mount.setdefault(store.auth_mount.strip("/"), []).append(store)
    yield from look_at_each(by_mount.items(), lambda item: _auth_mount(scene, *item))


def _auth_mount(scene: Scene, path: str, stores: list[Store]) -> Iterator[Finding]:
    scope = {store.key for store in stores}
    subject = f"Auth mount auth/{path}"
    mount = scene.auth_mounts().get(f"{path}/")
    if mount is None or mount.get("type") != "kubernetes":
        what = "isn't there" if mount is None else f"is {mount.get('type')}, not kubernetes"
        yield broken(
            subject,
            what,
            cause=f"the store logs in at auth/{path}, which {what}",
            cure="correct mountPath in the store, or enable the kubernetes auth method there",
            scope=scope,
        )
        return
    config = scene.vault.get(f"auth/{path}/config")
    if config is None:
        yield broken(
            subject,
            "has no configuration",
            cause=f"auth/{path} was never told which cluster it serves",
            cure=f"write auth/{path}/config with kubernetes_host and its CA",
            scope=scope,
        )
        return
    problems = [
        finding
        for finding in (
            _host_problem(scene, subject, config, scope),
            _authority_problem(scene, subject, config, scope),
            _issuer_problem(scene, subject, config, stores),
        )
        if finding is not None
    ]
    # Who reviews is asked only where the API server can be: otherwise nobody could answer.
    problems = problems or list(reviewer_problems(scene, subject, config, stores, cluster_authority(scene)))
    yield from problems
    if not problems:
        yield whole(subject, f"serves {config.get('kubernetes_host')} with its CA and a reviewer", scope)


def _host_problem(scene: Scene, subject: str, config: Mapping[str, Any], scope: set[str]) -> Finding | None:
    """See whether `kubernetes_host` is this cluster: by name, by address, or by its certificate."""
    host = str(config.get("kubernetes_host") or "")
    url = urlsplit(host)
    name = url.hostname or ""
    known, ports = _own_addresses(scene)
    if name in known and (url.port or 443) in ports[name]:
        return None
    handshake = scene.handshake((name, url.port or 443), name, cluster_authority(scene))
    if handshake.outcome in (Outcome.TRUSTED, Outcome.OTHER_NAME):
        return None
    reason = (
        "another cluster's API server answers there"
        if handshake.outcome is Outcome.UNTRUSTED
        else f"no API server answers there ({handshake.detail})"
    )
    return broken(
        subject,
        f"kubernetes_host is {host}: {reason}",
        cause=f"the auth mount points to an API server that isn't this cluster's: {host}",
        cure=f"write the cluster's address into {_path(subject)}/config, such as {scene.kubernetes.server}",
        scope=scope,
    )


def _path(subject: str) -> str:
    return subject.rpartition(" ")[2]


def _own_addresses(scene: Scene) -> tuple[set[str], dict[str, set[int]]]:
    """List the names and addresses of this cluster's API server, each with its ports."""
    server = urlsplit(scene.kubernetes.server)
    ports: dict[str, set[int]] = {str(server.hostname): {server.port or 443}}
    service = scene.kubernetes.get("/api/v1/namespaces/default/services/kubernetes")
    if service:
        exposed = {item["port"] for item in service["spec"]["ports"]}
        names = (
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        )
        for name in (*names, service["spec"]["clusterIP"]):
            ports.setdefault(name, set()).update(exposed)
    for item in scene.kubernetes.items("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"):
        if item["metadata"]["name"] == "kubernetes":
            for endpoint in item.get("endpoints") or []:
                for address in endpoint["addresses"]:
                    ports.setdefault(address, set()).update(port["port"] for port in item["ports"])
    return set(ports), ports


def cluster_authority(scene: Scene) -> str:
    """Give the CA of this cluster's API server, as every namespace has it."""
    document = scene.kubernetes.get("/api/v1/namespaces/default/configmaps/kube-root-ca.crt")
    return str(((document or {}).get("data") or {}).get("ca.crt") or scene.kubernetes.authority)


def _authority_problem(
    scene: Scene, subject: str, config: Mapping[str, Any], scope: set[str]
) -> Finding | None:
    pem = str(config.get("kubernetes_ca_cert") or "")
    where = f"{_path(subject)}/config"
    if not pem:
        if not config.get("disable_local_ca_jwt"):
            return None
        return broken(
            subject,
            "has no kubernetes_ca_cert, and may not use the one of its Pod",
            cause="Vault doesn't trust the API server's certificate: no CA is configured",
            cure=f"write the cluster's CA into {where} (kubernetes_ca_cert)",
            scope=scope,
        )
    try:
        theirs = certificates(pem)
        right = bool(theirs & certificates(cluster_authority(scene)))
    except ValueError:
        right = False
    if right:
        return None
    return broken(
        subject,
        "its kubernetes_ca_cert isn't the CA of this cluster",
        cause="the auth mount trusts another cluster's CA, so Vault can't ask this API server about a token",
        cure=f"write the cluster's CA (ConfigMap kube-root-ca.crt) into {where} (kubernetes_ca_cert)",
        scope=scope,
    )


def _issuer_problem(
    scene: Scene, subject: str, config: Mapping[str, Any], stores: list[Store]
) -> Finding | None:
    """See whether the mount wants another issuer than the tokens of this cluster name."""
    wanted = str(config.get("issuer") or "")
    if not wanted or config.get("disable_iss_validation", True):
        return None
    for store in stores:
        if store.service_account is None:
            continue
        issuer = claims(scene.token_of(store)).get("iss")
        if issuer != wanted:
            return broken(
                subject,
                f"demands the issuer {wanted}; the cluster's tokens are issued by {issuer}",
                cause="the auth mount demands another issuer than the one that this cluster's tokens name",
                cure=f"set issuer to {issuer} in {_path(subject)}/config, or disable_iss_validation=true",
                scope={store.key for store in stores},
            )
    return None


LINKS = (
    Link(
        "kv-mount",
        "KV mount",
        "The mount that each store reads: that it is there, is KV, and has the version that the store says.",
        probe_kv_mounts,
        needs=("vault",),
    ),
    Link(
        "auth-mount",
        "Auth mount",
        "The kubernetes auth method that each store logs in at: that it is there, that kubernetes_host and "
        "kubernetes_ca_cert are this cluster's, that its issuer is, and that its reviewer gets an answer: "
        "its right to create TokenReviews, and, where a login's token reviews itself, such a TokenReview. "
        "A reviewer token that is kept in Vault alone is tried by the login.",
        probe_auth_mounts,
        needs=("cluster", "vault"),
    ),
)
