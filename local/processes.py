"""What runs on this machine, read from /proc.

Processes are found by what they are (their command line), never by a recorded number: a number may be reused,
and a record may be missing after a crash.
"""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Process", "find_module", "listening_process", "processes", "stop"]

PROC = Path("/proc")
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")
START_TIME_FIELD = 22
STATE_FIELD = 3


@dataclass(frozen=True)
class Process:
    """One process, told apart from a later one of the same number by its start time."""

    pid: int
    start_ticks: int
    arguments: tuple[str, ...]
    proc: Path = PROC

    def is_alive(self) -> bool:
        """Tell whether this very process still runs; a zombie doesn't."""
        now = _read(self.proc / str(self.pid))
        return now is not None and now.start_ticks == self.start_ticks

    def resident_bytes(self) -> int:
        """Return the resident memory, shared pages included; 0 when the process is gone."""
        try:
            pages = (self.proc / str(self.pid) / "statm").read_text().split()[1]
        except (OSError, IndexError):
            return 0
        return int(pages) * PAGE_SIZE

    def namespace(self) -> str:
        """Return what identifies its process namespace; empty when the process is gone."""
        try:
            return str((self.proc / str(self.pid) / "ns" / "pid").readlink())
        except OSError:
            return ""

    def namespace_pid(self) -> int:
        """Return its number within its own process namespace; 0 when the process is gone."""
        try:
            status = (self.proc / str(self.pid) / "status").read_text()
        except OSError:
            return 0
        return next(int(line.split()[-1]) for line in status.splitlines() if line.startswith("NSpid:"))

    def started_at(self) -> float:
        """Return the start as seconds since the epoch."""
        uptime_seconds = float((self.proc / "uptime").read_text().split()[0])
        return time.time() - uptime_seconds + self.start_ticks / CLOCK_TICKS


def processes(proc: Path = PROC) -> list[Process]:
    """Return every process that runs and isn't a zombie or a kernel thread."""
    found = (_read(entry) for entry in proc.iterdir() if entry.name.isdigit())
    return [process for process in found if process and process.arguments]


def find_module(module: str, *arguments: str, proc: Path = PROC) -> list[Process]:
    """Find the Python processes that were started as ``python -m MODULE ARGUMENTS…``."""
    wanted = ("-m", module, *arguments)
    return [each for each in processes(proc) if each.arguments[1 : 1 + len(wanted)] == wanted]


def stop(process: Process, patience_seconds: float) -> None:
    """Ask a process to end; end it after some patience."""
    for number, wait_seconds in ((signal.SIGTERM, patience_seconds), (signal.SIGKILL, 10.0)):
        if not process.is_alive():
            return
        os.kill(process.pid, number)
        deadline = time.monotonic() + wait_seconds
        while process.is_alive() and time.monotonic() < deadline:
            time.sleep(0.02)


def listening_process(port: int, proc: Path = PROC) -> Process | None:
    """Find who listens on a TCP port of this machine's IPv4 loopback or wildcard address."""
    listening = "0A"
    inodes = set()
    for line in (proc / "net" / "tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == listening and int(fields[1].rpartition(":")[2], 16) == port:
            inodes.add(f"socket:[{fields[9]}]")
    for process in processes(proc):
        if inodes & _descriptors(proc / str(process.pid)):
            return process
    return None


def _descriptors(entry: Path) -> set[str]:
    try:
        return {str(link.readlink()) for link in (entry / "fd").iterdir()}
    except OSError:
        return set()


def _read(entry: Path) -> Process | None:
    try:
        # The second field is the program's name in brackets and may hold spaces and brackets itself.
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
        command = (entry / "cmdline").read_bytes()
    except OSError:
        return None
    if fields[STATE_FIELD - 3] in "ZX":
        return None
    arguments = tuple(part.decode(errors="replace") for part in command.split(b"\0")[:-1])
    return Process(int(entry.name), int(fields[START_TIME_FIELD - 3]), arguments, entry.parent)
