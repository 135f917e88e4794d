"""The same through the real Pulumi CLI: faults by the dozen in one `up`, and kills of engine and plugin.

In each `up` there are several keys, each between proxies of its own and each with a fault of its own. A kill
comes when each of up to four keys, which is as many as a plugin works on at once, is at its step.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.faults.cli import PROJECT, Cli
from tests.faults.conftest import SOAK, NewWires
from tests.faults.operations import OPERATIONS
from tests.faults.proxy import BREAKS, KILLS, Fault
from tests.faults.runs import Run, Runner, carried_out, fewer
from tests.faults.servers import Servers
from tests.faults.strike import Strike, Victim
from tests.faults.world import World

_AT_ONCE_IN_A_PLUGIN = 4
_IN_TIME = [fault for fault in BREAKS if fault not in (Fault.LATE, Fault.SLOW)]
_OPERATIONS = [each for each in OPERATIONS if not each.refreshes and each.by_hand is None]


class Fleet:
    """Several keys of one stack, each about to undergo a run of its own."""

    def __init__(self, cli: Cli, worlds: Mapping[World, Run]) -> None:
        self.cli = cli
        self.worlds = worlds

    def prepare(self) -> None:
        for world, run in self.worlds.items():
            if run.operation.theirs:
                world.servers.put(world.path, run.operation.theirs)
            before = run.operation.before
            self.cli.declare(world.name, world.fields(before) if before is not None else None)
        self.cli.up()

    def declare_after(self, worlds: Sequence[World]) -> None:
        for world in worlds:
            after = self.worlds[world].operation.after
            self.cli.declare(world.name, world.fields(after) if after is not None else None)

    @contextmanager
    def faults(self, worlds: Sequence[World], strike: Strike | None = None) -> Iterator[None]:
        """Let each of these keys have its fault."""
        with ExitStack() as stack:
            for world in worlds:
                plans = self.worlds[world].plans
                kill = strike.hold if strike else lambda: None
                stack.enter_context(world.wires.watch(*plans, kill=kill))
            yield

    def assert_whole(self) -> None:
        """See exactly one key each, and no change; then see them all go."""
        saved = self.cli.saved()
        for world, run in self.worlds.items():
            if run.operation.after is None:
                world.assert_no_key()
            else:
                world.assert_one_key(saved.get(world.name), delivered=run.operation.delivers)
        assert self.cli.project.preview() == []
        self.cli.destroy()
        for world, run in self.worlds.items():
            world.assert_no_key()
            world.assert_vault_has(run.operation.theirs)


NewFleet = Callable[[Sequence[Run]], Fleet]


@pytest.fixture
def fleet_of(
    credentials: Mapping[str, str],
    platform: Mapping[str, str],
    servers: Servers,
    new_wires: NewWires,
    tmp_path: Path,
) -> Iterator[NewFleet]:
    """Make a fleet; whatever is left of it goes at the end."""
    cli = Cli(tmp_path / "program", {**platform, **credentials})
    worlds: dict[World, Run] = {}

    def fleet(runs: Sequence[Run]) -> Fleet:
        worlds.update({World(servers, new_wires(), PROJECT): run for run in runs})
        return Fleet(cli, worlds)

    yield fleet
    for world in worlds:
        world.tidy()


def _phases(runner: Runner) -> tuple[list[Run], list[Run]]:
    """Give every kill, first those while keys are made or changed, then those while keys are deleted.

    The engine deletes at the end, when everything else is done.
    """
    making: list[Run] = []
    deleting: list[Run] = []
    for operation in _OPERATIONS:
        calls = runner.calls(operation)
        begins = calls.index("gateway POST /key/delete") + 1 if "gateway POST /key/delete" in calls else 99
        for run in runner.every_run(operation, KILLS):
            late = operation.after is None or run.plans[0].step >= begins
            (deleting if late else making).append(run)
    return making, deleting


def test_one_up_gets_over_a_fault_in_every_key(runner: Runner, fleet_of: NewFleet) -> None:
    runs = [run for operation in _OPERATIONS for run in runner.every_run(operation, _IN_TIME)]
    fleet = fleet_of(fewer(runs, 300 if SOAK else 40))
    fleet.prepare()
    worlds = list(fleet.worlds)
    fleet.declare_after(worlds)
    with fleet.faults(worlds):
        fleet.cli.attempt()
    fleet.cli.up()
    fleet.assert_whole()
    carried_out["through the CLI"] |= {str(run) for run in fleet.worlds.values()}


@pytest.mark.parametrize("victim", Victim, ids=lambda victim: victim.name.lower())
def test_one_up_gets_over_a_kill_at_any_step(runner: Runner, fleet_of: NewFleet, victim: Victim) -> None:
    making, deleting = _phases(runner)
    number = 1000 if SOAK else 8
    groups = [*_grouped(fewer(making, number)), *_grouped(fewer(deleting, number // 2))]
    fleet = fleet_of([run for group in groups for run in group])
    fleet.prepare()
    worlds = iter(fleet.worlds)
    for group in groups:
        struck = [next(worlds) for _ in group]
        strike = Strike(victim, len(struck))
        fleet.declare_after(struck)
        with fleet.faults(struck, strike):
            fleet.cli.struck(strike)
        if victim is Victim.ENGINE:
            fleet.cli.cancel()
        fleet.cli.up()
    fleet.assert_whole()
    carried_out[f"with a kill of the {victim.name.lower()}"] |= {str(run) for run in fleet.worlds.values()}


def _grouped(runs: Sequence[Run]) -> list[Sequence[Run]]:
    return [runs[at : at + _AT_ONCE_IN_A_PLUGIN] for at in range(0, len(runs), _AT_ONCE_IN_A_PLUGIN)]
