"""What a stack's state says of its keys: which there are, at which gateways, and where they were put.

A state is read as `pulumi stack export` writes it, or as a file of Pulumi's own backend. Secrets in it are
ciphertext, and stay it.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from providers.litellm.orphan_search.errors import StateUnreadableError

__all__ = ["StackState", "StateKey", "exported", "from_file"]

_TYPES = frozenset(f"pulumi-python:dynamic/litellm:{name}" for name in ("PlatformAdmin", "VirtualKey"))
"""Those that have a key; what else there is of LiteLLM has none, and names no gateway."""
_CIPHERTEXT = "4dabf18193072939515e22adb298388d"
"""The property by which Pulumi tells an encrypted value."""


@dataclass(frozen=True)
class StateKey:
    """A key that a state knows.

    Attributes
    ----------
    token_id
        SHA-256 of the key, hex.
    gateway
        The input of that name; None if it stands encrypted.
    deliver
        The input of that name; None if the key is in the state alone.
    """

    urn: str
    token_id: str
    gateway: Mapping[str, Any] | None
    deliver: Mapping[str, Any] | None


@dataclass(frozen=True)
class StackState:
    """What is known of a stack."""

    project: str
    stack: str
    keys: tuple[StateKey, ...] = ()

    @classmethod
    def parse(cls, document: Any, source: str, owner: tuple[str, str] | None = None) -> Self:
        """Read a state.

        Parameters
        ----------
        document
            The JSON.
        source
            Where it comes from, in words.
        owner
            Project and stack, for a state without a resource that would tell them.

        Raises
        ------
        StateUnreadableError
            If it is no state, or doesn't say of which stack.
        """
        resources = _resources(document, source)
        named = owner or _owner(resources)
        if named is None:
            raise StateUnreadableError(source, "is empty and so names no stack; say --owner PROJECT/STACK")
        return cls(*named, keys=tuple(_key(resource) for resource in resources if _is_key(resource)))

    def is_ours(self, urn: str) -> bool:
        """Whether a URN is one of this stack."""
        return urn.startswith(f"urn:pulumi:{self.stack}::{self.project}::")

    @property
    def token_ids(self) -> frozenset[str]:
        return frozenset(key.token_id for key in self.keys)

    @property
    def urns(self) -> frozenset[str]:
        return frozenset(key.urn for key in self.keys)


def from_file(file: Path) -> tuple[Any, str]:
    """Read a file.

    Returns
    -------
    tuple
        The JSON, and where it comes from, in words.

    Raises
    ------
    StateUnreadableError
        If there is no such file, or no JSON in it.
    """
    source = f"the file {file}"
    try:
        return _json(file.read_text(encoding="utf-8"), source), source
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else None
        raise StateUnreadableError(source, f"can't be read ({why or 'not text'})") from None


def exported(stack: str | None) -> tuple[Any, str]:
    """Let the Pulumi CLI tell the state of a stack, by default the one that is selected here.

    Returns
    -------
    tuple
        The JSON, and where it comes from, in words.

    Raises
    ------
    StateUnreadableError
        If there is no CLI, no stack, or no answer.
    """
    command = ["pulumi", "stack", "export", *(["--stack", stack] if stack else [])]
    source = f"`{' '.join(command)}`"
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        raise StateUnreadableError(source, "there is no `pulumi` on PATH") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        why = said[0].removeprefix("error: ").rstrip(".") if said else f"ends with {done.returncode}"
        raise StateUnreadableError(source, why)
    return _json(done.stdout, source), source


def _json(text: str, source: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise StateUnreadableError(source, "holds no JSON") from None


# --- resources -------------------------------------------------------------------------------------------


def _resources(document: Any, source: str) -> list[Mapping[str, Any]]:
    match document:
        case {"deployment": Mapping() as deployment}:
            return list(deployment.get("resources") or ())
        case {"checkpoint": Mapping() as checkpoint}:
            return list((checkpoint.get("latest") or {}).get("resources") or ())
    raise StateUnreadableError(source, "holds no state of Pulumi")


def _owner(resources: list[Mapping[str, Any]]) -> tuple[str, str] | None:
    for resource in resources:
        stack, project, _ = resource["urn"].removeprefix("urn:pulumi:").split("::", 2)
        return project, stack
    return None


def _is_key(resource: Mapping[str, Any]) -> bool:
    return resource.get("type") in _TYPES and bool(resource.get("id"))


def _key(resource: Mapping[str, Any]) -> StateKey:
    props = {**(resource.get("inputs") or {}), **(resource.get("outputs") or {})}
    gateway, deliver = props.get("gateway"), props.get("deliver")
    is_encrypted = _CIPHERTEXT in set(_names(gateway, deliver))
    return StateKey(resource["urn"], resource["id"], None if is_encrypted else gateway, deliver)


def _names(*values: Any) -> Iterator[str]:
    for value in values:
        if isinstance(value, Mapping):
            yield from value
            yield from _names(*value.values())
