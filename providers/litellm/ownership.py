"""The marks that a key carries in its metadata: who manages it, and who follows whom."""

from collections.abc import Mapping
from typing import Any

__all__ = [
    "ADOPTED",
    "OWN_METADATA",
    "RETAINED",
    "SUPERSEDED_BY",
    "SUPERSEDES",
    "URN",
    "is_urn",
    "kept_marks",
    "marks",
    "resource_name",
    "unmarked",
    "urn_of",
]

_MANAGED_BY, _PROJECT, _STACK = "managed-by", "pulumi-project", "pulumi-stack"
URN = "pulumi-urn"
ADOPTED = "pulumi-adopted"
"""On a key that somebody else made: true. Nobody's orphan, and its metadata isn't ours as a whole."""
RETAINED = "pulumi-retained"
"""On a key that lives on when its resource goes: true. So the deletion of its predecessor knows too."""
_URN_SEPARATORS = 3
_UNMARKED = "unmarked "
SUPERSEDED_BY = "pulumi-superseded-by"
"""On a predecessor: hash of the key that took its place. It ends with its grace period."""
SUPERSEDES = "pulumi-supersedes"
"""On a successor: `token_id` of the key whose place it takes, and what of its `total_spend` it carries."""
_SUCCESSION = (SUPERSEDED_BY, SUPERSEDES)
OWN_METADATA = frozenset({_MANAGED_BY, _PROJECT, _STACK, URN, ADOPTED, RETAINED, *_SUCCESSION})


def marks(urn: str) -> dict[str, Any]:
    """Write the marks of the resource with this URN (`urn:pulumi:<stack>::<project>::<type>::<name>`)."""
    _, _, stack_onwards = urn.partition("urn:pulumi:")
    stack, project, _ = stack_onwards.split("::", 2)
    return {_MANAGED_BY: "pulumi", _PROJECT: project, _STACK: stack, URN: urn}


def is_urn(text: str) -> bool:
    """Whether this is the URN of a resource in a stack."""
    return text.startswith("urn:pulumi:") and text.count("::") >= _URN_SEPARATORS


def unmarked(urn: str) -> str:
    """Write as the owner in a state that the key doesn't carry the marks of this URN any more."""
    return _UNMARKED + urn


def urn_of(owner: str) -> str:
    """Read the URN from an owner in the inputs or in a state."""
    return owner.removeprefix(_UNMARKED)


def kept_marks(live: Mapping[str, Any]) -> dict[str, Any]:
    """Take the marks that outlive a change of the metadata: those of a succession."""
    return {name: live[name] for name in _SUCCESSION if name in live}


def resource_name(urn: str) -> str:
    """Give the last part of a URN, which may hold `::` itself."""
    return urn.split("::", 3)[-1]
