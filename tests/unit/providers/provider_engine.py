"""What Pulumi's engine does with a resource, by the calls of its dynamic provider."""

from dataclasses import dataclass, field
from typing import Any

from providers.dynamic import Provider
from providers.litellm import connection, known, virtual_key
from tests.unit.providers.engine import as_pulumi

__all__ = ["ProviderEngine", "new_process"]


def new_process() -> None:
    """Forget what a process of the plugin knows."""
    known.forget()
    virtual_key._say_unseen.cache_clear()
    for client in connection._clients.values():
        client._http.close()
    connection._clients.clear()


@dataclass
class ProviderEngine:
    """One resource of a stack, with its inputs and its state."""

    provider: Provider
    urn: str
    inputs: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] | None = None
    id: str = ""

    def _check(self, declared: dict[str, Any], olds: dict[str, Any]) -> dict[str, Any]:
        checked = self.provider.check(olds, as_pulumi({"owner": self.urn} | declared))
        assert not checked.failures, [failure.reason for failure in checked.failures or ()]
        return dict(as_pulumi(checked.inputs))

    def preview(self, **declared: Any) -> str:
        """Say what an `up` would do: create, same, update or replace."""
        if self.state is None:
            return "create"
        diff = self.provider.diff(self.id, self.state, self._check(declared, self.inputs))
        return "same" if not diff.changes else "replace" if diff.replaces else "update"

    def up(self, **declared: Any) -> str:
        """Do it, and say what."""
        step = self.preview(**declared)
        inputs = self._check(declared, self.inputs if step in ("same", "update") else {})
        if step == "update" and self.state is not None:
            updated = self.provider.update(self.id, self.state, inputs)
            self.state = as_pulumi(updated.outs)
        elif step in ("create", "replace"):
            predecessor, state = self.id, self.state
            created = self.provider.create(inputs)
            self.id, self.state = created.id, as_pulumi(created.outs)
            if state is not None:
                self.inputs = inputs
                self.provider.delete(predecessor, state)
        self.inputs = inputs
        return step

    def refresh(self) -> None:
        assert self.state is not None
        read = self.provider.read(self.id, self.state)
        if not read.id:
            self.state, self.inputs = None, {}
            return
        self.state = as_pulumi(read.outs)
        if read.inputs is not None:
            self.inputs = as_pulumi(read.inputs)

    def destroy(self) -> None:
        assert self.state is not None
        self.provider.delete(self.id, self.state)
        self.state, self.inputs = None, {}
