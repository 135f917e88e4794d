"""What all checks of a resource's inputs share: unknowns, problems, and the nearest known name."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from pulumi.runtime.rpc import UNKNOWN

__all__ = [
    "UNKNOWN",
    "Problem",
    "has_unknown",
    "is_address",
    "known_only",
    "nearest",
    "part_problems",
    "text_problems",
    "without_none",
]


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


def part_problems(
    value: Any, parts: Mapping[str, Callable[[Any], Iterator[str]]], needed: Iterable[str] = ()
) -> Iterator[str]:
    """Say what is wrong with a mapping of named parts, each by its name.

    Parameters
    ----------
    value
        May be unknown, as any part of it; a part that is None is left out.
    parts
        Name -> what says what is wrong with that part.
    needed
        Names of those that can't be left out.
    """
    if value == UNKNOWN:
        return
    try:
        given = {**dict.fromkeys(needed), **without_none(known_only(value, parts))}
    except ValueError as error:
        yield str(error)
        return
    for name, part in given.items():
        if part != UNKNOWN:
            yield from (f"{name}: {reason}" for reason in parts[name](part))


def text_problems(text: Any) -> Iterator[str]:
    """Say that something isn't a text, or an empty one."""
    if not isinstance(text, str) or not text:
        yield f"expected a text that is not empty, got {text!r}"


def is_address(url: Any) -> bool:
    """Whether this is the URL of a server, by which a client reaches it."""
    if not isinstance(url, str) or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna"), parts.port
    except ValueError:  # brackets that aren't closed, a label that is too long, a port that is none
        return False
    return (
        parts.scheme in ("http", "https") and host != b"" and port != 0 and not parts.query + parts.fragment
    )


def without_none(value: Any) -> Any:
    """Leave out of a mapping, and of those inside of it, what is None: it says nothing."""
    if not isinstance(value, Mapping):
        return value
    return {name: without_none(part) for name, part in value.items() if part is not None}
