"""What each part of a platform is at: state, address, memory, since when."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from local import second_cluster
from local.cluster import forward
from local.cluster.api import Cluster, ClusterError, ClusterUnreachableError
from local.cluster.deploy import PART_NAMESPACES
from local.cluster.pods import PodState, pod_states
from local.instance import Instance
from local.node import cgroups, lifecycle
from local.node.second import PREFIX
from local.node.supervisor import PartState, read_table
from local.processes import Process, processes
from local.record import PlatformRecord
from local.tables import aligned

__all__ = ["PartStatus", "PlatformState", "State", "platform_state", "summary", "table_lines"]

MEBIBYTE = 1024 * 1024
SHIM = "containerd-shim"
FAILURES = ("BackOff", "ErrImage", "Error")
"""Words in a Pod's reason that no waiting mends."""


class State(StrEnum):
    """State of one part."""

    UP = "up"
    STARTING = "starting"
    FAILING = "failing"
    DOWN = "down"


class PlatformState(StrEnum):
    """State of a whole platform; `exit_code` is what `status` ends with."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"

    @property
    def exit_code(self) -> int:
        return {PlatformState.UP: 0, PlatformState.DEGRADED: 1, PlatformState.DOWN: 3}[self]


@dataclass(frozen=True)
class PartStatus:
    """One line of the table.

    Parameters
    ----------
    name
        What `logs` takes.
    state
        What it is at.
    address
        Where it is reached from this host; empty: nowhere.
    resident_bytes
        Resident memory of all its processes, shared pages counted in each; None where this host can't see it.
    since
        Start of its youngest process, seconds since the epoch; None while it doesn't run.
    note
        Why it isn't up.
    """

    name: str
    state: State
    address: str = ""
    resident_bytes: int | None = None
    since: float | None = None
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        since = dt.datetime.fromtimestamp(self.since, dt.UTC).isoformat() if self.since else None
        return {**asdict(self), "since": since}


def platform_state(instance: Instance) -> tuple[PlatformState, list[PartStatus]]:
    """Look at everything that belongs to a platform."""
    record = PlatformRecord.load(instance)
    if record and record.kubeconfig:
        parts = _parts_in_foreign_cluster(instance, record.kubeconfig)
    elif node := lifecycle.find(instance):
        parts = _parts_on_node(instance, node)
    else:
        parts = []
    return summary(parts), parts


def table_lines(parts: Iterable[PartStatus]) -> list[str]:
    """Return the table as lines of text with aligned columns."""
    parts = list(parts)
    rows = [("PART", "STATE", "ADDRESS", "MEMORY", "SINCE", "")]
    rows += [
        (part.name, part.state, part.address or "-", _mebibytes(part), _moment(part), part.note)
        for part in parts
    ]
    total = sum(part.resident_bytes or 0 for part in parts)
    if total:
        rows.append(("all", "", "", f"{total // MEBIBYTE} MiB", "", ""))
    return aligned(rows)


def summary(parts: Iterable[PartStatus]) -> PlatformState:
    """Return the state of a platform from those of its parts."""
    states = {part.state for part in parts}
    if states <= {State.DOWN}:
        return PlatformState.DOWN
    return PlatformState.UP if states == {State.UP} else PlatformState.DEGRADED


def _parts_on_node(instance: Instance, node: Process) -> list[PartStatus]:
    addresses = {
        "kube-apiserver": instance.api_url,
        "coredns": f"{instance.node_address}:53",
        f"{PREFIX}kube-apiserver": instance.second_api_url,
    }
    namespace = node.namespace()
    inside = [process for process in processes() if process.namespace() == namespace]
    by_pid = {process.namespace_pid(): process for process in inside}
    shims = sum(process.resident_bytes() for process in inside if SHIM in process.arguments[0])

    parts = [PartStatus("node", State.UP, instance.node_address, node.resident_bytes(), node.started_at())]
    table = read_table(instance.node_folder / "processes.json")
    if second_cluster.find(instance):
        table |= read_table(instance.second_folder / "processes.json")
    for name, state in table.items():
        part = _node_part(name, state, by_pid.get(state.pid), addresses.get(name, ""))
        if name == "containerd" and part.resident_bytes:
            part = PartStatus(
                name, part.state, part.address, part.resident_bytes + shims, part.since, part.note
            )
        parts.append(part)
    cluster = Cluster(instance.pki_folder / "admin.kubeconfig")
    by_number = {process.pid: process for process in processes()}
    memory = {
        uid: sum(by_number[pid].resident_bytes() for pid in pids if pid in by_number)
        for uid, pids in cgroups.members_by_pod(instance.cgroup).items()
    }
    return parts + _pod_parts(cluster, memory, node.started_at())


def _node_part(name: str, state: PartState, process: Process | None, address: str) -> PartStatus:
    restarts = f"restarts: {state.restarts}" if state.restarts else ""
    if process:
        return PartStatus(name, State.UP, address, process.resident_bytes(), state.started_at, restarts)
    return PartStatus(name, State.FAILING if restarts else State.STARTING, address, note=restarts)


def _parts_in_foreign_cluster(instance: Instance, kubeconfig: Path) -> list[PartStatus]:
    way = forward.find(instance)
    address = f"https://127.0.0.1:{instance.forward_port}"
    return [
        *_pod_parts(Cluster(kubeconfig), None, 0.0, tuple(PART_NAMESPACES.values())),
        PartStatus("forward", State.UP, address, way[0].resident_bytes(), way[0].started_at())
        if way
        else PartStatus("forward", State.DOWN, address),
    ]


def _pod_parts(
    cluster: Cluster, memory: dict[str, int] | None, not_before: float, namespaces: tuple[str, ...] = ()
) -> list[PartStatus]:
    """Return one line per Pod, and one for each of the platform's own parts that has none."""
    try:
        pods = [pod for pod in pod_states(cluster) if not namespaces or pod.namespace in namespaces]
        addresses = _service_addresses(cluster)
    except (ClusterError, ClusterUnreachableError) as error:
        return [PartStatus(part, State.FAILING, note=str(error)) for part in PART_NAMESPACES]
    missing = PART_NAMESPACES.keys() - {pod.part for pod in pods}
    parts = [_pod_part(pod, addresses, memory, not_before) for pod in pods]
    return parts + [PartStatus(part, State.DOWN, note="no Pod") for part in sorted(missing)]


