"""The policy of one app: a template that takes paths below the app's prefix and can't name any other."""

import json
from collections import defaultdict
from collections.abc import Iterable

from schema import AppSettings, DynamicSettings, PushSettings

__all__ = ["app_policy"]

# What the operator does with its own token. Vault's default policy, which has more, is not given.
_OF_ITS_TOKEN = {
    "auth/token/lookup-self": ("read",),
    "auth/token/renew-self": ("update",),
    "auth/token/revoke-self": ("update",),
}
_PUSHED = ("create", "read", "update")
_OF_AN_ENGINE = {"GET": ("read",), "POST": ("create", "update")}
_ORDER = ("create", "read", "update", "delete", "list")


def app_policy(app: AppSettings, mount: str) -> str:
    """Write what the app's store may do, and nothing beside.

    Parameters
    ----------
    app
        Whose paths were checked to be below the prefix: no `..`, no wildcard but at the end, no `data/`.
    mount
        Path of the KV v2 mount.

    Returns
    -------
    str
        HCL. Values are below `data/`, versions and custom metadata below `metadata/`.
    """
    rules: defaultdict[str, set[str]] = defaultdict(set)
    for path, capabilities in (
        *_readable(app.readable(), mount, app.prefix),
        *_pushed(app.push, mount, app.prefix),
        *_drawn(secret.dynamic for secret in app.secrets),
        *_OF_ITS_TOKEN.items(),
    ):
        rules[path].update(capabilities)
    return "".join(_rule(path, capabilities) for path, capabilities in rules.items())


def _readable(paths: Iterable[str], mount: str, prefix: str) -> Iterable[tuple[str, tuple[str, ...]]]:
    for path in paths:
        listed = ("list",) if path.endswith("*") else ()
        yield f"{mount}/data/{prefix}/{path}", ("read",)
        yield f"{mount}/metadata/{prefix}/{path}", ("read", *listed)


def _pushed(pushes: Iterable[PushSettings], mount: str, prefix: str) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Let a push mark its path as the operator's, and take it away again if it shall."""
    for push in pushes:
        capabilities = (*_PUSHED, "delete") if push.deletion_policy == "Delete" else _PUSHED
        for path in push.paths():
            yield f"{mount}/data/{prefix}/{path}", capabilities
            yield f"{mount}/metadata/{prefix}/{path}", capabilities


def _drawn(roles: Iterable[DynamicSettings | None]) -> Iterable[tuple[str, tuple[str, ...]]]:
    for role in roles:
        if role is not None:
            yield role.path, _OF_AN_ENGINE[role.method]


def _rule(path: str, capabilities: set[str]) -> str:
    ordered = sorted(capabilities, key=_ORDER.index)
    return f"path {json.dumps(path)} {{\n  capabilities = {json.dumps(ordered)}\n}}\n"
