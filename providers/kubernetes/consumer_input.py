"""The `consumer` input: who has to have a key before its predecessor may go. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from providers.inputs import has_unknown, known_only

__all__ = ["Consumer", "consumer_problems"]

_OBJECTS = ("external_secret", "deployment")
_REMOTE_REF = ("key", "property")
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
    if isinstance(consumer, str) and has_unknown(consumer):
        return
    try:
        given = known_only(consumer, (*_OBJECTS, "timeout_seconds", "remote_ref"))
        known_only(given.get("remote_ref", {}), _REMOTE_REF)
    except ValueError as error:
        yield str(error)
        return
    if not any(name in given for name in _OBJECTS):
        yield f"expected {' or '.join(_OBJECTS)}"
    for name in _OBJECTS:
        value = given.get(name, "a/b")
        if not has_unknown(value) and not (isinstance(value, str) and _NAMED.fullmatch(value)):
            yield f"{name}: expected namespace/name of an object, got {value!r}"
    timeout = given.get("timeout_seconds", _TIMEOUT_SECONDS)
    if not has_unknown(timeout) and not _is_time(timeout):
        yield f"timeout_seconds: expected a number of seconds above 0, got {timeout!r}"


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")
