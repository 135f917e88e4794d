"""What the state holds of a key."""

from collections.abc import Collection, Mapping
from typing import Any

from providers.litellm.destination import Destination

__all__ = ["place", "shares_metadata", "state_of"]


def state_of(
    inputs: Mapping[str, Any], token_id: str, expires: str | None, value: Mapping[str, Any]
) -> dict[str, Any]:
    """Compose it.

    Parameters
    ----------
    inputs
        Of the key.
    token_id
        SHA-256 of the key, hex.
    expires
        RFC 3339; empty or None if never.
    value
        The key, or its `place`.
    """
    return {**inputs, "token_id": token_id, "expires": expires or "", **value}


def shares_metadata(state: Collection[str]) -> bool:
    """Whether a key's metadata is somebody else's too: of it or one before it that was adopted.

    Parameters
    ----------
    state
        Its names: `adopted` and `heir` say so.
    """
    return "adopted" in state or "heir" in state


def place(inputs: Mapping[str, Any], version: int) -> dict[str, Any]:
    """Say where a delivered key is: all that the state knows of its value beside the hash."""
    return {"vault_path": str(Destination.parse(inputs["deliver"])), "vault_version": version}
