"""Waiting for a part until it is ready, and saying what it is at meanwhile."""

import time
from collections.abc import Callable

from toolchain.console import Step
from toolchain.errors import UserError

__all__ = ["NotReadyError", "Probe", "wait_until"]

Probe = Callable[[], str | None]
"""Returns None when the part is ready, otherwise what it waits for."""

PAUSE_SECONDS = 0.25


class NotReadyError(UserError):
    """A part isn't ready in time."""

    def __init__(self, part: str, timeout_seconds: float, state: str) -> None:
        super().__init__(
            f"{part} isn't ready after {timeout_seconds:.0f} s: {state}. See `python -m local status` and "
            f"`python -m local logs {part}`; `up` again goes on from here."
        )


def wait_until(part: str, probe: Probe, timeout_seconds: float, step: Step) -> None:
    """Ask again and again until the probe has nothing more to wait for.

    Parameters
    ----------
    part
        Name of the part as `status` and `logs` know it.
    probe
        Asked every quarter of a second.
    timeout_seconds
        How long to go on asking.
    step
        Shows what the probe says.

    Raises
    ------
    NotReadyError
        The part isn't ready in time.
    """
    deadline = time.monotonic() + timeout_seconds
    while state := probe():
        step.note(state)
        if time.monotonic() > deadline:
            raise NotReadyError(part, timeout_seconds, state)
        time.sleep(PAUSE_SECONDS)
