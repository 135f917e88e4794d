"""What Pulumi knows of the chain: the stack's outputs and its keys, from an exported state."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from doctor.model import CannotLookError

__all__ = ["StackState", "read_stack"]

_TIMEOUT_SECONDS = 8
_WITH_KEYS = ("litellm:VirtualKey", "litellm:PlatformAdmin")


@dataclass(frozen=True)
class StackState:
    """A stack's state; secrets in it are ciphertext and stay so.

    Attributes
    ----------
    name, project
        Of the stack.
    outputs
        Of the stack.
    resources
        As they are stored.
    """

    name: str
    project: str
    outputs: Mapping[str, Any]
    resources: tuple[Mapping[str, Any], ...] = field(repr=False)

    @property
    def keys(self) -> list[Mapping[str, Any]]:
        """The virtual keys' resources."""
        return [item for item in self.resources if item["type"].endswith("litellm:VirtualKey")]

    @property
    def managed(self) -> frozenset[str]:
        """Hashes of all keys that the stack manages, its admin's among them."""
        return frozenset(
            str(item["outputs"]["token_id"]) for item in self.resources if item["type"].endswith(_WITH_KEYS)
        )

    @property
    def gateways(self) -> Mapping[str, str | None]:
        """URL of each gateway -> file of the CA that signed its certificate; None for the system's."""
        found = {str(self.outputs["gatewayUrl"]): None} if "gatewayUrl" in self.outputs else {}
        asked = [item["inputs"]["gateway"] for item in self.resources if item["type"].endswith(_WITH_KEYS)]
        return found | {str(gateway["url"]): gateway.get("ca_cert_file") for gateway in asked}

    def declares(self, kind: str) -> bool:
        """Whether the stack has a resource of a type, such as `kubernetes:apps/v1:Deployment`."""
        return any(item["type"] == kind for item in self.resources)

    def versions_of(self, group: str) -> Mapping[str, set[str]]:
        """Name the versions of an API group's kinds that the stack's manifests are of."""
        versions: dict[str, set[str]] = {}
        for item in self.resources:
            place, _, kind = str(item["type"]).removeprefix("kubernetes:").partition(":")
            name, _, version = place.partition("/")
            if name == group:
                versions.setdefault(kind, set()).add(version)
        return versions

    @classmethod
    def of(cls, exported: Mapping[str, Any]) -> "StackState":
        """Take what `pulumi stack export` prints."""
        resources = tuple((exported.get("deployment") or {}).get("resources") or ())
        stacks = [item for item in resources if item["type"] == "pulumi:pulumi:Stack"]
        if not stacks:
            raise CannotLookError("the stack has no resources: it was never up", "run `pulumi up`")
        name, project = stacks[0]["urn"].removeprefix("urn:pulumi:").split("::")[:2]
        return cls(name, project, stacks[0].get("outputs") or {}, resources)


def read_stack(stack: str | None) -> StackState:
    """Ask the Pulumi CLI for the state of a stack of the project in this folder.

    Parameters
    ----------
    stack
        Its name; None for the selected one.

    Raises
    ------
    CannotLookError
        If there is no CLI, no project, no such stack, or nothing in it.
    """
    command = ["pulumi", "stack", "export", "--non-interactive", *(["--stack", stack] if stack else [])]
    cure = "run the doctor in the project's folder with the stack's backend, or look without one: --namespace"
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_SECONDS)
    except FileNotFoundError:
        raise CannotLookError("there is no `pulumi` on PATH, so no stack can be read", cure) from None
    except subprocess.TimeoutExpired:
        raise CannotLookError(f"`{' '.join(command)}` gave no answer in {_TIMEOUT_SECONDS} s", cure) from None
    if done.returncode:
        said = done.stderr.strip().splitlines()
        reason = said[-1].removeprefix("error: ") if said else f"exit code {done.returncode}"
        raise CannotLookError(f"no stack can be read: {reason}", cure)
    return StackState.of(json.loads(done.stdout))
