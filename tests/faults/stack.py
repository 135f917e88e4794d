"""What Pulumi's engine does with one dynamic resource, its state included, and without Pulumi."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["Properties", "Provider", "Refused", "Saved", "Stack"]

Properties = dict[str, Any]


class Refused(Exception):  # noqa: N818 - what the preview says, no error of the tests
    """The check found something."""


class Provider(Protocol):
    """One process of the plugin; values are as they are on the wire."""

    def check(self, olds: Properties, news: Properties) -> tuple[Properties, list[str]]: ...

    def diff(self, id_: str, olds: Properties, news: Properties) -> tuple[bool, list[str]]: ...

    def create(self, inputs: Properties) -> tuple[str, Properties]: ...

    def read(self, id_: str, state: Properties) -> tuple[str, Properties, Properties]: ...

    def update(self, id_: str, olds: Properties, news: Properties) -> Properties: ...

    def delete(self, id_: str, state: Properties) -> None: ...


@dataclass(frozen=True)
class Saved:
    """One entry of the state."""

    id: str
    inputs: Properties
    outputs: Properties


def on_the_wire(value: Properties) -> Properties:
    """Give a copy as Pulumi passes it on: all numbers floats."""
    copy: Properties = json.loads(json.dumps(value), parse_int=float)
    return copy


@dataclass
class Stack:
    """A stack of one resource. Whatever a call raises leaves the state as the last finished call made it.

    Attributes
    ----------
    saved
        The resource, or None.
    condemned
        Its predecessors that are replaced, and not deleted yet.
    at_deletions
        Is called when everything else is done, and what has to go begins to go.
    """

    saved: Saved | None = None
    condemned: list[Saved] = field(default_factory=list)
    at_deletions: Callable[[], None] = lambda: None

    def preview(self, process: Provider, declared: Properties) -> bool:
        """Say whether an `up` would change anything."""
        if self.saved is None or self.condemned:
            return True
        inputs = self._checked(process, self.saved.inputs, declared)
        return process.diff(self.saved.id, self.saved.outputs, inputs)[0]

    def up(self, process: Provider, declared: Properties) -> None:
        """Bring the resource to its declaration; at the end, delete what it has replaced."""
        if self.saved is None:
            self._create(process, self._checked(process, {}, declared))
        else:
            self._change(process, self.saved, declared)
        self.at_deletions()
        self._delete_condemned(process)

    def _change(self, process: Provider, saved: Saved, declared: Properties) -> None:
        inputs = self._checked(process, saved.inputs, declared)
        changed, replacing = process.diff(saved.id, saved.outputs, inputs)
        if replacing:
            self._create(process, self._checked(process, {}, declared))
            self.condemned.append(saved)
        elif changed:
            outputs = process.update(saved.id, saved.outputs, inputs)
            self.saved = Saved(saved.id, inputs, on_the_wire(outputs))
        else:
            self.saved = Saved(saved.id, inputs, saved.outputs)

    def _create(self, process: Provider, inputs: Properties) -> None:
        id_, outputs = process.create(inputs)
        self.saved = Saved(id_, inputs, on_the_wire(outputs))

    def _delete_condemned(self, process: Provider) -> None:
        while self.condemned:
            process.delete(self.condemned[-1].id, self.condemned[-1].outputs)
            self.condemned.pop()

    def refresh(self, process: Provider) -> None:
        """Read what is really there into the state."""
        if self.saved is None:
            return
        id_, outputs, inputs = process.read(self.saved.id, self.saved.outputs)
        self.saved = Saved(id_, on_the_wire(inputs), on_the_wire(outputs)) if id_ else None

    def destroy(self, process: Provider) -> None:
        self.at_deletions()
        if self.saved is not None:
            process.delete(self.saved.id, self.saved.outputs)
            self.saved = None
        self._delete_condemned(process)

    @staticmethod
    def _checked(process: Provider, olds: Properties, declared: Properties) -> Properties:
        inputs, problems = process.check(olds, on_the_wire(declared))
        if problems:
            raise Refused(problems)
        return on_the_wire(inputs)
