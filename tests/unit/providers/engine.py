"""What Pulumi's engine does with one virtual key, without Pulumi: check, diff, and what follows."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from providers.inputs import Problem
from providers.litellm import changes, checks, key, known
from providers.litellm.client import GatewayClient
from providers.litellm.delivery import Delivery

__all__ = ["GATEWAY", "KeyEngine", "as_pulumi", "urn"]

GATEWAY = {"url": "http://gateway.test", "admin_key": {"env": "LITELLM_MASTER_KEY"}}


def urn(name: str) -> str:
    return f"urn:pulumi:dev::llm-gateway::a:b:Keys$pulumi-python:dynamic/litellm:VirtualKey::{name}"


def as_pulumi(value: Any) -> Any:
    """Hand numbers over as Pulumi does: all of them floats."""
    return json.loads(json.dumps(value), parse_int=float)


class RefusedError(Exception):
    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__(str(problems))


@dataclass
class KeyEngine:
    """One resource of a stack, with its inputs and its state.

    Attributes
    ----------
    waiting
        Predecessors that are still to be deleted.
    is_cut_short
        Another resource fails, so an `up` ends before it deletes those.
    """

    name: str
    inputs: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] | None = None
    delivery_of: Callable[[Mapping[str, Any]], Delivery | None] = Delivery.of
    waiting: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    is_cut_short: bool = False

    @property
    def token_id(self) -> str:
        assert self.state is not None
        return str(self.state["token_id"])

    def check(self, declared: dict[str, Any], olds: dict[str, Any] | None = None) -> dict[str, Any]:
        news = as_pulumi({"gateway": GATEWAY, "owner": urn(self.name)} | declared)
        if olds is None:
            olds = self.inputs if self.state else {}
        inputs, problems = checks.check_inputs(olds, news)
        if problems:
            raise RefusedError(problems)
        return dict(as_pulumi(inputs))

    def preview(self, **declared: Any) -> list[str]:
        """Name what an `up` would change."""
        assert self.state is not None
        return changes.changed_inputs(self.state, self.check(declared))

    def up(self, process: GatewayClient, /, **declared: Any) -> str:
        """Bring the key to its declaration and say how: create, same, update or replace."""
        inputs = self.check(declared)
        if self.state is None:
            return self._create(process, inputs, "create")
        self._note(inputs)
        how = self._bring(process, inputs, declared)
        self._delete_waiting(process)
        return how

    def _bring(self, process: GatewayClient, inputs: dict[str, Any], declared: dict[str, Any]) -> str:
        assert self.state is not None
        if not changes.changed_inputs(self.state, inputs):
            self.inputs = inputs
            return "same"
        if changes.replacing(self.state, inputs):
            self._replace(process, declared)
            return "replace"
        self.state = as_pulumi(
            key.update(process, self.token_id, self.state, inputs, self.delivery_of(inputs))
        )
        self.inputs = inputs
        return "update"

    def _create(self, gateway: GatewayClient, inputs: dict[str, Any], how: str) -> str:
        self.state = as_pulumi(key.create(gateway, inputs, self.delivery_of(inputs)))
        self.inputs = inputs
        return how

    def force_replacement(self, process: GatewayClient, /, **declared: Any) -> None:
        """Do as `pulumi up --replace` does: without a diff, and without a check that knows the old inputs."""
        self._replace(process, declared)

    def _note(self, inputs: Mapping[str, Any]) -> None:
        assert self.state is not None
        is_going = bool(changes.replacing(self.state, inputs))
        in_state = known.Current.of_state(self.token_id, self.state, inputs, is_going=is_going)
        known.note(inputs["owner"], in_state)

    def _replace(self, process: GatewayClient, declared: dict[str, Any]) -> None:
        """Create the successor; the predecessor waits for its deletion, which ends an `up`."""
        assert self.state is not None
        predecessor, state = self.token_id, self.state
        self._create(process, self.check(declared, olds={}), "replace")
        self.waiting.append((predecessor, state))
        self._delete_waiting(process)

    def _delete_waiting(self, process: GatewayClient) -> None:
        for waiting in [] if self.is_cut_short else list(self.waiting):
            token_id, state = waiting
            key.delete(process, token_id, state, self.delivery_of(state))
            self.waiting.remove(waiting)

    def refresh(self, gateway: GatewayClient) -> bool:
        """Read the key and say whether it is still there."""
        assert self.state is not None
        found = key.read(gateway, self.token_id, self.state, self.delivery_of(self.state))
        if found is None:
            self.state, self.inputs = None, {}
            return False
        self.state, self.inputs = as_pulumi(found.state), as_pulumi(found.inputs)
        return True

    def destroy(self, gateway: GatewayClient, *, is_last_first: bool = False) -> None:
        """Delete what waits for it and the key, in one of the orders in which Pulumi may do so."""
        assert self.state is not None
        if not is_last_first:
            self._delete_waiting(gateway)
        key.delete(gateway, self.token_id, self.state, self.delivery_of(self.state))
        self._delete_waiting(gateway)
        self.state, self.inputs = None, {}
