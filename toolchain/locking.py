"""Locks between runs, so that two at once don't make the same thing."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from toolchain import paths
from toolchain.console import step

__all__ = ["exclusive", "is_free"]


@contextmanager
def exclusive(name: str) -> Iterator[None]:
    """Hold the lock `name`; say so where another run holds it, and wait for that run to end.

    The kernel gives the lock back when its holder dies, so there are no stale locks.
    """
    path = paths.locks_folder() / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with step(f"Waiting for another run that makes {name}"):
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def is_free(name: str) -> bool:
    """Tell whether no run holds the lock `name` at this moment."""
    path = paths.locks_folder() / f"{name}.lock"
    if not path.exists():
        return True
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
