"""Kinds of values that a key's fields take: what is wrong with a declared one, when two are the same."""

import math
import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from sys import float_info
from typing import Any

from providers.litellm.durations import parse_duration

__all__ = [
    "AMOUNT",
    "DURATION",
    "FLAG",
    "INSTANT",
    "POSITIVE",
    "TEXT",
    "WHOLE",
    "WHOLE_32",
    "Kind",
    "choice",
    "parse_instant",
    "unsendable",
]

_NO_JSON = "holds something that JSON has no way to say, such as NaN"
_NOT_KEPT = "holds a NUL character or half of a surrogate pair, which no database keeps"
_UNKEEPABLE = re.compile(r"[\x00\ud800-\udfff]")


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
    compared
        That rule in words.
    spoken_of
        What of a live value a declaration speaks of.
    declared
        How a live value would be declared.
    empty
        What clears a field of this kind where null doesn't.
    """

    expected: str
    accepts: Callable[[Any], bool]
    same: Callable[[Any, Any], bool] = lambda declared, live: bool(declared == live)
    compared: str = "by its text"
    spoken_of: Callable[[Any, Any], Any] = lambda _, live: live
    declared: Callable[[Any], Any] = lambda live: live
    empty: Any = None

    def problem(self, value: Any) -> str | None:
        """Say what is wrong with a declared value, or nothing."""
        try:
            fine = self.accepts(value)
        except ValueError as error:
            return str(error)
        if not fine:
            return f"expected {self.expected}, got {self._shown(value)}"
        return unsendable(value)

    def _shown(self, value: Any) -> str:
        """Say what was given; of a mapping or a list only that it is one, for it may be long."""
        if isinstance(value, Mapping | list):
            noun = "a list" if isinstance(value, list) else "a mapping"
            return f"{noun} of something else" if self.expected.startswith(noun) else noun
        if isinstance(value, float) and value.is_integer():
            return str(int(value))  # Pulumi has made it a float
        return reprlib.repr(value)


def unsendable(value: Any) -> str | None:
    """Say why a value can't be sent or kept, or nothing."""
    match value:
        case Mapping():
            parts = [*value, *value.values()]
            return next(filter(None, map(unsendable, parts)), None) if all(map(_is_str, value)) else _NO_JSON
        case list():
            return next(filter(None, map(unsendable, value)), None)
        case str():
            return _NOT_KEPT if _UNKEEPABLE.search(value) else None
        case float():
            return None if math.isfinite(value) else _NO_JSON
    return None if value is None or isinstance(value, int) else _NO_JSON


def _is_str(name: Any) -> bool:
    return isinstance(name, str)


def parse_instant(text: str) -> datetime:
    """Read RFC 3339, as the gateway writes it or a user does; without an offset it is UTC."""
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


# --- numbers ---------------------------------------------------------------------------------------------

_LARGEST_32 = 2**31 - 1
_LARGEST = 2**53 - 1  # a float, as which Pulumi hands every number over, counts no further


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= float_info.max


def _whole(smallest: int, largest: int) -> Kind:
    limits = f"{smallest} or more" if largest == _LARGEST else f"{smallest} to {largest}"
    return Kind(
        f"a whole number of {limits}",
        lambda value: _is_number(value) and value == int(value) and smallest <= value <= largest,
        compared="as a number",
    )


AMOUNT = Kind("a number of 0 or more", lambda value: _is_number(value) and value >= 0, compared="as a number")
WHOLE = _whole(0, _LARGEST)
WHOLE_32 = _whole(0, _LARGEST_32)
POSITIVE = _whole(1, _LARGEST)
FLAG = Kind("true or false", lambda value: isinstance(value, bool), compared="true or false")

# --- texts -----------------------------------------------------------------------------------------------


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def choice(*options: str) -> Kind:
    """One of some words."""
    return Kind(f"one of {', '.join(options)}", lambda value: isinstance(value, str) and value in options)


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
INSTANT = Kind(
    "a time such as 2030-01-31T00:00:00Z", _is_instant, _same_instant, "as a moment, in any time zone"
)
