"""The kinds of values a key's fields take: what is wrong with a declared one, when two are the same."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from providers.litellm.durations import parse_duration

__all__ = [
    "AMOUNT",
    "COUNTS",
    "DOCUMENT",
    "DURATION",
    "FLAG",
    "INDEXES",
    "INSTANT",
    "NAMES",
    "PERMISSION",
    "POSITIVE",
    "POSITIVES",
    "TEXT",
    "TEXTS",
    "WHOLE",
    "WINDOWS",
    "Kind",
    "choice",
    "parse_instant",
    "unsendable",
]


@dataclass(frozen=True)
class Kind:
    """A kind of value.

    Attributes
    ----------
    expected
        In the words of an error: `a number of 0 or more`.
    accepts
        Whether a declared value, free of unknowns, is of this kind. May raise ValueError with a reason of its
        own.
    same
        Whether a declared and a live value mean the same.
    spoken_of
        What of a live value a declaration speaks of.
    empty
        What clears a field of this kind where null doesn't.
    """

    expected: str
    accepts: Callable[[Any], bool]
    same: Callable[[Any, Any], bool] = lambda declared, live: bool(declared == live)
    spoken_of: Callable[[Any, Any], Any] = lambda _, live: live
    empty: Any = None

    def problem(self, value: Any) -> str | None:
        """Say what is wrong with a declared value, or nothing."""
        try:
            fine = self.accepts(value)
        except ValueError as error:
            return str(error)
        if not fine:
            return f"expected {self.expected}, got {self._shown(value)}"
        return "holds something that JSON has no way to say, such as NaN" if unsendable(value) else None

    def _shown(self, value: Any) -> str:
        """Say what was given; of a mapping or a list only that it is one, for it may be long."""
        if isinstance(value, Mapping | list):
            noun = "a list" if isinstance(value, list) else "a mapping"
            return f"{noun} of something else" if self.expected.startswith(noun) else noun
        if isinstance(value, float) and value.is_integer():
            return str(int(value))  # Pulumi has made it a float
        return repr(value)


def unsendable(value: Any) -> bool:
    """Whether JSON has no way to say this value: NaN, infinities, keys that are not text."""
    match value:
        case Mapping():
            return any(not isinstance(name, str) or unsendable(item) for name, item in value.items())
        case list() | tuple():
            return any(unsendable(item) for item in value)
        case float():
            return not math.isfinite(value)
        case None | str() | bool() | int():
            return False
    return True


def parse_instant(text: str) -> datetime:
    """Read RFC 3339, as the gateway writes it or a user does; without an offset it is UTC."""
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


# --- numbers ---------------------------------------------------------------------------------------------


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: Any) -> bool:
    """Pulumi hands every number over as a float."""
    return _is_number(value) and value == int(value)


AMOUNT = Kind("a number of 0 or more", lambda value: _is_number(value) and value >= 0)
WHOLE = Kind("a whole number of 0 or more", lambda value: _is_whole(value) and value >= 0)
POSITIVE = Kind("a whole number of 1 or more", lambda value: _is_whole(value) and value >= 1)
FLAG = Kind("true or false", lambda value: isinstance(value, bool))

# --- texts -----------------------------------------------------------------------------------------------


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def choice(*options: str) -> Kind:
    """One of some words."""
    return Kind(f"one of {', '.join(options)}", lambda value: value in options)


def _is_instant(value: Any) -> bool:
    try:
        return _is_text(value) and bool(parse_instant(value))
    except ValueError:
        return False


def _same_instant(declared: Any, live: Any) -> bool:
    return _is_instant(live) and _is_instant(declared) and parse_instant(declared) == parse_instant(live)


TEXT = Kind("a text that is not empty", _is_text)
DURATION = Kind(
    "a duration such as 30d", lambda value: isinstance(value, str) and bool(parse_duration(value))
)
INSTANT = Kind("a time such as 2030-01-31T00:00:00Z", _is_instant, _same_instant)

# --- lists and mappings ----------------------------------------------------------------------------------


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(_is_text(item) for item in value)


def _same_set(declared: Any, live: Any) -> bool:
    return isinstance(declared, Collection) and isinstance(live, Collection) and set(declared) == set(live)


def _is_document(value: Any) -> bool:
    return isinstance(value, Mapping)


def _are_windows(value: Any) -> bool:
    """Whether these are `[{"budget_duration": "1d", "max_budget": 5}]`, each duration once."""
    if not isinstance(value, list) or not all(
        isinstance(window, Mapping)
        and set(window) == {"budget_duration", "max_budget"}
        and isinstance(window["budget_duration"], str)
        and AMOUNT.accepts(window["max_budget"])
        for window in value
    ):
        return False
    durations = [window["budget_duration"] for window in value]
    for duration in durations:
        parse_duration(duration)
    return len(set(durations)) == len(durations)


def _same_windows(declared: Any, live: Any) -> bool:
    """Compare budget windows without `reset_at`, which the gateway adds and moves along."""

    def windows(value: Any) -> dict[str, float]:
        return {window["budget_duration"]: window["max_budget"] for window in value or []}

    return windows(declared) == windows(live)


def _same_members(declared: Any, live: Any) -> bool:
    """Compare documents in which a member that is empty is as good as none."""
    return all(_same_member(declared.get(name), live.get(name)) for name in {*declared, *live})


def _same_member(declared: Any, live: Any) -> bool:
    if _are_texts(declared) and _are_texts(live):
        return _same_set(declared, live)
    return bool((declared or None) == (live or None))


def _declared_members(declared: Any, live: Any) -> Any:
    """Leave out what the gateway fills a row up with."""
    return {name: live[name] for name in declared if live.get(name) is not None}


NAMES = Kind("a list of texts", _are_texts, _same_set, empty=[])
DOCUMENT = Kind("a mapping", _is_document, empty={})
TEXTS = Kind(
    "a mapping of texts",
    lambda value: _is_document(value) and all(_is_text(item) for item in value.values()),
    empty={},
)
COUNTS = Kind(
    "a mapping to whole numbers of 0 or more",
    lambda value: _is_document(value) and all(WHOLE.accepts(item) for item in value.values()),
    empty={},
)
POSITIVES = Kind(
    "a mapping to whole numbers of 1 or more",
    lambda value: _is_document(value) and all(POSITIVE.accepts(item) for item in value.values()),
    empty={},
)
WINDOWS = Kind(
    "a list of budget windows such as {budget_duration: 1d, max_budget: 5}, each duration once",
    _are_windows,
    _same_windows,
)
INDEXES = Kind(
    "a list of indexes such as {index_name: docs, index_permissions: [read]}",
    lambda value: (
        isinstance(value, list)
        and all(_is_document(item) and set(item) == {"index_name", "index_permissions"} for item in value)
    ),
    empty=[],
)
PERMISSION = Kind("a mapping", _is_document, _same_members, _declared_members, empty={})
