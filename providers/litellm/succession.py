"""One key takes another one's place: what it inherits, and how the other one ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from providers.litellm import clock
from providers.litellm.client import GatewayClient, ListedKey
from providers.litellm.kinds import parse_instant
from providers.litellm.known import Current
from providers.litellm.ownership import SUPERSEDED_BY, SUPERSEDES, marks
from providers.litellm.registration import remove
from providers.litellm.rotation import grace_seconds
from providers.litellm.settling import settle

__all__ = ["Predecessor", "hand_over_spend", "has_ended", "is_superseded", "retire", "supersedes"]

_ROUNDS = 3
_GRAIN_USD = 1e-9
"""Sums of floating-point numbers differ by less; no request costs so little."""


@dataclass(frozen=True)
class Predecessor:
    """A key that is being replaced.

    Attributes
    ----------
    token_id
        SHA-256 of the key, hex.
    row
        As the gateway has it.
    """

    token_id: str
    row: Mapping[str, Any]

    @classmethod
    def look(cls, gateway: GatewayClient, token_id: str) -> Self | None:
        """Ask for a key; None if it is gone, or has a successor already."""
        row = gateway.info(token_id)
        return None if row is None or is_superseded(row.get("metadata")) else cls(token_id, row)

    @property
    def inheritance(self) -> dict[str, Any]:
        """What the successor's metadata says of it: whose spend it carries, and how much of that in all."""
        return {"token_id": self.token_id, "total_spend": _total(self.row)}

    def bequeath(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Add to the body of /key/generate what the successor inherits."""
        metadata = {**body["metadata"], SUPERSEDES: self.inheritance}
        return {**body, "spend": _window_spend(self.row), "metadata": metadata}


def is_superseded(metadata: Mapping[str, Any] | None) -> bool:
    """Whether a key's metadata says that another one has taken its place."""
    return SUPERSEDED_BY in (metadata or {})


def supersedes(metadata: Mapping[str, Any] | None) -> str | None:
    """Give the hash of the key whose place a key has taken, by its metadata; None if it is the first."""
    record = (metadata or {}).get(SUPERSEDES) or {}
    return record.get("token_id")


def has_ended(key: ListedKey) -> bool:
    """Whether a predecessor's grace is over."""
    ends = key.expires
    return is_superseded(key.metadata) and ends is not None and parse_instant(ends) <= clock.now()


# --- the end of a predecessor ----------------------------------------------------------------------------


def retire(gateway: GatewayClient, token_id: str, successor: Current) -> None:
    """Let a key end after its grace, and leave its successor what it has spent since that was minted.

    Parameters
    ----------
    gateway
        That knows both.
    token_id
        Hash of the key.
    successor
        That has taken its place, and says how long the grace is.

    Raises
    ------
    GatewayError
        If it was refused, or if it isn't known whether it was done: to do it again does no harm.
    """
    row = gateway.info(token_id)
    if row is None:
        return
    predecessor = Predecessor(token_id, row)
    if successor.inherited != predecessor.inheritance:
        hand_over_spend(gateway, predecessor, successor.token_id)
    if grace_seconds(successor.grace) == 0:
        remove(gateway, token_id)
    elif not is_superseded(row.get("metadata")):
        _let_expire(gateway, token_id, row, successor)


def _let_expire(gateway: GatewayClient, token_id: str, row: Mapping[str, Any], successor: Current) -> None:
    """Set its end and its mark in one call, unless it ends sooner anyway."""
    metadata = {**(row.get("metadata") or {}), **marks(successor.urn), SUPERSEDED_BY: successor.token_id}
    body: dict[str, Any] = {"metadata": metadata}
    end = clock.now() + timedelta(seconds=grace_seconds(successor.grace))
    if not row.get("expires") or parse_instant(row["expires"]) > end:
        body["duration"] = successor.grace

    def landed() -> bool | None:
        found = gateway.info(token_id)
        return True if found is None or is_superseded(found.get("metadata")) else None

    def send() -> bool:
        gateway.update(token_id, body)
        return True

    settle(send, landed)


# --- what it has spent since -----------------------------------------------------------------------------


def hand_over_spend(gateway: GatewayClient, predecessor: Predecessor, token_id: str) -> None:
    """Add to the successor's spend what its predecessor has spent since the successor was minted.

    The gateway sets spend as a whole, while its replicas add to `spend` and `total_spend` at once every few
    seconds. So what is set exceeds the successor's own total by a fixed amount, and what a replica has added
    in between shows in the row that comes back: then it is set again.

    Parameters
    ----------
    gateway
        That knows both.
    predecessor
        As it is now.
    token_id
        Hash of the successor; nothing is done if it is another key's.
    """
    heir = gateway.info(token_id)
    inherited = ((heir or {}).get("metadata") or {}).get(SUPERSEDES) or {}
    if heir is None or inherited.get("token_id") != predecessor.token_id:
        return
    # Of what it has spent in a window that is over by now, the successor's has nothing to bear.
    row = predecessor.row
    late = min(_total(row) - inherited["total_spend"], _window_spend(row))
    if late < _GRAIN_USD:
        return
    excess = heir["spend"] - _total(heir) + late
    metadata = {**heir["metadata"], SUPERSEDES: predecessor.inheritance}
    for _ in range(_ROUNDS):
        heir = _set_spend(gateway, token_id, heir, excess, metadata)
        if heir is None or _exceeds_by(heir, excess):
            return


def _set_spend(
    gateway: GatewayClient, token_id: str, row: Mapping[str, Any], excess: float, metadata: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Set a key's spend and what it has inherited in one call: its row as it is then, None if it is gone."""

    def landed() -> dict[str, Any] | None:
        found = gateway.info(token_id)
        return found if found and found["metadata"].get(SUPERSEDES) == metadata[SUPERSEDES] else None

    body = {"spend": _total(row) + excess, "metadata": metadata}
    return settle(lambda: gateway.update(token_id, body), landed)


def _exceeds_by(row: Mapping[str, Any], excess: float) -> bool:
    return abs(row["spend"] - _total(row) - excess) < _GRAIN_USD


def _window_spend(row: Mapping[str, Any]) -> float:
    """Give the spend of the running window, USD. The gateway may be minutes late with a reset."""
    ends = row.get("budget_reset_at")
    is_over = ends is not None and parse_instant(ends) <= clock.now()
    return 0.0 if is_over else float(row["spend"])


def _total(row: Mapping[str, Any]) -> float:
    """Give what a key has spent itself, USD, whatever it has started with; older gateways don't tell."""
    return row.get("total_spend") or 0.0
