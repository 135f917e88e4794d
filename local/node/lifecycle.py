"""Starts and stops the node from the host's side."""

import subprocess
import sys
import time
from pathlib import Path

from local.files import private_folder
from local.instance import Instance
from local.node import cgroups, network
from local.node.certificates import ensure_certificates
from local.node.configuration import write_configuration
from local.node.layout import Layout
from local.processes import Process, find_module, stop
from toolchain.errors import UserError

__all__ = ["INIT_MODULE", "NodeStartError", "clear", "find", "leftovers", "start", "stop_node"]

INIT_MODULE = "local.node.init"
REPOSITORY = Path(__file__).resolve().parents[2]
NAMESPACES = (
    "--mount",
    "--net",
    "--pid",
    "--uts",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "--propagation",
    "private",
)
INIT_TIMEOUT_SECONDS = 10.0
STOP_PATIENCE_SECONDS = 10.0


class NodeStartError(UserError):
    """The node's first process didn't come up."""

    def __init__(self, instance: Instance, log: Path) -> None:
        tail = log.read_text(errors="replace").strip().splitlines()[-3:] if log.exists() else []
        super().__init__(
            f"The node of instance {instance.name} ended right after its start: "
            f"{' / '.join(tail) or 'no word'} (log: {log}). Try `python -m local down` and `up` again."
        )


def find(instance: Instance) -> Process | None:
    """Return the node's first process, when the node runs."""
    found = find_module(INIT_MODULE, instance.name, str(instance.folder))
    return found[0] if found else None


def start(layout: Layout) -> Process:
    """Start the node; whatever an earlier one left behind is cleared first.

    Raises
    ------
    NodeStartError
        Its first process ended at once.
    """
    instance = layout.instance
    clear(instance)
    ensure_certificates(instance)
    write_configuration(layout)
    cgroups.create(instance.cgroup)
    (instance.node_folder / "processes.json").unlink(missing_ok=True)

    log = private_folder(instance.log_folder) / "node.log"
    init = (sys.executable, "-m", INIT_MODULE, instance.name, str(instance.folder))
    with log.open("ab") as output:
        wrapper = subprocess.Popen(
            ("unshare", *NAMESPACES, *init, *layout.program_arguments),
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + INIT_TIMEOUT_SECONDS
    while not (node := find(instance)):
        if wrapper.poll() is not None or time.monotonic() > deadline:
            raise NodeStartError(instance, log)
        time.sleep(0.02)
    network.attach(instance, node.pid)
    return node


def stop_node(instance: Instance) -> None:
    """Stop the node, if it runs, and clear what it leaves behind."""
    if node := find(instance):
        stop(node, STOP_PATIENCE_SECONDS)
    clear(instance)


def clear(instance: Instance) -> None:
    """Remove what a node that is gone left: control groups with their processes, link and routes."""
    cgroups.remove(instance.cgroup)
    network.detach(instance)


def leftovers(instance: Instance) -> list[str]:
    """Return what is there of a node that should be gone, one sentence part each."""
    found = [
        f"process {process.pid}" for process in find_module(INIT_MODULE, instance.name, str(instance.folder))
    ]
    found += [f"process {pid} in the control group" for pid in cgroups.members(instance.cgroup)]
    found += [f"control group {instance.cgroup}"] if cgroups.exists(instance.cgroup) else []
    found += [f"link {instance.link}"] if network.link_exists(instance.link) else []
    found += [f"route {route}" for route in network.own_routes(instance)]
    mounted = Path("/proc/self/mounts").read_text().splitlines()
    found += [f"mount {line.split()[1]}" for line in mounted if str(instance.folder) in line]
    return found
