"""The KV v2 mounts that a configuration names, each with the keys that name it."""

from collections.abc import Iterator, Mapping

from schema import NAMESPACE, Settings

__all__ = ["foreign_kv_mounts", "named_kv_mounts"]


def named_kv_mounts(settings: Settings) -> Mapping[str, str]:
    """Give every KV v2 mount that the program writes to, reads from or points others to.

    Returns
    -------
    mapping
        Path of the mount -> the keys of the configuration that name it.
    """
    named: dict[str, list[str]] = {}
    for place, mount in _named(settings):
        named.setdefault(mount, []).append(f"{NAMESPACE}:{place}")
    return {mount: ", ".join(places) for mount, places in named.items()}


def foreign_kv_mounts(settings: Settings) -> Mapping[str, str]:
    """Give those of them that are somebody else's, so of which nothing is known yet."""
    own = settings.vault.mount if settings.vault.create_mount else None
    return {mount: places for mount, places in named_kv_mounts(settings).items() if mount != own}


def _named(settings: Settings) -> Iterator[tuple[str, str]]:
    yield "vault.mount", settings.vault.mount
    for index, app in enumerate(settings.apps):
        if app.mount:
            yield f"apps[{index}].mount", app.mount
    for index, key in enumerate(settings.keys):
        if key.deliver and key.deliver.mount:
            yield f"keys[{index}].deliver.mount", key.deliver.mount
    if settings.gateway.admin_key and settings.gateway.admin_key.vault:
        yield "gateway.adminKey.vault.mount", settings.gateway.admin_key.vault.mount
