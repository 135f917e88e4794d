"""Trying again until something is so, time is up, or the run is interrupted."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tenacity import RetryCallState, Retrying, sleep_using_event, stop_after_delay, wait_exponential
from tenacity.retry import retry_base
from tenacity.stop import stop_when_event_set

__all__ = ["LOOKING", "Pauses", "patient"]


@dataclass(frozen=True)
class Pauses:
    """How long to pause between tries, in seconds: at first, at most, and by which factor they grow."""

    first: float
    longest: float
    growth: float


LOOKING = Pauses(first=0.1, longest=2.0, growth=1.5)
"""For a look at what somebody else is about to do: soon after the start, and never rare."""


def patient(
    retry: retry_base,
    *,
    seconds: float,
    cancelled: threading.Event,
    pauses: Pauses = LOOKING,
    before_sleep: Callable[[RetryCallState], None] | None = None,
) -> Retrying:
    """Return what tries again while `retry` says so, and then gives or raises what the last try did.

    Parameters
    ----------
    seconds
        After this time comes the last try.
    cancelled
        Once it is set, there is no further try.
    """
    growing = wait_exponential(pauses.first, pauses.longest, pauses.growth)

    def pause_seconds(attempt: RetryCallState) -> float:
        return min(growing(attempt), max(0.0, seconds - (attempt.seconds_since_start or 0.0)))

    return Retrying(
        retry=retry,
        wait=pause_seconds,
        stop=stop_after_delay(seconds) | stop_when_event_set(cancelled),
        sleep=sleep_using_event(cancelled),
        before_sleep=before_sleep,
        retry_error_callback=_last_outcome,
    )


def _last_outcome(attempt: RetryCallState) -> Any:
    assert attempt.outcome is not None, "it is called after a try"  # noqa: S101 - a fact of the library
    return attempt.outcome.result()
