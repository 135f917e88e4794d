"""Locks between runs, so that two at once don't make the same thing.

The kernel gives a lock back when its last holder ends, so none is ever stale. A command that is started
with the lock's descriptor holds it too: should a run be killed, the next one waits until what it left
behind has ended.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from toolchain import paths
from toolchain.console import step

__all__ = ["attempt", "exclusive"]


@contextmanager
def exclusive(name: str) -> Iterator[int]:
    """Hold the lock `name` and yield its file descriptor; say so and wait where another run holds it."""
    with _file(name) as handle:
        if not _taken(handle):
            with step(f"Waiting for another run that works on {name}"):
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle.fileno()


@contextmanager
def attempt(name: str) -> Iterator[bool]:
    """Hold the lock `name` if no other run does; yield whether it is held."""
    with _file(name) as handle:
        yield _taken(handle)


def _file(name: str) -> TextIO:
    path = paths.locks_folder() / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("w")


def _taken(handle: TextIO) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
