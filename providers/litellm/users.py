"""Users of a gateway: made, given a role, deleted. A user takes the keys that are its own with it."""

from collections.abc import Mapping
from typing import Any

from providers.litellm.client import GatewayClient
from providers.litellm.errors import GatewayUnavailableError
from providers.litellm.ownership import URN, marks, resource_name
from providers.litellm.settling import settle

__all__ = ["ensure", "has_managed_keys", "remove", "role_of_owner"]

_MOST_KEYS = 100  # the most that /key/list gives at once


def ensure(gateway: GatewayClient, user_id: str, *, role: str, urn: str) -> None:
    """Let a user exist and have a role: `POST /user/new` or `/user/update`, if either is needed.

    Parameters
    ----------
    gateway
        That shall know the user.
    user_id
        Of the user.
    role
        LiteLLM's name of it.
    urn
        Of the resource that the user belongs to.

    Raises
    ------
    GatewayError
        If it was refused, or if it isn't known whether it was done: to do it again does no harm.
    """
    user = _find(gateway, user_id)
    if user is None:
        path = "/user/new"
        body = {
            "user_id": user_id,
            "user_role": role,
            "user_alias": resource_name(urn),
            "metadata": marks(urn),
            "auto_create_key": False,
        }
    elif user["user_role"] != role:
        path, body = "/user/update", {"user_id": user_id, "user_role": role}
    else:
        return

    def landed() -> bool | None:
        found = _find(gateway, user_id)
        return True if found is not None and found["user_role"] == role else None

    def send() -> bool:
        gateway.post(path, body)
        return True

    settle(send, landed)


def remove(gateway: GatewayClient, user_id: str) -> None:
    """Delete a user with all its keys, and see that it is gone: `POST /user/delete`.

    Raises
    ------
    GatewayError
        If it was refused, or if it isn't known whether it was done: to do it again does no harm.
    """

    def gone() -> bool | None:
        return True if _find(gateway, user_id) is None else None

    def send() -> bool:
        gateway.post("/user/delete", {"user_ids": [user_id]})
        return True

    settle(send, gone)
    if not gone():
        raise GatewayUnavailableError(gateway.url, f"still has the user {user_id} after its deletion")


def has_managed_keys(gateway: GatewayClient, user_id: str) -> bool:
    """Whether a key of a user is one that a resource manages."""
    return any(URN in (row.get("metadata") or {}) for row in _keys(gateway, {"user_id": user_id}))


def role_of_owner(gateway: GatewayClient, token_id: str) -> str | None:
    """Give the role of the user that a key belongs to; a key may ask this about itself."""
    for row in _keys(gateway, {"key_hash": token_id, "expand": "user"}):
        role: str | None = (row.get("user") or {}).get("user_role")
        return role
    return None


def _find(gateway: GatewayClient, user_id: str) -> dict[str, Any] | None:
    return gateway.get("/v2/user/info", {"user_id": user_id})


def _keys(gateway: GatewayClient, query: Mapping[str, str]) -> list[dict[str, Any]]:
    answer = gateway.get("/key/list", {"return_full_object": "true", "size": _MOST_KEYS, **query})
    return list((answer or {}).get("keys", ()))
