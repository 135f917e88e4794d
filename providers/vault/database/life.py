"""The life of a database connection: written, its root password rotated once, and taken away.

Vault never tells a password, so a mark stands beside it in the connection's configuration: the version of the
password that was given, and whether it has been rotated since. Vault merges what is written into what it has,
so a write without a password keeps the rotated one. Hence the one rule: a password is given to Vault only
where it has none, or where a raised version says that the one in the source is new. Who finds a mark that
isn't `rotated`, because another run was interrupted before it could say so, rotates: with the password that
Vault has, be it the given one or one that was rotated already.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pydantic import SecretStr

from providers.reference import SecretReference
from providers.vault.connection import VaultConnection
from providers.vault.database.engine import ConnectionPath
from providers.vault.database.inputs import INPUTS, OF_THE_PROGRAM, OPTIONS, PLUGINS, changed_inputs
from providers.vault.errors import VaultConnectionTakenError, VaultMountMissingError, VaultNotThereError
from providers.vault.sources import fingerprint

__all__ = ["MARK", "OWNER", "delete", "open_path", "read", "write"]

MARK = "llm_gateway_password"
"""Field of the connection's details, which Vault keeps as it is given and no plugin reads."""
OWNER = "llm_gateway_owner"
"""The same, with the URN of the resource that the connection belongs to."""


@dataclass(frozen=True)
class _Mark:
    """What is known of the password that Vault has."""

    version: int
    rotated: bool

    @classmethod
    def of(cls, live: Mapping[str, Any] | None) -> Self | None:
        """Read it; None where there is no connection, or one of somebody else."""
        version, _, state = str(_details(live).get(MARK, "")).partition(" ")
        return cls(int(version), state == "rotated") if version.isdigit() else None

    def __str__(self) -> str:
        return f"{self.version} {'rotated' if self.rotated else 'given'}"


def open_path(props: Mapping[str, Any]) -> ConnectionPath:
    """Name the connection that some inputs, or a state, mean. Opens no connection to Vault."""
    return ConnectionPath(VaultConnection.parse(props.get("vault")), props["mount"], props["name"])


def write(engine: ConnectionPath, news: Mapping[str, Any], olds: Mapping[str, Any]) -> dict[str, Any]:
    """Bring the connection to what is declared, and rotate its password if that is still to be done.

    Parameters
    ----------
    engine
        Is spoken to only if Vault has to be told something.
    news
        The inputs.
    olds
        The state; empty for a new resource.

    Returns
    -------
    dict
        The new state, with `root`, which is `given` or `rotated`, and the fingerprint of a given password.

    Raises
    ------
    providers.errors.ProviderError
        With nothing lost: a second run goes on where this one has ended.
    """
    if olds and OF_THE_PROGRAM.issuperset(changed_inputs(olds, news)):
        return _state(news, rotated=olds["root"] == "rotated", given=olds["fingerprint"])
    engine.require_engine()
    live = engine.read()
    mark = _Mark.of(live)
    if live is not None and not olds and not _may_be_taken_up(live, mark, news):
        raise VaultConnectionTakenError(engine.address, str(engine), _details(live).get(OWNER))
    password = _password(engine, news, olds, live, mark)
    if password is not None or mark is None:
        mark = _Mark(int(news["password_version"]), rotated=False)
    settings = {**_settings(news, olds), OWNER: news.get("owner") or ""}
    engine.configure({**settings, MARK: str(mark)}, password)
    if news["rotate_root"] and not mark.rotated:
        engine.rotate_root()
        mark = _Mark(mark.version, rotated=True)
        engine.configure({**settings, MARK: str(mark)}, None)
    for role in sorted(set(olds.get("roles") or ()) - set(news["roles"])):
        engine.revoke_leases(role)
    kept = "" if mark.rotated else olds.get("fingerprint", "")
    given = fingerprint(password.get_secret_value()) if password and not mark.rotated else kept
    return _state(news, rotated=mark.rotated, given=given)