def _pod_part(
    pod: PodState, addresses: dict[tuple[str, str], str], memory: dict[str, int] | None, not_before: float
) -> PartStatus:
    current = pod.ready and pod.started_at >= not_before
    failing = any(word in pod.reason for word in FAILURES)
    state = State.UP if current else (State.FAILING if failing else State.STARTING)
    restarts = f"restarts: {pod.restarts}" if pod.restarts else ""
    return PartStatus(
        pod.name,
        state,
        # Of another cluster this host sees neither memory nor addresses.
        "" if memory is None else addresses.get((pod.namespace, pod.part), pod.address),
        None if memory is None else memory.get(pod.uid, 0),
        pod.started_at or None,
        "; ".join(filter(None, (pod.reason, restarts))),
    )


def _service_addresses(cluster: Cluster) -> dict[tuple[str, str], str]:
    """Return address and first port of every Service that has an address of its own."""
    return {
        (service["metadata"]["namespace"], service["metadata"]["name"]): (
            f"{service['spec']['clusterIP']}:{service['spec']['ports'][0]['port']}"
        )
        for service in cluster.objects("Service")
        if service["spec"].get("clusterIP", "None") != "None" and service["spec"].get("ports")
    }


def _mebibytes(part: PartStatus) -> str:
    return "-" if part.resident_bytes is None else f"{part.resident_bytes // MEBIBYTE} MiB"


def _moment(part: PartStatus) -> str:
    return (
        f"{dt.datetime.fromtimestamp(part.since, dt.UTC).astimezone():%Y-%m-%d %H:%M:%S}"
        if part.since
        else "-"
    )
