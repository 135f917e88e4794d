"""The Secrets that the operator makes: compared with Vault by fingerprints."""

from collections.abc import Iterator

from doctor.model import Finding, Link, broken, weak, whole
from doctor.objects import ExternalSecret, Store, fingerprint
from doctor.scene import Scene

__all__ = ["LINKS"]


def probe_secrets(scene: Scene) -> Iterator[Finding]:
    for external in scene.external_secrets():
        store = scene.store_of(external)
        yield from _secret(scene, external, store)


def _secret(scene: Scene, external: ExternalSecret, store: Store | None) -> Iterator[Finding]:
    scope = {store.key} if store else set()
    subject = f"Secret {external.namespace}/{external.target}"
    if ((external.document["spec"].get("target") or {}).get("creationPolicy") or "Owner") == "None":
        return
    values = scene.secret(external.namespace, external.target)
    if values is None:
        yield broken(
            subject,
            "isn't there",
            cause=f"the Secret of the {external.key} was never made, or was deleted",
            cure="see the ExternalSecret above; the operator makes it as soon as it can read",
            scope=scope,
        )
        return
    missing = [key for key, _, _ in external.properties if key not in values]
    if missing:
        yield broken(
            subject,
            f"lacks {', '.join(missing)}",
            cause="the Secret lacks keys that its ExternalSecret declares",
            cure="see the ExternalSecret above",
            scope=scope,
        )
        return
    stale = _stale(scene, external, store, values) if store and store.mount else []
    if stale and scene.is_immutable(external.namespace, external.target):
        yield broken(
            subject,
            f"{', '.join(stale)}: another value than in Vault, and the Secret is immutable",
            cause="the Secret can't follow Vault: it is immutable",
            cure="take target.immutable out of the ExternalSecret and delete the Secret, which is made anew",
            scope=scope,
        )
    elif stale:
        yield weak(
            subject,
            f"{', '.join(stale)}: another value than in Vault",
            cause="the Secret hasn't followed Vault yet",
            cure="wait for the refresh interval, or force it: python -m doctor --fix",
            scope=scope,
        )
    elif _is_of_somebody_else(scene, external):
        yield weak(
            subject,
            "has another owner than its ExternalSecret, or none",
            cause="the Secret isn't the operator's own: it stays when the ExternalSecret goes",
            cure="delete it, and the operator makes its own; or set creationPolicy: Merge",
            scope=scope,
        )
    else:
        changed = scene.changed(external.namespace, external.target)
        since = f", since {changed:%Y-%m-%d %H:%M} UTC" if changed else ""
        yield whole(subject, f"has {len(values)} keys, equal to Vault{since}", scope)


def _is_of_somebody_else(scene: Scene, external: ExternalSecret) -> bool:
    if ((external.document["spec"].get("target") or {}).get("creationPolicy") or "Owner") != "Owner":
        return False
    owners = scene.owners(external.namespace, external.target)
    return external.document["metadata"].get("uid") not in owners


def _stale(scene: Scene, external: ExternalSecret, store: Store, values: dict[str, str]) -> list[str]:
    """Name the keys whose value isn't the one in Vault; what a template makes can't be compared."""
    if (external.document["spec"].get("target") or {}).get("template"):
        return []
    stale = []
    for key, path, name in external.properties:
        live = ((scene.kv(store.mount, store.below_mount(path)) or {}).get("data") or {}).get(name)
        if isinstance(live, str) and fingerprint(live) != fingerprint(values[key]):
            stale.append(key)
    return stale


LINKS = (
    Link(
        "secret",
        "Secret",
        "The Secret of each ExternalSecret: that it is there, with every key, equal to Vault by fingerprint, "
        "and owned by the ExternalSecret.",
        probe_secrets,
        needs=("external-secret", "store", "path"),
    ),
)
