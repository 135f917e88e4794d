"""The `deliver` input: which path of a KV v2 mount a key goes to, and what is written beside it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from providers.inputs import has_unknown, known_only
from providers.vault.sources import path_problem

__all__ = [
    "ALIAS",
    "BASE_URL",
    "EXPIRES",
    "FACTS",
    "OWNER",
    "STAGED",
    "TOKEN_ID",
    "Destination",
    "deliver_problems",
    "is_moved",
]

BASE_URL, ALIAS, TOKEN_ID, EXPIRES = "base-url", "key-alias", "token-id", "expires"
OWNER = "managed-by-urn"
STAGED = "-next"
"""What the property of a key that the gateway doesn't know yet ends with."""
FACTS = (BASE_URL, ALIAS, TOKEN_ID, EXPIRES, OWNER)

_NAMES = ("mount", "path", "property")
_DEFAULT_PROPERTY = "api-key"


@dataclass(frozen=True)
class Destination:
    """Where a key is put.

    Attributes
    ----------
    mount
        Path of the KV v2 mount.
    path
        Below the mount, without `data/`.
    property
        That holds the key; beside it stand the `FACTS`.
    """

    mount: str
    path: str
    property: str

    @classmethod
    def parse(cls, deliver: Mapping[str, Any]) -> Self:
        """Read the form in which it stands in a key's inputs; checked before."""
        return cls(deliver["mount"], deliver["path"], deliver.get("property") or _DEFAULT_PROPERTY)

    def __str__(self) -> str:
        return f"{self.mount}/{self.path}"


def is_moved(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether a key goes elsewhere than where it is, or doesn't stand there as it was put.

    Parameters
    ----------
    olds
        The state.
    news
        The inputs.
    """
    return _normal(olds.get("deliver")) != _normal(news.get("deliver"))


def _normal(deliver: Any) -> Any:
    if isinstance(deliver, Mapping) and deliver:
        return {"property": _DEFAULT_PROPERTY, **deliver}
    return deliver or None


def deliver_problems(deliver: Any) -> Iterator[str]:
    """Say what is wrong with the input, in which parts may be unknown."""
    if isinstance(deliver, str) and has_unknown(deliver):
        return
    try:
        given = known_only(deliver, _NAMES)
    except ValueError as error:
        yield str(error)
        return
    for name in ("mount", "path"):
        if not has_unknown(given.get(name)) and (reason := path_problem(given.get(name))):
            yield f"{name}: {reason}"
    name = given.get("property", _DEFAULT_PROPERTY)
    if not isinstance(name, str) or not name:
        yield f"property: expected a text that is not empty, got {name!r}"
    elif name in FACTS:
        yield f"property: {name!r} is written beside the key; choose another name"
