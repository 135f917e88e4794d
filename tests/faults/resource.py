"""A key whose engine is in this process, and whose plugin is too, or is a real process that can be killed."""

from collections.abc import Callable, Mapping
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest

from providers.errors import ProviderError
from tests.faults.limits import hasty
from tests.faults.operations import DELIVERED, Operation
from tests.faults.processes import InProcess
from tests.faults.proxy import KILLS
from tests.faults.stack import Properties, Provider, Stack
from tests.faults.wires import Plan
from tests.faults.world import World
from tests.support.plugin import plugin_process

__all__ = ["Resource"]


class Resource:
    """A stack of one key.

    Parameters
    ----------
    world
        Where it lives.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.stack = Stack()

    def process(self) -> InProcess:
        """Begin a process of the plugin."""
        return InProcess(self.world.provider(), self.world.wires.gateway_url, self.world.urn)

    def declared(self, fields: Mapping[str, Any]) -> Properties:
        return {"owner": self.world.urn, **self.world.fields(fields)}

    def prepare(self, operation: Operation) -> None:
        """Make what stands before an operation."""
        self.world.make_ready(operation)
        if operation.before is not None:
            self.bring_to(operation.before)
        self.world.intervene(operation, self.stack.saved)
        if operation.drifts:
            self.stack.refresh(self.process())

    def bring_to(self, fields: Mapping[str, Any] | None, process: Provider | None = None) -> None:
        """Run an `up`; for None, with the key taken out."""
        process = process or self.process()
        if fields is None:
            self.stack.destroy(process)
        else:
            self.stack.up(process, self.declared(fields))

    def undergo(self, operation: Operation, *plans: Plan) -> None:
        """Do an operation while things go wrong. It may fail, with a sentence."""
        if any(plan.fault in KILLS for plan in plans):
            self._undergo_killed(operation, *plans)
            return
        self.suffer(lambda: self._do(operation, self.process()), *plans)

    def suffer(self, do: Callable[[], None], *plans: Plan) -> bool:
        """Do something while things go wrong, and say whether it was done nevertheless."""
        with hasty(), self.world.wires.watch(*plans):
            try:
                do()
            except ProviderError as error:
                said = str(error)
                assert "sk-" not in said, said
                return False
        return True

    def _undergo_killed(self, operation: Operation, *plans: Plan) -> None:
        with plugin_process({}) as plugin, self.world.wires.watch(*plans, kill=plugin.kill):
            with pytest.raises(grpc.RpcError) as raised:
                self._do(operation, plugin)
            assert raised.value.code() is grpc.StatusCode.UNAVAILABLE, raised.value

    def _do(self, operation: Operation, process: Provider) -> None:
        if operation.refreshes:
            self.stack.refresh(process)
        else:
            self.bring_to(operation.after, process)

    def assert_whole(self, fields: Mapping[str, Any]) -> None:
        """See that there is exactly one key, as declared, and that neither preview nor refresh sees more."""
        delivered = fields.get("deliver") == DELIVERED
        self.world.assert_one_key(self.stack.saved, delivered=delivered)
        process = self.process()
        assert not self.stack.preview(process, self.declared(fields)), "a change is shown"
        self.stack.refresh(process)
        assert not self.stack.preview(process, self.declared(fields)), "a change is shown after a refresh"
        self.world.assert_one_key(self.stack.saved, delivered=delivered)
