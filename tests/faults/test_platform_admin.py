"""Faults at each step of a platform admin's life: after one `up` more there is one user with one key."""

import pytest

from tests.faults.admins import ADMIN_OPERATIONS, AdminWorld
from tests.faults.conftest import AT_ONCE, SEED, TIMES, NewWires
from tests.faults.operations import Operation
from tests.faults.proxy import BREAKS, Fault
from tests.faults.runs import Runner, fewer
from tests.faults.servers import Servers

LASTING = (Fault.RESET, Fault.BROKEN, Fault.LOST)
EVERY_OPERATION = pytest.mark.parametrize("operation", ADMIN_OPERATIONS, ids=str)


@pytest.fixture(scope="module")
def admins(servers: Servers, new_wires: NewWires, credentials: object, in_haste: None) -> Runner:
    del credentials, in_haste
    return Runner(servers, [new_wires() for _ in range(AT_ONCE)], AdminWorld)


@EVERY_OPERATION
def test_one_up_gets_over_a_fault_at_any_step(admins: Runner, operation: Operation) -> None:
    runs = admins.every_run(operation, BREAKS)
    steps = len(runs) // len(BREAKS)
    # Each step comes up, each time with another fault.
    admins.carry_out(fewer(runs, (steps + 1) * TIMES, SEED))


@EVERY_OPERATION
def test_an_outage_from_any_step_on_is_made_good_by_the_next_up(admins: Runner, operation: Operation) -> None:
    runs = admins.every_run(operation, LASTING, lasting=True)
    admins.carry_out(fewer(runs, 3 * TIMES, SEED))
