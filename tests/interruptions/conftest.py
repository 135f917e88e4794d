"""Keys at the real CLI whose requests can be held, from the tests of faults."""

from tests.faults.conftest import credentials, in_haste, new_fleet, new_wires, runner, servers

__all__ = ["credentials", "in_haste", "new_fleet", "new_wires", "runner", "servers"]
