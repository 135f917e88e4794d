"""One `up` or `down` of an instance at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from local.files import private_folder
from local.instance import Instance
from toolchain.console import step

__all__ = ["exclusive"]


@contextmanager
def exclusive(instance: Instance) -> Iterator[None]:
    """Hold the instance's lock; say who holds it where another run does, and wait for that run to end."""
    private_folder(instance.lock_file.parent)
    descriptor = os.open(instance.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read().strip() or "?"
            with step(f"Waiting for process {holder}, which is changing instance {instance.name}"):
                fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield
