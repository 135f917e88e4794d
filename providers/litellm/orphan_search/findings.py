"""Which keys of a stack are orphans, from what its state, its gateways and Vault say. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from providers.litellm.client import ListedKey
from providers.litellm.kinds import parse_instant
from providers.litellm.orphan_search.places import Place
from providers.litellm.orphan_search.stack_state import StackState
from providers.litellm.ownership import ADOPTED, SUPERSEDED_BY, URN, resource_name

__all__ = ["Finding", "Verdict", "classify", "dead", "of_strangers"]

_GIVEN_BACK = "somebody else made it: never removed, but given back, which takes our marks off it"

Listed = Mapping[str, Sequence[ListedKey]]
"""URL of a gateway -> all keys that it has."""


class Verdict(StrEnum):
    """What a key is that isn't simply a resource's living key."""

    ORPHAN = "orphan"  # in no state
    EXPIRING = "expiring"  # a predecessor: it ends by itself
    ADOPTED = "adopted"  # in no state, but somebody else made it: it isn't removed, but given back
    DEAD = "dead"  # in the state and in Vault, and at no gateway


@dataclass(frozen=True)
class Finding:
    """One of them.

    Attributes
    ----------
    token_id
        SHA-256 of the key, hex.
    gateway
        URL of the gateway that knows it; None if none does.
    place
        Where it stands in Vault, or None.
    used
        Whether a request was ever made with it.
    spend
        USD.
    created
        RFC 3339.
    marked
        When it got our marks at the latest, RFC 3339.
    why
        A sentence.
    """

    verdict: Verdict
    token_id: str
    why: str
    gateway: str | None = None
    place: Place | None = None
    alias: str | None = None
    used: bool = False
    spend: float = 0.0
    created: str | None = None
    marked: str | None = None


def classify(state: StackState, listed: Listed, placed: Sequence[Place], now: datetime) -> list[Finding]:
    """Say of each key that a gateway knows what it is, if it isn't simply a resource's.

    Parameters
    ----------
    state
        Of the stack.
    listed
        What its gateways have.
    placed
        Keys of the stack in Vault.
    now
        UTC.
    """
    places = {place.token_id: place for place in placed}
    return [
        _judged(state, url, key, places.get(key.token_id), now)
        for url, keys in listed.items()
        for key in keys
        if state.is_ours(str(key.metadata.get(URN))) and key.token_id not in state.token_ids
    ]


def _judged(state: StackState, url: str, key: ListedKey, place: Place | None, now: datetime) -> Finding:
    """Judge a key that its gateway knows and the state doesn't."""
    urn = key.metadata[URN]
    verdict, why = Verdict.ORPHAN, f"no resource of the state has its URN ({resource_name(urn)})"
    marked = key.created
    if urn in state.urns and (successor := key.metadata.get(SUPERSEDED_BY)):
        verdict, why = Verdict.EXPIRING, f"predecessor of {successor[:12]}…: {_end(key, now)}"
    elif ADOPTED in key.metadata:
        verdict, why = Verdict.ADOPTED, _GIVEN_BACK
        marked = key.changed
    elif urn in state.urns:
        why = f"{resource_name(urn)} has another key: left by an interrupted run"
    return Finding(
        verdict, key.token_id, why, url, place, key.alias, key.used, key.spend, key.created, marked
    )


def _end(key: ListedKey, now: datetime) -> str:
    if key.expires and parse_instant(key.expires) <= now:
        return "has ended, and goes with the next rotation"
    return f"expires {key.expires}"


# --- in Vault alone --------------------------------------------------------------------------------------


def dead(state: StackState, listed: Listed, placed: Sequence[Place]) -> Iterator[Finding]:
    """Find what stands in Vault and is no gateway's key. All gateways of the stack have to be listed."""
    for place in _unknown_to_all(listed, placed):
        if not _was_asked(place, listed):
            continue
        if place.token_id in state.token_ids:
            why = "no gateway has it any more: `pulumi up --refresh` makes a new one"
            yield Finding(Verdict.DEAD, place.token_id, why, place=place, alias=place.alias)
            continue
        staged = "staged by an interrupted create; " if place.is_staged else ""
        yield Finding(
            Verdict.ORPHAN, place.token_id, f"{staged}no gateway has it", place=place, alias=place.alias
        )


def of_strangers(listed: Listed, placed: Sequence[Place]) -> list[str]:
    """Say of which keys in Vault nobody knows whether they are alive: they were made for other gateways."""
    return [
        f"{place.path} in Vault holds a key of the gateway at {place.base_url}, which wasn't asked; "
        "name it by --gateway-url, or delete the path if that gateway is no more"
        for place in _unknown_to_all(listed, placed)
        if not _was_asked(place, listed)
    ]


def _unknown_to_all(listed: Listed, placed: Sequence[Place]) -> list[Place]:
    alive = {key.token_id for keys in listed.values() for key in keys}
    return [place for place in placed if place.token_id not in alive]


def _was_asked(place: Place, listed: Listed) -> bool:
    return place.base_url is None or place.base_url.rstrip("/") in listed
