"""Waiting that is bounded, and that says what it waits for once that takes a while."""

import sys
from collections.abc import Callable

from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_delay, wait_exponential_jitter

__all__ = ["say", "wait_until"]

_SILENT_SECONDS = 2
_REPEATED_SECONDS = 15


def say(line: str) -> None:
    """Tell the user; the Pulumi CLI shows what its plugins write to standard error."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def wait_until(
    look: Callable[[], str | None], *, what: str, timeout_seconds: float, report: Callable[[str], None]
) -> str | None:
    """Look again and again until nothing is missing, or the time is over.

    Parameters
    ----------
    look
        Gives what is still missing, or None.
    what
        Is awaited, as in `waiting for ...`.
    timeout_seconds
        It looks at least once.
    report
        Is given a line after two seconds, and then every fifteen.

    Returns
    -------
    str or None
        What was missing when the time was over; None if nothing is.
    """
    retrying = Retrying(
        retry=retry_if_result(lambda missing: missing is not None),
        stop=stop_after_delay(max(0, timeout_seconds)),
        wait=wait_exponential_jitter(multiplier=0.25, max=2, jitter=0.25),
        before_sleep=_Progress(what, timeout_seconds, report),
        retry_error_callback=_last_result,
    )
    return retrying(look)


def _last_result(state: RetryCallState) -> str | None:
    return state.outcome.result() if state.outcome else None


class _Progress:
    """What `wait_until` tells between two looks."""

    def __init__(self, what: str, timeout_seconds: float, report: Callable[[str], None]) -> None:
        self._what = what
        self._timeout_seconds = timeout_seconds
        self._report = report
        self._next_seconds: float = _SILENT_SECONDS

    def __call__(self, state: RetryCallState) -> None:
        elapsed = state.seconds_since_start or 0
        if elapsed >= self._next_seconds:
            self._next_seconds = elapsed + _REPEATED_SECONDS
            self._report(
                f"waiting for {self._what} ({elapsed:.0f} s of at most {self._timeout_seconds:.0f} s): "
                f"{_last_result(state)}"
            )
