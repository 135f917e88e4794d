"""A gateway that restarts and a Vault that is sealed in the middle of an `up`: the next one completes it."""

from collections.abc import Callable, Iterable

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from tests.faults.fleet import Fleet, NewFleet
from tests.faults.operations import OPERATIONS
from tests.faults.proxy import Fault
from tests.faults.rendezvous import Rendezvous
from tests.faults.runs import Run, Runner
from tests.faults.wires import Plan
from tests.support.cluster import Cluster
from tests.support.vault import Vault

_BACK_WITHIN_SECONDS = 120
_BY_NAME = {operation.name: operation for operation in OPERATIONS}

GENERATE, UPDATE, WRITE = "gateway POST /key/generate", "gateway POST /key/update", "vault POST "
AT_THE_GATEWAY = (
    ("create", GENERATE, Fault.KILLED_AFTER),
    ("create_delivered", GENERATE, Fault.KILLED),
    ("update", UPDATE, Fault.KILLED_AFTER),
    ("replace_delivered", GENERATE, Fault.KILLED_AFTER),
)
AT_VAULT = (
    ("create_delivered", WRITE, Fault.KILLED),
    ("create_delivered_beside", WRITE, Fault.KILLED_AFTER),
    ("update_delivered", WRITE, Fault.KILLED),
    ("replace_delivered", GENERATE, Fault.KILLED_AFTER),
)


def runs(runner: Runner, moments: Iterable[tuple[str, str, Fault]]) -> list[Run]:
    """Hold each operation at its first request of a kind, and break that."""
    found = []
    for name, request, fault in moments:
        calls = runner.course(_BY_NAME[name]).calls
        step = next(number for number, call in enumerate(calls, 1) if call.startswith(request))
        found.append(Run(_BY_NAME[name], (Plan(step, fault, lasting=False),)))
    return found


def interrupted(fleet: Fleet, disaster: Callable[[], object]) -> str:
    """Run an `up` in which something happens when every key is at its step; give what it said."""
    fleet.prepare()
    keys = list(fleet.worlds)
    fleet.declare_after(keys)
    together = Rendezvous(len(keys), disaster)
    with fleet.faults(keys, together.hold):
        said = fleet.cli.attempt()
    assert together.done, said
    assert "Traceback" not in said
    return said


def restart_vault(cluster: Cluster, vault: Vault) -> None:
    """Let OpenBao start anew, which unseals it, and wait until it answers."""
    cluster.core.delete_namespaced_pod("openbao-0", "vault", grace_period_seconds=0)
    for attempt in Retrying(
        retry=retry_if_exception_type(Exception),
        stop=stop_after_delay(_BACK_WITHIN_SECONDS),
        wait=wait_fixed(0.5),
    ):
        with attempt:
            vault.mounts()


def test_a_gateway_that_restarts_loses_no_key(runner: Runner, new_fleet: NewFleet, cluster: Cluster) -> None:
    def kill() -> None:
        for pod in cluster.gateway_pods():
            cluster.core.delete_namespaced_pod(pod.metadata.name, cluster.namespace, grace_period_seconds=0)

    fleet = new_fleet(runs(runner, AT_THE_GATEWAY))
    interrupted(fleet, kill)
    cluster.scale_gateway(1)
    fleet.cli.up()
    fleet.assert_whole()


def test_a_vault_that_is_sealed_is_named_and_loses_no_key(
    runner: Runner, new_fleet: NewFleet, cluster: Cluster, vault: Vault
) -> None:
    fleet = new_fleet(runs(runner, AT_VAULT))
    try:
        said = interrupted(fleet, vault.client.sys.seal)
    finally:
        restart_vault(cluster, vault)
    assert "see that it runs and is unsealed, then run this again" in said
    fleet.cli.up()
    fleet.assert_whole()


def test_a_vault_that_restarts_loses_no_key(
    runner: Runner, new_fleet: NewFleet, cluster: Cluster, vault: Vault
) -> None:
    fleet = new_fleet(runs(runner, AT_VAULT))
    interrupted(fleet, lambda: restart_vault(cluster, vault))
    fleet.cli.up()
    fleet.assert_whole()
