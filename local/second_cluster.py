"""`cluster up` and `cluster down`: a second cluster beside the node's own, only on request."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

from local.cluster.api import Cluster
from local.files import private_folder
from local.instance import Instance
from local.lock import exclusive
from local.node import lifecycle, network
from local.node.certificates import ensure_control_plane_certificates
from local.node.second import PREFIX, second_control_plane
from local.processes import Process, find_module, processes, stop
from local.waiting import wait_until
from toolchain import ensure
from toolchain.console import step
from toolchain.errors import UserError

__all__ = ["bring_down", "bring_up", "find", "kubeconfig_of"]

MODULE = "local.node.second"
STOP_PATIENCE_SECONDS = 10.0
API_TIMEOUT_SECONDS = 90.0
PAUSE_SECONDS = 0.02


class NoNodeError(UserError):
    """There is no node to run it in."""

    def __init__(self, instance: Instance) -> None:
        super().__init__(
            f"The platform {instance.name} has no local node that runs, and the second cluster runs within "
            "it: start it with `python -m local up` (without --kubeconfig)."
        )


class SecondClusterStartError(UserError):
    """Its first process didn't come up."""

    def __init__(self, instance: Instance, log: Path) -> None:
        tail = log.read_text(errors="replace").strip().splitlines()[-1:]
        super().__init__(
            f"The second cluster of instance {instance.name} ended right after its start: "
            f"{' '.join(tail) or 'no word'} (log: {log}). "
            "Try `python -m local cluster down` and `up` again."
        )


def kubeconfig_of(instance: Instance) -> Path:
    """Return the administrator's kubeconfig of the second cluster."""
    return instance.second_folder / "pki" / "admin.kubeconfig"


def find(instance: Instance) -> Process | None:
    """Return the second cluster's supervisor, when it runs."""
    found = find_module(MODULE, instance.name, str(instance.folder))
    return found[0] if found else None


def bring_up(instance: Instance) -> Path:
    """Start the second cluster, unless it runs as it should, and wait for its API server.

    Returns
    -------
    pathlib.Path
        Its kubeconfig.

    Raises
    ------
    NoNodeError
        The platform's node doesn't run.
    SecondClusterStartError
        Its first process ended at once.
    NotReadyError
        Its API server doesn't serve in time.
    """
    with exclusive(instance):
        node = lifecycle.find(instance)
        if node is None:
            raise NoNodeError(instance)
        plane = second_control_plane(instance, ensure("hyperkube"))
        addresses = (plane.address,)
        renewed = ensure_control_plane_certificates(
            plane.pki, f"llm-gateway-{instance.name}-second", instance.second_api_url, addresses, addresses
        )
        running = find(instance)
        if running and (renewed or running.arguments[5:] != (str(plane.hyperkube),)):
            running = None
        with step("Second cluster") as current:
            if not running:
                _stop(instance)
                _start(instance, node, plane.hyperkube)
            network.route_to_second(instance)
            cluster = Cluster(kubeconfig_of(instance))
            wait_until(
                f"{PREFIX}kube-apiserver",
                lambda: None if cluster.is_ready() else "API server",
                API_TIMEOUT_SECONDS,
                current,
            )
    return kubeconfig_of(instance)


def bring_down(instance: Instance) -> bool:
    """Stop the second cluster, delete what it keeps, and tell whether there was one."""
    with exclusive(instance):
        was_there = instance.second_folder.exists()
        _stop(instance)
        if network.link_exists(instance.link):
            network.drop_route_to_second(instance)
        if was_there:
            shutil.rmtree(instance.second_folder)
        for log in instance.log_folder.glob(f"{PREFIX}*.log"):
            log.unlink()
    return was_there


def _stop(instance: Instance) -> None:
    """End its processes: the supervisor first, which would start the others again."""
    supervisor = find(instance)
    parts = [
        process
        for process in processes()
        if any(str(instance.second_folder) in argument for argument in process.arguments)
    ]
    for process in (supervisor, *parts):
        if process:
            stop(process, STOP_PATIENCE_SECONDS)


def _start(instance: Instance, node: Process, hyperkube: Path) -> None:
    """Start it in the namespaces of the node, so that it ends with it."""
    private_folder(instance.second_folder / "etcd")
    (instance.second_folder / "processes.json").unlink(missing_ok=True)
    log = private_folder(instance.log_folder) / f"{PREFIX}cluster.log"
    place = (f"--target={node.pid}", f"--wd={lifecycle.REPOSITORY}")
    namespaces = ("--mount", "--net", "--pid", "--uts")
    own = (sys.executable, "-m", MODULE, instance.name, str(instance.folder), str(hyperkube))
    with log.open("wb") as output:
        wrapper = subprocess.Popen(
            ("nsenter", *place, *namespaces, "--", *own),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    while not find(instance):
        if wrapper.poll() is not None:
            raise SecondClusterStartError(instance, log)
        time.sleep(PAUSE_SECONDS)
