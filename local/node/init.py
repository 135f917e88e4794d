"""PID 1 of the node: ``python -m local.node.init NAME FOLDER HYPERKUBE COREDNS PREFIX``.

Imports little, for it stays in memory as long as the node runs.
"""

import os
import signal
import socket
import sys
import time
from pathlib import Path

from local.instance import INSTANCES, Instance
from local.node import cgroups, mounts, network
from local.node.control_plane import api_is_ready
from local.node.layout import NODE_NAME, Layout
from local.node.parts import control_plane, parts
from local.node.rotation import rotate_audit_log, rotate_logs
from local.node.supervisor import Supervisor
from local.processes import processes

LINK_TIMEOUT_SECONDS = 15.0
FIRST_PROCESS = 1
DATABASE = "postgres"
POD_PATIENCE_SECONDS = 4.0


def main(arguments: list[str]) -> None:
    """Set the node up within its namespaces, run it, and end its Pods in an orderly way."""
    name, folder, *programs = arguments
    instance = Instance(name, INSTANCES[name], Path(folder))
    hyperkube, coredns, prefix = map(Path, programs)
    layout = Layout(instance, hyperkube, coredns, prefix)

    cgroups.enter_system_group(instance.cgroup)
    mounts.set_up_mounts(instance)
    socket.sethostname(NODE_NAME)
    _wait_for_link()
    network.set_up_inside(instance)

    # What the supervisor starts is looked up on the node's PATH.
    os.environ["PATH"] = layout.search_path
    supervisor = Supervisor(
        parts(layout), layout.environment, instance.log_folder, instance.node_folder / "processes.json"
    )

    def upkeep() -> None:
        rotate_logs(instance.log_folder)
        rotate_audit_log(instance.data_folder / "openbao-audit" / "audit.log")

    plane = control_plane(layout)
    supervisor.run(lambda: api_is_ready(plane), upkeep)
    _end_pods(instance, supervisor)


def _wait_for_link() -> None:
    deadline = time.monotonic() + LINK_TIMEOUT_SECONDS
    while not network.link_exists():
        if time.monotonic() > deadline:
            sys.exit("The host never connected the node's network.")
        time.sleep(0.05)


def _end_pods(instance: Instance, supervisor: Supervisor) -> None:
    """Let Pods finish, databases last; whatever still runs afterwards dies with this process."""
    if kubelet := supervisor.pid_of("kubelet"):
        # It would start the containers again.
        os.kill(kubelet, signal.SIGKILL)
    pods = cgroups.pod_members(instance.cgroup)
    # Like the kubelet: the first process of a container ends the others itself, in its own order.
    first = [each for each in processes() if each.pid in pods and each.namespace_pid() == FIRST_PROCESS]
    databases = [process for process in first if process.arguments[0] == DATABASE]
    clients = [process for process in first if process not in databases]
    # To PostgreSQL SIGTERM means to wait for its clients, SIGINT to end their sessions.
    for group, number in ((clients, signal.SIGTERM), (databases, signal.SIGINT)):
        for process in group:
            os.kill(process.pid, number)
        deadline = time.monotonic() + POD_PATIENCE_SECONDS
        while any(process.is_alive() for process in group) and time.monotonic() < deadline:
            supervisor.reap()
            time.sleep(0.05)


if __name__ == "__main__":
    main(sys.argv[1:])
