"""Runs: one operation during which something goes wrong. Which there are, and how they end."""

import queue
import random
import traceback
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from tests.faults.operations import Operation
from tests.faults.proxy import Fault
from tests.faults.resource import Resource
from tests.faults.servers import Servers
from tests.faults.wires import Plan, Wires
from tests.faults.world import World

__all__ = ["Course", "Run", "Runner", "carried_out", "fewer"]

carried_out: defaultdict[str, set[str]] = defaultdict(set)
"""Way of carrying out -> the different runs that there were."""


@dataclass(frozen=True)
class Run:
    """One of them.

    Attributes
    ----------
    plans
        What goes wrong; several things one after another.
    """

    operation: Operation
    plans: tuple[Plan, ...]

    def __str__(self) -> str:
        return f"{self.operation}: {', '.join(map(str, self.plans))}"


@dataclass(frozen=True)
class Course:
    """How an operation goes when nothing goes wrong.

    Attributes
    ----------
    calls
        Its requests, such as `gateway POST /key/generate`.
    making
        How many of them make and change keys; the others come when everything else in the stack is done, and
        delete what has to go.
    """

    calls: tuple[str, ...]
    making: int


class Runner:
    """Carries runs out, several at once, each pair of proxies for one at a time.

    Parameters
    ----------
    servers
        Past the proxies.
    wires
        As many pairs of proxies as runs go on at once.
    world
        What kind of resource.
    """

    def __init__(self, servers: Servers, wires: Sequence[Wires], world: type[World] = World) -> None:
        self._servers, self._world = servers, world
        self._free: queue.Queue[Wires] = queue.Queue()
        self._at_once = len(wires)
        self._courses: dict[str, Course] = {}
        for pair in wires:
            self._free.put(pair)

    @contextmanager
    def resource(self) -> Iterator[Resource]:
        """Give a new resource on a pair of proxies that is free, and leave nothing of it behind."""
        wires = self._free.get()
        world = self._world(self._servers, wires)
        try:
            yield Resource(world)
        finally:
            world.tidy()
            self._free.put(wires)

    def course(self, operation: Operation) -> Course:
        """Give an operation's requests when nothing goes wrong, written down the first time."""
        if operation.name not in self._courses:
            with self.resource() as resource:
                resource.prepare(operation)
                wires, deletions = resource.world.wires, list[int]()
                resource.stack.at_deletions = lambda: deletions.append(len(wires.calls))
                resource.undergo(operation)
                calls = tuple(wires.calls)
                self._courses[operation.name] = Course(calls, deletions[0] if deletions else len(calls))
                resource.bring_to(None)
        return self._courses[operation.name]

    def every_run(self, operation: Operation, faults: Sequence[Fault], *, lasting: bool = False) -> list[Run]:
        """Give each of the faults at each step, in their order."""
        steps = range(1, len(self.course(operation).calls) + 1)
        return [Run(operation, (Plan(step, fault, lasting),)) for step in steps for fault in faults]

    def random_runs(self, operation: Operation, faults: Sequence[Fault], number: int, seed: str) -> list[Run]:
        """Draw runs with several faults each, the same ones for the same seed."""
        draw = random.Random(f"{seed} {operation}")  # noqa: S311 - has to be repeatable
        steps = range(1, len(self.course(operation).calls) + 3)  # a repetition adds some

        def plan() -> Plan:
            return Plan(draw.choice(steps), draw.choice(faults), draw.random() < 0.2)

        return [Run(operation, tuple(plan() for _ in range(draw.randint(2, 4)))) for _ in range(number)]

    def carry_out(self, runs: Iterable[Run]) -> None:
        """Carry runs out, and fail with each that has left something else than one key."""
        with ThreadPoolExecutor(self._at_once) as pool:
            failures = [failure for failure in pool.map(self._failure, runs) if failure]
        assert not failures, "\n\n".join(failures)

    def _failure(self, run: Run) -> str | None:
        with self.resource() as resource:
            try:
                self._one_up_more(run, resource)
            except Exception:  # noqa: BLE001 - whatever it is, the other runs go on
                calls = "\n  ".join(resource.world.wires.calls)
                return f"{run}\n  {calls}\n{traceback.format_exc(limit=-3)}"
            finally:
                carried_out["in this process"].add(str(run))
        return None

    @staticmethod
    def _one_up_more(run: Run, resource: Resource) -> None:
        resource.prepare(run.operation)
        resource.undergo(run.operation, *run.plans)
        resource.bring_to(run.operation.after)
        resource.world.assert_done(run.operation, resource.stack.saved)
        if run.operation.after is not None:
            resource.assert_whole(run.operation.after)
            resource.bring_to(None)
            resource.world.assert_gone(run.operation)


def fewer(runs: Sequence[Run], number: int, seed: str) -> list[Run]:
    """Take so many of them, spread evenly: each step and each fault comes up. Another seed takes others."""
    first = random.Random(seed).randrange(len(runs)) if seed else 0  # noqa: S311 - has to be repeatable
    number = min(number, len(runs))
    return [runs[(first + index * len(runs) // number) % len(runs)] for index in range(number)]
