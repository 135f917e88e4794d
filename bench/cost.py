"""What a command costs, with everything that it starts."""

import ctypes
import os
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Cost", "measure"]

_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock, and of CPU."""

    wall_seconds: float
    cpu_seconds: float


def measure(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> Cost:
    """Run a command in a folder, fail if it fails, and give its cost.

    Processes that it leaves behind, as the CLI does with its plugins, are waited for and counted.
    """
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    began, cpu_before = time.perf_counter(), _children_cpu_seconds()
    done = subprocess.run(
        command, cwd=folder, env=dict(variables), capture_output=True, text=True, check=False
    )
    wall = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
    _reap()
    return Cost(wall, _children_cpu_seconds() - cpu_before)


def _reap() -> None:
    """Wait for what was left behind; the plugins end by themselves when their engine is gone."""
    try:
        while True:
            os.wait()
    except ChildProcessError:
        return


def _children_cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
