"""Each kind of fault at each step of each operation: after one `up` more there is exactly one key."""

import pytest

from tests.faults.conftest import SEED, TIMES
from tests.faults.operations import OPERATIONS, Operation
from tests.faults.proxy import BREAKS, KILLS, Fault
from tests.faults.runs import Runner, fewer

LASTING = (Fault.RESET, Fault.LATE, Fault.BROKEN, Fault.FORBIDDEN, Fault.LOST)
EVERY_OPERATION = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


@EVERY_OPERATION
def test_one_up_gets_over_a_fault_at_any_step(runner: Runner, operation: Operation) -> None:
    runs = runner.every_run(operation, BREAKS)
    runner.carry_out(fewer(runs, 5 * TIMES, SEED))


@EVERY_OPERATION
def test_an_outage_from_any_step_on_is_made_good_by_the_next_up(runner: Runner, operation: Operation) -> None:
    runs = runner.every_run(operation, LASTING, lasting=True)
    runner.carry_out(fewer(runs, 3 * TIMES, SEED))


@EVERY_OPERATION
def test_several_faults_are_got_over_by_the_next_up(runner: Runner, operation: Operation) -> None:
    runner.carry_out(runner.random_runs(operation, BREAKS, TIMES, SEED))


@EVERY_OPERATION
def test_a_plugin_that_is_killed_at_any_step_leaves_no_trace(runner: Runner, operation: Operation) -> None:
    runs = runner.every_run(operation, KILLS)
    runner.carry_out(fewer(runs, 2 * TIMES, SEED))
