"""A change is sent until it is known to have landed, and never twice without asking in between."""

from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from providers.litellm.errors import GatewayError, GatewayUnavailableError

__all__ = ["settle"]

T = TypeVar("T")

_ATTEMPTS = 4


def settle(send: Callable[[], T], landed: Callable[[], T | None]) -> T:
    """Send a change.

    Parameters
    ----------
    send
        Sends it once. The change must be the same thing when it is done twice.
    landed
        Looks whether it is done: its result, or None.

    Returns
    -------
    T
        What the one or the other gave.

    Raises
    ------
    GatewayError
        If it was refused, or if after several attempts it still isn't done or can't be known.
    """
    for attempt in Retrying(
        retry=retry_if_exception_type(GatewayUnavailableError),
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_exponential_jitter(multiplier=0.5, max=4, jitter=0.5),
        reraise=True,
    ):
        with attempt:
            if attempt.retry_state.attempt_number > 1 and (done := landed()) is not None:
                return done
            try:
                return send()
            except GatewayError:
                # A refusal too may be the answer to a repetition of what was done already.
                if (done := landed()) is not None:
                    return done
                raise
    raise AssertionError  # tenacity raises what the last attempt raised