def read(engine: ConnectionPath, state: Mapping[str, Any]) -> dict[str, Any] | None:
    """Compare the connection with the state.

    Returns
    -------
    dict or None
        The state with what Vault has, where that means something else; None if the connection is gone.
    """
    try:
        live = engine.read()
    except VaultMountMissingError:
        return None
    if live is None:
        return None
    mark, details, allowed = _Mark.of(live), _details(live), set(live.get("allowed_roles") or ())
    plugins = {plugin: name for name, plugin in PLUGINS.items()}
    rotated = mark is not None and mark.rotated
    seen: dict[str, Any] = {
        "plugin": plugins.get(live["plugin_name"], live["plugin_name"]),
        "connection_url": details.get("connection_url"),
        "username": details.get("username"),
        "password_version": mark.version if mark else state["password_version"],
        "rotate_root": bool(state["rotate_root"]) and rotated,
        "static_roles": [role for role in state["static_roles"] if role in allowed],
        "root_rotation_statements": live.get("root_credentials_rotate_statements") or [],
        "options": {name: details.get(name, OPTIONS[name]) for name in state["options"]},
        "root": "rotated" if rotated else "given",
    }
    others = allowed - set(state["static_roles"])
    seen["roles"] = state["roles"] if others == set(state["roles"]) else sorted(others)
    return {**state, **seen}


def delete(engine: ConnectionPath, state: Mapping[str, Any]) -> None:
    """Take the credentials of all roles away, then the connection, unless it is to be kept."""
    try:
        if engine.read() is None:
            return
    except VaultMountMissingError:
        return
    for role in state["roles"]:
        engine.revoke_leases(role)
    if not state.get("retain_on_delete"):
        engine.delete()


# --- parts -----------------------------------------------------------------------------------------------


def _details(live: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return (live or {}).get("connection_details") or {}


def _may_be_taken_up(live: Mapping[str, Any], mark: _Mark | None, news: Mapping[str, Any]) -> bool:
    """Tell whether a connection that no state holds is ours, is what is declared, or is asked for by name.

    Ours is what an interrupted run has left, or a stack that was destroyed.
    """
    if "manual" in news["password"]:
        return True
    if mark is None:
        return False
    owner = _details(live).get(OWNER)
    return bool(owner and owner == news.get("owner")) or _is_equal(live, _settings(news, {}))


def _is_equal(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    details = _details(live)
    return (
        live["plugin_name"] == wanted["plugin_name"]
        and sorted(live.get("allowed_roles") or ()) == wanted["allowed_roles"]
        and all(details.get(name) == wanted[name] for name in ("connection_url", "username"))
    )


def _password(
    engine: ConnectionPath,
    news: Mapping[str, Any],
    olds: Mapping[str, Any],
    live: Mapping[str, Any] | None,
    mark: _Mark | None,
) -> SecretStr | None:
    """Fetch the password from its source if it is to be given to Vault."""
    source = news["password"]
    if "manual" in source:
        if live is None:
            raise VaultNotThereError(
                engine.address, str(engine), "put it there with its password: vault write, password=-"
            )
        return None
    if live is not None and not _is_new(mark, news, olds):
        return None
    return SecretReference.parse(source).resolve(VaultConnection.parse(news.get("vault")))


def _is_new(mark: _Mark | None, news: Mapping[str, Any], olds: Mapping[str, Any]) -> bool:
    """Tell whether the source has a password that Vault, which has one, hasn't been given yet."""
    if mark is None:
        return False
    if mark.version != news["password_version"]:
        return True
    follows = not news["rotate_root"] and not mark.rotated
    return follows and (not olds or "password" in changed_inputs(olds, news))


def _settings(news: Mapping[str, Any], olds: Mapping[str, Any]) -> dict[str, Any]:
    """Spell the declaration as the API does; what is declared no more goes back to its default."""
    options = {name: OPTIONS[name] for name in olds.get("options") or {}} | dict(news["options"])
    return {
        "plugin_name": PLUGINS[news["plugin"]],
        "connection_url": news["connection_url"],
        "username": news["username"],
        "verify_connection": news["verify_connection"],
        "allowed_roles": sorted([*news["roles"], *news["static_roles"]]),
        "root_rotation_statements": list(news["root_rotation_statements"]),
        **{name: int(value) if isinstance(value, float) else value for name, value in options.items()},
    }


def _state(inputs: Mapping[str, Any], *, rotated: bool, given: str) -> dict[str, Any]:
    declared = {name: inputs[name] for name in INPUTS}
    return {**declared, "root": "rotated" if rotated else "given", "fingerprint": given}
