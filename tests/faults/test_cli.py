"""The same through the real Pulumi CLI: faults by the dozen in one `up`, and kills of engine and plugin.

In each `up` there are several keys, each between proxies of its own and each with a fault of its own. A kill
comes when each of up to four keys, which is as many as an engine on a single core works on at once, is at its
step.
"""

from collections.abc import Sequence

import pytest

from tests.faults.conftest import SEED, TIMES
from tests.faults.fleet import NewFleet
from tests.faults.operations import OPERATIONS
from tests.faults.proxy import BREAKS, KILLS, Fault
from tests.faults.rendezvous import Rendezvous
from tests.faults.runs import Run, Runner, carried_out, fewer
from tests.faults.strike import Strike, Victim

_AT_ONCE = 4
_IN_TIME = [fault for fault in BREAKS if fault not in (Fault.LATE, Fault.SLOW)]
_OPERATIONS = [each for each in OPERATIONS if not each.refreshes and each.by_hand is None]


def _phases(runner: Runner) -> tuple[list[Run], list[Run]]:
    """Give every kill, first those while keys are made or changed, then those while keys are deleted.

    The engine deletes at the end, when everything else is done.
    """
    making: list[Run] = []
    deleting: list[Run] = []
    for operation in _OPERATIONS:
        course = runner.course(operation)
        for run in runner.every_run(operation, KILLS):
            (making if run.plans[0].step <= course.making else deleting).append(run)
    return making, deleting


def test_one_up_gets_over_a_fault_in_every_key(runner: Runner, new_fleet: NewFleet) -> None:
    runs = [run for operation in _OPERATIONS for run in runner.every_run(operation, _IN_TIME)]
    fleet = new_fleet(fewer(runs, 40 * TIMES, SEED))
    fleet.prepare()
    worlds = list(fleet.worlds)
    fleet.declare_after(worlds)
    with fleet.faults(worlds):
        fleet.cli.attempt()
    fleet.cli.up()
    fleet.assert_whole()
    carried_out["through the CLI"] |= {str(run) for run in fleet.worlds.values()}


@pytest.mark.parametrize("victim", Victim, ids=lambda victim: victim.name.lower())
def test_one_up_gets_over_a_kill_at_any_step(runner: Runner, new_fleet: NewFleet, victim: Victim) -> None:
    making, deleting = _phases(runner)
    number = 8 * TIMES
    groups = [*_grouped(fewer(making, number, SEED)), *_grouped(fewer(deleting, number // 2, SEED))]
    fleet = new_fleet([run for group in groups for run in group])
    fleet.prepare()
    worlds = iter(fleet.worlds)
    for group in groups:
        struck = [next(worlds) for _ in group]
        strike = Strike(victim)
        together = Rendezvous(len(struck), strike.kill)
        fleet.declare_after(struck)
        with fleet.faults(struck, together.hold):
            fleet.cli.struck(strike)
        assert together.done
        if victim is Victim.ENGINE:
            fleet.cli.cancel()
        fleet.cli.up()
    fleet.assert_whole()
    carried_out[f"with a kill of the {victim.name.lower()}"] |= {str(run) for run in fleet.worlds.values()}


def _grouped(runs: Sequence[Run]) -> list[Sequence[Run]]:
    return [runs[at : at + _AT_ONCE] for at in range(0, len(runs), _AT_ONCE)]
