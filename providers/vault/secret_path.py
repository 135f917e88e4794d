"""The life of a secret path: values merged into it by check-and-set, and taken out again.

A create that was interrupted is completed by the next one: a value that is generated is only ever written
where none stands, so a second run finds the first one's.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from providers.reference import SecretMissingError, SecretReference
from providers.vault.connection import VaultConnection
from providers.vault.errors import VaultMountMissingError
from providers.vault.kv import KvPath
from providers.vault.sources import changed_inputs, fingerprint

__all__ = ["delete", "open_path", "read", "write"]

_GENERATORS: Mapping[str, Callable[[], str]] = {
    "litellm-key": lambda: f"sk-{secrets.token_urlsafe(32)}",
    "password": lambda: secrets.token_urlsafe(32),
}


def open_path(props: Mapping[str, Any]) -> KvPath:
    """Name the path that some inputs, or a state, mean. Opens no connection."""
    return KvPath(VaultConnection.parse(props.get("vault")), props["mount"], props["path"])


def write(path: KvPath, news: Mapping[str, Any], olds: Mapping[str, Any]) -> dict[str, Any]:
    """Bring the path to what is declared, in at most one version.

    Parameters
    ----------
    path
        Is spoken to only if a property changed.
    news
        The inputs.
    olds
        The state; empty for a new resource.

    Returns
    -------
    dict
        The new state.

    Raises
    ------
    providers.errors.ProviderError
        With nothing written.
    """
    if olds and "properties" not in changed_inputs(olds, news):
        return _state(news, int(olds["version"]), olds["fingerprints"])
    given = {name: _given(name, source) for name, source in news["properties"].items()}
    dropped = _written(olds) - set(news["properties"]) if not news.get("retain_on_delete") else set()
    path.require_version_2()

    def merged(current: Mapping[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in current.items() if name not in dropped}
        return kept | {name: value(current.get(name)) for name, value in given.items() if value is not None}

    version = path.merge(merged)
    written = {name: version.data[name] for name, value in given.items() if value is not None}
    return _state(news, version.number, {name: fingerprint(value) for name, value in written.items()})


def read(path: KvPath, state: Mapping[str, Any]) -> dict[str, Any] | None:
    """Compare the path with the state.

    Returns
    -------
    dict or None
        The state with the version of now, in which the source of a property that somebody else changed or
        took out says so; None if nothing is left at the path.
    """
    try:
        version = path.read()
    except VaultMountMissingError:
        return None
    if not version.data:
        return None
    properties = dict(state["properties"])
    fingerprints = dict(state["fingerprints"])
    for name in _written(state):
        live = version.data.get(name)
        if live is None:
            properties[name] = {"drifted": "missing in Vault"}
            fingerprints.pop(name, None)
        elif "generate" in properties[name]:
            fingerprints[name] = fingerprint(str(live))
        elif fingerprint(str(live)) != fingerprints.get(name):
            properties[name] = {"drifted": "changed in Vault"}
    return {**state, "version": version.number, "properties": properties, "fingerprints": fingerprints}


def delete(path: KvPath, state: Mapping[str, Any]) -> None:
    """Take out what was written, and the path with it if nothing is left."""
    if state.get("retain_on_delete"):
        return
    ours = _written(state)

    def remaining(current: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in current.items() if name not in ours}

    try:
        if not path.merge(remaining).data:
            path.delete()
    except VaultMountMissingError:
        return


# --- parts -----------------------------------------------------------------------------------------------


def _written(props: Mapping[str, Any]) -> set[str]:
    """Name the properties that are ours; what is put by hand never is."""
    return {name for name, source in (props.get("properties") or {}).items() if "manual" not in source}


def _given(name: str, source: Mapping[str, Any]) -> Callable[[Any], Any] | None:
    """Say what shall stand at a property, given what stands there; None if that isn't ours to say."""
    if "manual" in source:
        return None
    if "generate" in source:
        made = _GENERATORS[source["generate"]]()
        return lambda current: made if current is None else current
    if "value" in source:
        return lambda _: source["value"]
    reference = SecretReference.parse(source)
    value = reference.resolve_locally()
    if value is None:
        raise SecretMissingError(f"the property {name!r}: {reference}", "isn't there; set it to the secret")
    return lambda _: value


def _state(inputs: Mapping[str, Any], version: int, fingerprints: Mapping[str, str]) -> dict[str, Any]:
    """Keep what was declared, but of each value only the fingerprint."""
    sources = {
        name: {"value": "given"} if "value" in source else source
        for name, source in inputs["properties"].items()
    }
    return {**inputs, "properties": sources, "version": version, "fingerprints": dict(fingerprints)}
