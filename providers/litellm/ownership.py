"""The marks that every key carries in its metadata: who manages it."""

from typing import Any

__all__ = ["OWN_METADATA", "URN", "is_urn", "marks", "resource_name"]

_MANAGED_BY, _PROJECT, _STACK = "managed-by", "pulumi-project", "pulumi-stack"
URN = "pulumi-urn"
_URN_SEPARATORS = 3
OWN_METADATA = frozenset({_MANAGED_BY, _PROJECT, _STACK, URN})


def marks(urn: str) -> dict[str, Any]:
    """Write the marks of the resource with this URN (`urn:pulumi:<stack>::<project>::<type>::<name>`)."""
    _, _, stack_onwards = urn.partition("urn:pulumi:")
    stack, project, _ = stack_onwards.split("::", 2)
    return {_MANAGED_BY: "pulumi", _PROJECT: project, _STACK: stack, URN: urn}


def is_urn(text: str) -> bool:
    """Whether this is the URN of a resource in a stack."""
    return text.startswith("urn:pulumi:") and text.count("::") >= _URN_SEPARATORS


def resource_name(urn: str) -> str:
    """Give the last part of a URN, which may hold `::` itself."""
    return urn.split("::", 3)[-1]
