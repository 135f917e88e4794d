"""The logs of one part: of a process of the node, or of Pods."""

import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from local.cluster.api import Cluster
from local.cluster.pods import PodState, pod_states
from local.instance import Instance
from local.node import lifecycle
from local.record import PlatformRecord
from toolchain.errors import UserError

__all__ = ["show_logs"]

SHOWN_LINES = 200
FOLLOW_PAUSE_SECONDS = 0.3
AUDIT_LOG = "openbao-audit"


class NoSuchPartError(UserError):
    """No part has this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        names = ", ".join(sorted(known)) or "none, for the platform is not up"
        super().__init__(f"There is no part called {name!r}; there are: {names}.")


def show_logs(instance: Instance, name: str, *, follow: bool) -> None:
    """Print the last lines of a part's log; go on with what comes.

    Raises
    ------
    NoSuchPartError
        Neither a process of the node nor a Pod has this name.
    """
    files = _files(instance)
    if name in files:
        _print_file(files[name], follow=follow)
        return
    cluster = _cluster(instance)
    pods = pod_states(cluster) if cluster else []
    wanted = [pod for pod in pods if name in (pod.part, pod.name)]
    if not cluster or not wanted:
        raise NoSuchPartError(name, {*files, *(pod.part for pod in pods)})
    _print_pods(cluster, wanted, follow=follow)


def _files(instance: Instance) -> dict[str, Path]:
    files = {file.stem: file for file in instance.log_folder.glob("*.log")}
    audit_log = instance.data_folder / AUDIT_LOG / "audit.log"
    return {**files, AUDIT_LOG: audit_log} if audit_log.exists() else files


def _cluster(instance: Instance) -> Cluster | None:
    record = PlatformRecord.load(instance)
    if record and record.kubeconfig:
        return Cluster(record.kubeconfig)
    return Cluster(instance.pki_folder / "admin.kubeconfig") if lifecycle.find(instance) else None


def _print_file(file: Path, *, follow: bool) -> None:
    with file.open(errors="replace") as stream:
        for line in stream.readlines()[-SHOWN_LINES:]:
            sys.stdout.write(line)
        while follow:
            sys.stdout.write(stream.read())
            sys.stdout.flush()
            # A log that was rotated is shorter than what was read of it.
            if file.stat().st_size < stream.tell():
                stream.seek(0)
            time.sleep(FOLLOW_PAUSE_SECONDS)


def _print_pods(cluster: Cluster, pods: list[PodState], *, follow: bool) -> None:
    containers = [(pod, container) for pod in pods for container in pod.containers]
    threads = [
        threading.Thread(
            target=_print_container, args=(cluster, pod, container, follow, len(containers) > 1), daemon=True
        )
        for pod, container in containers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _print_container(cluster: Cluster, pod: PodState, container: str, follow: bool, prefixed: bool) -> None:
    prefix = f"[{pod.name}/{container}] " if prefixed else ""
    stream = cluster.pod_log(pod.namespace, pod.name, container, follow=follow, tail_lines=SHOWN_LINES)
    for line in _lines(stream):
        sys.stdout.write(f"{prefix}{line}\n")
        sys.stdout.flush()


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace") for line in whole)
    if rest:
        yield rest.decode(errors="replace")
