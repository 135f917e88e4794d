"""A way from this host to a cluster whose Service and Pod addresses it can't reach.

``python -m local.cluster.forward NAME FOLDER KUBECTL KUBECONFIG`` keeps one
open to OpenBao until it is stopped.
"""

import contextlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from local.files import private_folder
from local.instance import INSTANCES, Instance
from local.processes import Process, find_module, listening_process, stop
from toolchain.errors import UserError

__all__ = ["MODULE", "ForwardError", "PortTakenError", "find", "forwarded_pod", "start", "stop_forward"]

MODULE = "local.cluster.forward"
REPOSITORY = Path(__file__).resolve().parents[2]
PAUSE_SECONDS = 1.0
START_TIMEOUT_SECONDS = 20.0
STOP_PATIENCE_SECONDS = 3.0
ANNOUNCEMENT = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")


class PortTakenError(UserError):
    """Another program listens on the port that leads to OpenBao."""

    def __init__(self, port: int, holder: Process) -> None:
        super().__init__(
            f"Port {port} of 127.0.0.1 is needed for the way to OpenBao and is held by process {holder.pid} "
            f"({' '.join(holder.arguments)[:80]}): end that one, or choose another --instance."
        )


class ForwardError(UserError):
    """kubectl opens no way."""

    def __init__(self, target: str, answer: str) -> None:
        super().__init__(f"No way to {target} could be opened: {answer.strip() or 'kubectl gave no reason'}.")


def find(instance: Instance) -> list[Process]:
    return find_module(MODULE, instance.name, str(instance.folder))


def start(instance: Instance, kubectl: Path, kubeconfig: Path) -> None:
    """Open the way to OpenBao unless it is open.

    Raises
    ------
    PortTakenError
        The port belongs to somebody else.
    ForwardError
        Nothing listens after 20 s.
    """
    arguments = (instance.name, str(instance.folder), str(kubectl), str(kubeconfig))
    if find_module(MODULE, *arguments):
        return
    stop_forward(instance)
    if holder := listening_process(instance.forward_port):
        raise PortTakenError(instance.forward_port, holder)
    log = private_folder(instance.folder) / "forward.log"
    with log.open("wb") as output:
        subprocess.Popen(
            (sys.executable, "-m", MODULE, *arguments),
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not listening_process(instance.forward_port):
        if time.monotonic() > deadline:
            raise ForwardError("OpenBao", log.read_text(errors="replace")[-200:])
        time.sleep(0.1)


def stop_forward(instance: Instance) -> None:
    """Close the way to OpenBao; a kubectl that outlived its keeper is ended too."""
    for process in find(instance):
        stop(process, STOP_PATIENCE_SECONDS)
    holder = listening_process(instance.forward_port)
    if holder and _ports(instance) in holder.arguments:
        stop(holder, STOP_PATIENCE_SECONDS)


@contextlib.contextmanager
def forwarded_pod(kubectl: Path, kubeconfig: Path, namespace: str, pod: str, port: int) -> Iterator[str]:
    """Give a URL that leads to one Pod's port while the block runs."""
    command = _command(kubectl, kubeconfig, namespace, f"pod/{pod}", f":{port}")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            announced = ANNOUNCEMENT.match(line)
            if not announced:
                raise ForwardError(
                    f"Pod {namespace}/{pod}", process.stderr.read() if process.stderr else line
                )
            yield f"http://127.0.0.1:{announced[1]}"
        finally:
            process.terminate()


def _command(kubectl: Path, kubeconfig: Path, namespace: str, target: str, ports: str) -> list[str]:
    connection = [f"--kubeconfig={kubeconfig}", f"--namespace={namespace}"]
    return [str(kubectl), *connection, "port-forward", "--address=127.0.0.1", target, ports]


def _ports(instance: Instance) -> str:
    return f"{instance.forward_port}:8200"


def main(arguments: list[str]) -> None:
    """Forward until this process is stopped; kubectl ends when OpenBao's Pod does, and is started again."""
    name, folder, kubectl, kubeconfig = arguments
    instance = Instance(name, INSTANCES[name], Path(folder))
    command = _command(Path(kubectl), Path(kubeconfig), "vault", "service/openbao", _ports(instance))
    # A termination becomes an exception, so that kubectl is ended too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    while True:
        with subprocess.Popen(command) as process:
            try:
                process.wait()
            finally:
                process.terminate()
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1:])
