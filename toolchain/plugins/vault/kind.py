"""How one resource type of the SDK maps to one path of the API."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from toolchain.plugins.plugin import Failure
from toolchain.plugins.values import Document, secret
from toolchain.plugins.vault.connection import NamespacedVault
from toolchain.plugins.vault.fields import camel, drifted, empty_like, snake

__all__ = ["Kind"]

_PLACEHOLDER = re.compile(r"\\{(\w+)\\}")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A type that is written by POST, read by GET and removed by DELETE, all at one path.

    Attributes
    ----------
    id
        Template over the inputs: the resource's id.
    path
        Template over the inputs: the API path. Inputs in it aren't sent.
    defaults
        Inputs that the program may leave out.
    autonamed
        The input that gets a name where the program gives none.
    immutable
        Inputs whose change needs a new resource.
    unordered
        List inputs in which order means nothing.
    secrets
        Inputs that are secret whatever the program says.
    write_only
        Inputs that are sent, but neither compared nor kept in the state.
    local
        Inputs that steer the plugin and aren't sent.
    api_names
        API fields of inputs whose name isn't just the snake_case one.
    outputs
        API fields that become outputs.
    """

    id: str
    path: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    autonamed: str = ""
    immutable: frozenset[str] = frozenset()
    unordered: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
    write_only: frozenset[str] = frozenset()
    local: frozenset[str] = frozenset()
    api_names: Mapping[str, str] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()

    def completed(self, inputs: Document) -> Document:
        """Return the inputs with defaults, and in the order in which they are compared."""
        result = {**self.defaults, **inputs}
        for name in self.unordered & result.keys():
            if isinstance(result[name], list):
                result[name] = sorted(result[name], key=str)
        return result

    def failures(self, inputs: Document) -> list[Failure]:
        """Say what is wrong with the inputs, as far as that can be told without a server."""
        del inputs
        return []

    def identity(self, inputs: Document) -> str:
        return self.id.format_map(inputs)

    def inputs_of(self, resource_id: str) -> Document:
        """Return the inputs that an id tells, for a resource that is being imported."""
        pattern = _PLACEHOLDER.sub(r"(?P<\1>.+)", re.escape(self.id))
        found = re.fullmatch(pattern, resource_id)
        return {**self.defaults, **found.groupdict()} if found else {}

    def replaces(self, name: str, inputs: Document) -> bool:
        """Tell whether a change of the input `name` needs a new resource."""
        del inputs
        return name in self.immutable or name == "namespace"

    def marked(self, document: Document) -> Document:
        """Return the document with what is always secret marked so."""
        return {name: secret(value) if name in self.secrets else value for name, value in document.items()}

    def state(self, inputs: Document, answer: Document) -> Document:
        """Return the outputs: the inputs, and what only the server knows."""
        kept = {name: value for name, value in inputs.items() if name not in self.write_only}
        return self.marked({**kept, **self.computed(inputs, answer)})

    def computed(self, inputs: Document, answer: Document) -> Document:
        """Return the outputs that aren't inputs."""
        del inputs
        return {camel(name): answer[name] for name in self.outputs if name in answer}

    def live(self, inputs: Document, answer: Document) -> Document:
        """Return the inputs with the server's value wherever it means something else.

        What the server doesn't give back, a password say, keeps the program's value.
        """
        result = dict(inputs)
        for name in inputs.keys() - self.local - self.write_only:
            api_name = self.api_name(name)
            if api_name in answer:
                result[name] = drifted(inputs[name], answer[api_name])
        return result

    def imported(self, inputs: Document, answer: Document) -> Document:
        """Return the inputs of a resource that so far only the server knows."""
        told = {camel(name): value for name, value in answer.items() if name not in self.outputs and value}
        return {**told, **inputs}

    def api_name(self, name: str) -> str:
        return self.api_names.get(name, snake(name))

    def body(self, inputs: Document, before: Document) -> Document:
        """Return what is sent: every input, and an empty value for each that the program no longer gives."""
        sent = {self.api_name(name): inputs[name] for name in inputs if self._is_sent(name)}
        gone = {
            self.api_name(name): empty_like(before[name])
            for name in before.keys() - inputs.keys()
            if self._is_sent(name)
        }
        return {**gone, **sent}

    def _is_sent(self, name: str) -> bool:
        return name != "namespace" and name not in self.local and f"{{{name}}}" not in self.path

    def create(self, vault: NamespacedVault, inputs: Document) -> tuple[str, Document]:
        """Make the resource; return its id and what the server then says of it."""
        vault.write(self.path.format_map(inputs), self.body(inputs, {}))
        resource_id = self.identity(inputs)
        return resource_id, self.fetch(vault, inputs, resource_id) or {}

    def fetch(self, vault: NamespacedVault, inputs: Document, resource_id: str) -> Document | None:
        """Return what the server says of the resource; None where it is gone."""
        del resource_id
        answer = vault.get(self.path.format_map(inputs))
        return None if answer is None else answer.get("data") or {}

    def update(self, vault: NamespacedVault, before: Document, inputs: Document) -> None:
        """Change the resource."""
        vault.write(self.path.format_map(inputs), self.body(inputs, before))

    def delete(self, vault: NamespacedVault, inputs: Document, resource_id: str) -> None:
        """Remove the resource."""
        del resource_id
        vault.delete(self.path.format_map(inputs))
