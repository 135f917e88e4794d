"""Keeps the node's processes running: starts them, reaps them, starts again what died."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from local.files import write_private
from local.node.control_plane import Part

__all__ = ["PartState", "Supervisor", "read_table"]

SIGNALS = {signal.SIGCHLD, signal.SIGTERM}
TICK_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 30.0
STABLE_AFTER_SECONDS = 60.0
UPKEEP_EVERY_SECONDS = 30.0


@dataclass
class PartState:
    """What the supervisor knows of one part.

    Parameters
    ----------
    pid
        Process number in the node's own process namespace; 0 while it doesn't run.
    started_at
        Seconds since the epoch.
    restarts
        How often it died since the node started.
    """

    pid: int = 0
    started_at: float = 0.0
    restarts: int = 0


class Supervisor:
    """Runs as PID 1 of the node, so every orphan of the node is its to reap."""

    def __init__(
        self, parts: Iterable[Part], environment: Mapping[str, str], log_folder: Path, table_file: Path
    ) -> None:
        self._parts = {part.name: part for part in parts}
        self._states = {name: PartState() for name in self._parts}
        self._due_at = dict.fromkeys(self._parts, 0.0)
        self._environment = dict(environment)
        self._log_folder = log_folder
        self._table_file = table_file

    def run(self, api_is_ready: Callable[[], bool], upkeep: Callable[[], None]) -> None:
        """Keep everything running until a SIGTERM comes.

        Parameters
        ----------
        api_is_ready
            Asked until it says yes once; then the parts that need the API server are started.
        upkeep
            Called every 30 s.
        """
        # Blocked signals wait for us in the queue; the children get an empty mask.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        api_ready = False
        upkeep_at = 0.0
        while True:
            api_ready = api_ready or api_is_ready()
            now = time.monotonic()
            for name, part in self._parts.items():
                if (
                    self._states[name].pid == 0
                    and self._due_at[name] <= now
                    and (api_ready or not part.needs_api)
                ):
                    self._start(part)
            if now >= upkeep_at:
                upkeep()
                upkeep_at = now + UPKEEP_EVERY_SECONDS
            received = signal.sigtimedwait(SIGNALS, TICK_SECONDS if not api_ready else 1.0)
            if received and received.si_signo == signal.SIGTERM:
                return
            self.reap()

    def reap(self) -> None:
        """Collect every process that ended; a part is due again after a delay that grows."""
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for name, state in self._states.items():
                if state.pid == pid:
                    self._schedule_restart(name, state)

    def pid_of(self, name: str) -> int:
        """Return the process number of a part, 0 while it doesn't run."""
        return self._states[name].pid

    def _schedule_restart(self, name: str, state: PartState) -> None:
        lived_seconds = time.time() - state.started_at
        exponent = 0 if lived_seconds > STABLE_AFTER_SECONDS else min(state.restarts, 5)
        self._due_at[name] = time.monotonic() + min(2.0**exponent, LONGEST_DELAY_SECONDS)
        state.pid = 0
        state.restarts += 1
        self._save_table()

    def _start(self, part: Part) -> None:
        log = self._log_folder / f"{part.name}.log"
        output = (
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        )
        state = self._states[part.name]
        state.pid = os.posix_spawnp(
            part.command[0], part.command, self._environment, file_actions=output, setsid=True, setsigmask=()
        )
        state.started_at = time.time()
        self._save_table()

    def _save_table(self) -> None:
        table = {name: asdict(state) for name, state in self._states.items()}
        write_private(self._table_file, json.dumps(table, indent=1))


def read_table(file: Path) -> dict[str, PartState]:
    """Read what a supervisor last wrote; empty when there is nothing yet."""
    try:
        table = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    return {name: PartState(**state) for name, state in table.items()}
