"""The `deliver` input: which path of a KV v2 mount a key goes to, and what is written beside it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from providers.inputs import part_problems, text_problems
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
    parts = {"mount": _path_problems, "path": _path_problems, "property": _property_problems}
    return part_problems(deliver, parts, needed=("mount", "path"))


def _path_problems(path: Any) -> Iterator[str]:
    if reason := path_problem(path):
        yield reason


def _property_problems(name: Any) -> Iterator[str]:
    yield from text_problems(name)
    if name in FACTS:
        yield f"{name!r} is written beside the key; choose another name"
