"""Both servers as the providers see them: every request in its order, and what happens to it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from tests.faults.proxy import Exchange, Fault, FaultyProxy, proxying

__all__ = ["Plan", "Wires", "wired"]

_QUIET_WITHIN_SECONDS = 60


@dataclass(frozen=True)
class Plan:
    """What goes wrong during one operation.

    Attributes
    ----------
    step
        Number of the request that it happens to, from 1, whichever server it goes to.
    fault
        What happens to it.
    lasting
        Whether it happens to every later request to that server too, until the operation is given up.
    """

    step: int
    fault: Fault
    lasting: bool

    def __str__(self) -> str:
        return f"step {self.step} {self.fault.name.lower()}{' lasting' if self.lasting else ''}"


class Wires:
    """A proxy to the gateway and one to Vault, whose requests are counted together.

    Attributes
    ----------
    calls
        What was requested since the last `watch`, such as `gateway POST /key/generate`.
    """

    def __init__(self, gateway: FaultyProxy, vault: FaultyProxy) -> None:
        self.gateway_url, self.vault_url = gateway.url, vault.url
        self.calls: list[str] = []
        self._decide: Callable[[int, str], Fault | None] = _nothing
        self._kill: Callable[[], object] = lambda: None
        self._change = threading.Condition()
        self._under_way = 0
        for server, proxy in (("gateway", gateway), ("vault", vault)):
            proxy.use(self._hook(server))

    def _hook(self, server: str) -> Callable[[Exchange], None]:
        def hook(exchange: Exchange) -> None:
            with self._change:
                self._under_way += 1
                self.calls.append(f"{server} {exchange.method} {exchange.path}")
                fault = self._decide(len(self.calls), server)
            try:
                exchange.suffer(fault, self._kill)
            finally:
                with self._change:
                    self._under_way -= 1
                    self._change.notify_all()

        return hook

    @contextmanager
    def watch(self, *plans: Plan, kill: Callable[[], object] = lambda: None) -> Iterator[None]:
        """Count from 1, and let things go wrong, until the end of the block and of the last request.

        Parameters
        ----------
        plans
            What goes wrong.
        kill
            Ends the client, where a plan says so.
        """
        hit: dict[str, Plan] = {}
        by_step = {plan.step: plan for plan in plans}

        def decide(step: int, server: str) -> Fault | None:
            if step in by_step and server not in hit:
                plan = by_step[step]
                if plan.lasting:
                    hit[server] = plan
                return plan.fault
            return hit[server].fault if server in hit else None

        with self._change:
            self.calls, self._decide, self._kill = [], decide, kill
        try:
            yield
        finally:
            with self._change:
                quiet = self._change.wait_for(lambda: not self._under_way, _QUIET_WITHIN_SECONDS)
                self._decide = _nothing
            assert quiet, "a request never ended"


def _nothing(_step: int, _server: str) -> None:
    return None


@contextmanager
def wired(gateway: httpx.Client, vault: httpx.Client) -> Iterator[Wires]:
    """Serve both proxies until the end of the block."""
    with proxying(gateway) as to_gateway, proxying(vault) as to_vault:
        yield Wires(to_gateway, to_vault)
