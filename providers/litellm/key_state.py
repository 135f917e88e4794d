"""What the state holds of a key."""

from collections.abc import Mapping
from typing import Any

from providers.litellm.destination import Destination

__all__ = ["place", "state_of"]


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


def place(inputs: Mapping[str, Any], version: int) -> dict[str, Any]:
    """Say where a delivered key is: all that the state knows of its value beside the hash."""
    return {"vault_path": str(Destination.parse(inputs["deliver"])), "vault_version": version}
