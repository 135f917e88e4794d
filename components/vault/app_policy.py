"""The policies of one app: templates that take paths below the app's prefix and can't name any other."""

from components.vault.rules import OF_ITS_TOKEN, Rules, policy_text
from schema import AppSettings, PushSettings

__all__ = ["pushing_policy", "reading_policy"]

# An agent renews what it has drawn: whoever knows a lease's id, and nothing can be read or listed there.
_OF_ITS_LEASES = ("sys/leases/renew", ["update"])
_OF_AN_ENGINE = {"GET": ["read"], "POST": ["create", "update"]}


def reading_policy(app: AppSettings, mount: str) -> str:
    """Write what the app's store may read, and nothing beside.

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
    return policy_text([*_readable(app, mount), *_drawn(app), *OF_ITS_TOKEN])


def pushing_policy(app: AppSettings, push: PushSettings, mount: str) -> str:
    """Write what one push may do: keep its path, mark it as the operator's, and take it away if it shall."""
    path = f"{app.prefix}/{push.path}"
    capabilities = ["create", "read", "update", *(["delete"] if push.deletion_policy == "Delete" else [])]
    pushed = [(f"{mount}/{part}/{path}", capabilities) for part in ("data", "metadata")]
    return policy_text([*pushed, *OF_ITS_TOKEN])


def _readable(app: AppSettings, mount: str) -> Rules:
    for path in app.readable():
        yield f"{mount}/data/{app.prefix}/{path}", ["read"]
        yield f"{mount}/metadata/{app.prefix}/{path}", ["read", *(["list"] if path.endswith("*") else [])]


def _drawn(app: AppSettings) -> Rules:
    for dynamic in app.drawn():
        yield dynamic.path, _OF_AN_ENGINE[dynamic.method]
    if any(secret.dynamic for secret in app.injected()):
        yield _OF_ITS_LEASES
