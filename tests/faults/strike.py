"""A `kill -9` of the CLI or of its plugin."""

import os
import signal
import threading
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

__all__ = ["Strike", "Victim"]

_GONE_WITHIN_SECONDS = 20


class Victim(Enum):
    """Which process is killed."""

    ENGINE = "the CLI itself"
    PLUGIN = "the process in which the providers are"


class Strike:
    """The end of one process of the CLI's.

    Parameters
    ----------
    victim
        Which one.
    """

    def __init__(self, victim: Victim) -> None:
        self._victim = victim
        self._pid = 0
        self._family: list[int] = []
        self._aimed = threading.Event()

    def aim(self, pid: int) -> None:
        """Say which process the CLI is."""
        self._pid = pid
        self._aimed.set()

    def kill(self) -> None:
        """Kill it."""
        self._aimed.wait()
        self._family = list(_descendants(self._pid))
        plugins = [pid for pid in self._family if b"pulumi.dynamic" in _arguments(pid)]
        os.kill(self._pid if self._victim is Victim.ENGINE else plugins[-1], signal.SIGKILL)

    def assert_no_survivor(self) -> None:
        """See that whatever the CLI has started has ended with it."""
        attempts = Retrying(
            retry=retry_if_result(bool), stop=stop_after_delay(_GONE_WITHIN_SECONDS), wait=wait_fixed(0.1)
        )
        attempts(lambda: [pid for pid in self._family if _arguments(pid)])


def _descendants(pid: int) -> Iterator[int]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, _, after_name = stat.read_text().rpartition(")")
        except OSError:
            continue
        if int(after_name.split()[1]) == pid:
            child = int(stat.parent.name)
            yield child
            yield from _descendants(child)


def _arguments(pid: int) -> bytes:
    """Give a process's command line; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
