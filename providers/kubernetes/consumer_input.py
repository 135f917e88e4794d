"""The `consumer` input: who has to have a key before its predecessor may go. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from providers.inputs import UNKNOWN, part_problems, text_problems

__all__ = ["Consumer", "consumer_problems"]

_OBJECTS = ("external_secret", "deployment")
_TIMEOUT_SECONDS = 120
_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_NAMED = re.compile(rf"{_LABEL}/{_LABEL}(\.{_LABEL})*")


@dataclass(frozen=True)
class Consumer:
    """Who uses a key.

    Attributes
    ----------
    external_secret
        `namespace/name` of the ExternalSecret that brings the key out of Vault, or None.
    deployment
        `namespace/name` of the Deployment whose Pods read it when they start, or None.
    timeout_seconds
        How long each of the two is waited for.
    remote_ref
        `key` and `property` that an ExternalSecret of the same program takes the key from. It is declared
        after the key: while it isn't there, or takes something else, to wait for it would be in vain.
    """

    external_secret: str | None
    deployment: str | None
    timeout_seconds: float
    remote_ref: Mapping[str, str] | None = None

    @classmethod
    def parse(cls, consumer: Mapping[str, Any]) -> Self:
        """Read the form in which it stands in a key's inputs; checked before."""
        return cls(
            consumer.get("external_secret"),
            consumer.get("deployment"),
            consumer.get("timeout_seconds", _TIMEOUT_SECONDS),
            consumer.get("remote_ref"),
        )


def consumer_problems(consumer: Any) -> Iterator[str]:
    """Say what is wrong with the input, in which parts may be unknown."""
    wrong = list(part_problems(consumer, _PARTS))
    yield from wrong
    if not wrong and consumer != UNKNOWN and not any(consumer.get(name) for name in _OBJECTS):
        yield f"expected {' or '.join(_OBJECTS)}"


def _object_problems(name: Any) -> Iterator[str]:
    if not isinstance(name, str) or not _NAMED.fullmatch(name):
        yield f"expected namespace/name of an object, got {name!r}"


def _timeout_problems(timeout: Any) -> Iterator[str]:
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if not is_number or not 0 < timeout < float("inf"):
        yield f"expected a number of seconds above 0, got {timeout!r}"


def _remote_ref_problems(remote_ref: Any) -> Iterator[str]:
    return part_problems(remote_ref, dict.fromkeys(("key", "property"), text_problems))


_PARTS = {
    **dict.fromkeys(_OBJECTS, _object_problems),
    "timeout_seconds": _timeout_problems,
    "remote_ref": _remote_ref_problems,
}
