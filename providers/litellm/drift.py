"""What a key's state looks like after a look at the gateway. Pure: the look is taken elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from providers.litellm.changes import declared_fields, user_metadata
from providers.litellm.fields import FIELDS, FILLED_BY, Field, Stored
from providers.litellm.key_state import shares_metadata
from providers.litellm.kinds import parse_instant
from providers.litellm.ownership import marks, unmarked, urn_of

__all__ = ["Found", "as_found", "compare", "is_meant", "live_value", "spoken_of", "undeclared"]

# /key/generate tells microseconds, the database keeps milliseconds.
_CLOCK_GRAIN = timedelta(seconds=1)
_UNSET: tuple[Any, ...] = (None, "", False, 0, [], {}, "default")
_OUTPUTS_ONLY = ("adopted", "heir", "key", "token_id", "expires", "vault_path", "vault_version")


@dataclass(frozen=True)
class Found:
    """A key as it is.

    Attributes
    ----------
    state
        The outputs, with the live value of every declared field.
    inputs
        The same as inputs, so that the next preview shows the way back.
    """

    state: dict[str, Any]
    inputs: dict[str, Any]


def live_value(
    field: Field, info: Mapping[str, Any], declared_metadata: Mapping[str, Any], *, is_shared: bool = False
) -> Any:
    """Find a field in the row that /key/info gives; None if it isn't set.

    Parameters
    ----------
    field
        Not one that is stored nowhere, and not `duration`, of which only the end is stored.
    info
        The row.
    declared_metadata
        See `changes.user_metadata`.
    is_shared
        Then other metadata is somebody else's.
    """
    metadata = info.get("metadata") or {}
    match field.stored:
        case Stored.METADATA:
            return metadata.get(field.api)
        case Stored.USER_METADATA:
            users = user_metadata(metadata, declared_metadata)
            return {name: users[name] for name in users if name in declared_metadata or not is_shared}
        case Stored.BUDGET_ROW:
            return (info.get("litellm_budget_table") or {}).get(field.api)
    return info.get(field.api)


def spoken_of(field: Field, declared: Any, live: Any) -> Any:
    """Leave of a live value what the declaration speaks of; None if it isn't set."""
    return None if live is None else field.kind.spoken_of(declared, live)


def is_meant(field: Field, declared: Any, live: Any) -> bool:
    """Whether a live value is what the declaration means; the gateway keeps some empty values as none."""
    return field.kind.same(declared, field.kind.empty if live is None else live)


def undeclared(inputs: Mapping[str, Any], info: Mapping[str, Any]) -> list[str]:
    """Name the fields that a key has and its declaration doesn't speak of."""
    return [
        field.name
        for field in FIELDS
        if inputs.get(field.name) is None
        and inputs.get(FILLED_BY.get(field.name, "")) is None
        and _is_set(field, info)
    ]


def _is_set(field: Field, info: Mapping[str, Any]) -> bool:
    match field.stored:
        case Stored.NOWHERE:
            return False
        case Stored.EXPIRES:
            return bool(info.get("expires"))
    live = live_value(field, info, {})
    return live not in _UNSET or (field.nothing_at_zero and live == 0)


def compare(state: Mapping[str, Any], info: Mapping[str, Any]) -> Found:
    """Take over the live value of each declared field that means something else than the state.

    Parameters
    ----------
    state
        The outputs so far.
    info
        The key's row.
    """
    found = dict(state)
    for field in declared_fields(state):
        found[field.name] = _found_value(field, state, info)
    if "alias" in state:
        found["alias"] = found.get("key_alias")
    urn = urn_of(state["owner"])
    found["owner"] = urn if _is_marked(urn, info) else unmarked(urn)
    found["expires"] = info.get("expires") or ""
    return as_found({name: value for name, value in found.items() if value is not None})


def as_found(state: Mapping[str, Any]) -> Found:
    """Tell a state's inputs from its outputs."""
    outputs_only = {*_OUTPUTS_ONLY, *(["key_alias"] if _has_alias_of_its_own(state) else [])}
    return Found(dict(state), {name: value for name, value in state.items() if name not in outputs_only})


def _has_alias_of_its_own(state: Mapping[str, Any]) -> bool:
    """Whether the key was adopted with its alias, of which the inputs say nothing."""
    return bool(state.get("adopted")) and "alias" not in state


def _found_value(field: Field, state: Mapping[str, Any], info: Mapping[str, Any]) -> Any:
    declared = state[field.name]
    match field.stored:
        case Stored.NOWHERE:
            return declared
        case Stored.EXPIRES:
            return _found_duration(declared, state.get("expires", ""), info.get("expires") or "")
    live = live_value(field, info, state.get("metadata") or {}, is_shared=shares_metadata(state))
    live = spoken_of(field, declared, live)
    if not is_meant(field, declared, live):
        is_forgotten = live is None and field.only_with and not state.get(field.only_with)
        return declared if is_forgotten else live
    return _found_with_filled(field, declared, info) if field.filled_with else declared


def _found_with_filled(field: Field, declared: Any, info: Mapping[str, Any]) -> Any:
    """Say besides if the field that the gateway has filled in for it holds something else."""
    held = info.get(field.fills) or []
    if held == field.filled_with.get(declared, held):
        return declared
    return f"{declared}, with {field.fills} {', '.join(held) or 'of every kind'}"


def _found_duration(declared: str, expected: str, live: str) -> str | None:
    """Keep the declared duration as long as the key ends when it was said to end."""
    if not live:
        return None
    if expected and abs(parse_instant(live) - parse_instant(expected)) <= _CLOCK_GRAIN:
        return declared
    return f"until {live}"


def _is_marked(urn: str, info: Mapping[str, Any]) -> bool:
    """Whether the key still carries our marks; who edits its metadata elsewhere may wipe them."""
    return bool(urn) and marks(urn).items() <= (info.get("metadata") or {}).items()
