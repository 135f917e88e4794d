"""LiteLLM's Pods: their image, that all are available, and that they run on the values of now."""

import re
from collections.abc import Iterator
from datetime import datetime

from doctor.kubernetes import Document
from doctor.links.pods import explained, named, reason_of
from doctor.model import Finding, Link, broken, weak, whole
from doctor.objects import Store, fingerprint
from doctor.scene import Scene

__all__ = ["LINKS"]

# Published by somebody else than LiteLLM's makers, or reported so.
_COMPROMISED = re.compile(r"1\.82\.7|1\.82\.8|1\.107\.\d+")
_VERSIONS = "llm-gateway/vault-versions"


def probe_images(scene: Scene) -> Iterator[Finding]:
    for deployment in scene.gateways():
        for container in deployment["spec"]["template"]["spec"]["containers"]:
            image = str(container["image"])
            tag = re.sub(r"@.*", "", image).rpartition("/")[2].partition(":")[2].removeprefix("v")
            version = re.match(r"(main-v)?(\d+\.\d+\.\d+)", tag)
            if version and _COMPROMISED.fullmatch(version[2]):
                yield broken(
                    named("Deployment", deployment),
                    f"runs {image}",
                    cause=f"LiteLLM {version[2]} was compromised: it gives away what it is told",
                    cure="run another version, and change every credential that it has seen",
                )
            elif "litellm" in image:
                yield whole(named("Deployment", deployment), f"runs {image}, not known to be compromised")


def probe_deployments(scene: Scene) -> Iterator[Finding]:
    found = scene.gateways()
    if (
        not found
        and not scene.blind_spots
        and scene.stack is not None
        and scene.stack.declares("kubernetes:apps/v1:Deployment")
    ):
        yield broken(
            "LiteLLM",
            f"no Deployment in {', '.join(scene.namespaces)} runs its image",
            cause="the gateway's Deployment isn't there",
            cure="run `pulumi up`",
        )
    for deployment in found:
        yield from _deployment(scene, deployment)


def _deployment(scene: Scene, deployment: Document) -> Iterator[Finding]:
    subject = named("Deployment", deployment)
    wanted = deployment["spec"].get("replicas", 1)
    status = deployment.get("status") or {}
    available = status.get("availableReplicas") or 0
    counts = {available, status.get("updatedReplicas") or 0, status.get("replicas") or 0}
    if wanted == 0:
        yield broken(
            subject,
            "scaled to 0 replicas",
            cause="the gateway is switched off",
            cure="scale it up, or run `pulumi up --refresh`",
        )
        return
    if counts != {wanted}:
        said = reason_of(
            scene, deployment["metadata"]["namespace"], deployment["spec"]["selector"]["matchLabels"]
        )
        cause, cure = explained(said, "the gateway's Pods aren't ready")
        # A Pod that starts doesn't answer its probes yet: as long as others serve, that is no fault.
        finding = broken if available == 0 or (said and "robe failed" not in said) else weak
        evidence = f"{available} of {wanted} replicas are available, not all of them new"
        evidence += f": {said}" if said else ""
        yield finding(subject, evidence, cause=cause, cure=cure)
        return
    yield whole(subject, f"{available} of {wanted} replicas are available")
    yield from _older_than_secret(scene, deployment)


def _older_than_secret(scene: Scene, deployment: Document) -> Iterator[Finding]:
    """See whether Pods started before their Secret last changed: a variable doesn't follow it."""
    namespace = deployment["metadata"]["namespace"]
    starts = [
        datetime.fromisoformat(pod["status"]["startTime"])
        for pod in scene.pods(namespace, deployment["spec"]["selector"]["matchLabels"])
        if pod["status"].get("startTime")
    ]
    for name in scene.secrets_of(deployment):
        changed = scene.changed(namespace, name)
        if not starts or changed is None or min(starts) >= changed:
            continue
        if not _has_values_of_now(scene, deployment, name):
            yield weak(
                named("Deployment", deployment),
                f"its Pods started before the Secret {name} last changed",
                cause="the Pods still run on the values of before",
                cure="run `pulumi up --refresh`, which rolls them out",
            )


def _has_values_of_now(scene: Scene, deployment: Document, secret: str) -> bool:
    """Whether the versions in Vault that the Pods were started with hold the values of the newest ones."""
    annotations = deployment["spec"]["template"]["metadata"].get("annotations") or {}
    pairs = [pair.rpartition("=") for pair in str(annotations.get(_VERSIONS) or "").split(",") if pair]
    versions = {path: number for path, _, number in pairs}
    for external in scene.external_secrets():
        if (external.namespace, external.target) != (deployment["metadata"]["namespace"], secret):
            continue
        store = scene.store_of(external)
        return (
            store is not None
            and bool(external.properties)
            and all(
                path in versions and _is_unchanged(scene, store, path, name, versions[path])
                for _, path, name in external.properties
            )
        )
    return False


def _is_unchanged(scene: Scene, store: Store, path: str, name: str, version: str) -> bool:
    below = store.below_mount(path)
    then = (scene.vault.get(f"{store.mount}/data/{below}?version={version}") or {}).get("data") or {}
    now = (scene.kv(store.mount, below) or {}).get("data") or {}
    return name in then and name in now and fingerprint(str(then[name])) == fingerprint(str(now[name]))


LINKS = (
    Link(
        "image",
        "Image",
        "The version of LiteLLM that runs: that it isn't one of those that were compromised.",
        probe_images,
        needs=("cluster",),
    ),
    Link(
        "deployment",
        "LiteLLM",
        "The gateway's Pods: that all are available, and no older than the Secret with their values. "
        "What keeps them from it is read from their state, their events and known words of their log.",
        probe_deployments,
        needs=("secret", "database", "migration"),
    ),
)
