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
    if stale:
        yield weak(
            subject,
            f"{', '.join(stale)}: another value than in Vault",
            cause="the Secret hasn't followed Vault yet",
            cure="wait for the refresh interval, or force it: python -m doctor --fix",
            scope=scope,
        )
    else:
        yield whole(subject, f"has {len(values)} keys, equal to Vault", scope)


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
        "The Secret of each ExternalSecret: that it is there, with every key, equal to Vault by fingerprint.",
        probe_secrets,
        needs=("external-secret", "store", "path"),
    ),
)
