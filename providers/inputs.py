"""What all checks of a resource's inputs share: unknowns, problems, and the nearest known name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pulumi.runtime.rpc import UNKNOWN

__all__ = ["UNKNOWN", "Problem", "has_unknown", "known_only", "nearest"]


@dataclass(frozen=True)
class Problem:
    """Why an input is refused: the field, and one sentence."""

    field: str
    reason: str


def has_unknown(value: Any) -> bool:
    """Whether a value, or a part of it, is only known after another resource is made."""
    match value:
        case Mapping():
            return any(has_unknown(item) for item in value.values())
        case list():
            return any(has_unknown(item) for item in value)
    return bool(value == UNKNOWN)


def nearest(word: str, known: Iterable[str]) -> str:
    """Ask `; did you mean 'x'?` if a known name is close to the word."""
    match = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {match[0]!r}?" if match else ""


def known_only(value: Any, known: Iterable[str]) -> Mapping[str, Any]:
    """Take a mapping that may hold these names only.

    Raises
    ------
    ValueError
        With the name that is wrong.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"expected a mapping of {', '.join(known)}")  # noqa: TRY004 - a user's mistake, not ours
    for name in value:
        if name not in known:
            raise ValueError(f"{name!r} is not known here{nearest(name, known)} (known: {', '.join(known)})")
    return value
