"""A gateway is waited for, because a rollout may be going on; for how long is said, and once per process."""

import sys
import threading
import time

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_delay,
    wait_exponential_jitter,
)

from providers.litellm.answers import json_object
from providers.litellm.errors import GatewayNotReadyError, GatewaySetupError

__all__ = ["Readiness"]

_PROBE = "/health/readiness"
_PROBE_TIMEOUT_SECONDS = 5


class Readiness:
    """Whether a gateway answers and has its database.

    Parameters
    ----------
    url
        Of the gateway.
    http
        Its client.
    timeout_seconds
        For all waiting of this process together: a hundred keys don't wait a hundred times.
    """

    def __init__(self, url: str, http: httpx.Client, timeout_seconds: float) -> None:
        self._url = url
        self._http = http
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._ready = False
        self._deadline: float | None = None

    def wait(self) -> None:
        """Return when the gateway was seen ready, now or before.

        Raises
        ------
        GatewayNotReadyError
            When the time is over.
        GatewaySetupError
            If it runs without a database, which waiting doesn't change.
        """
        with self._lock:
            if self._ready:
                return
            if self._deadline is None:
                self._deadline = time.monotonic() + self._timeout_seconds
            for attempt in Retrying(
                retry=retry_if_exception_type(GatewayNotReadyError),
                stop=stop_after_delay(max(0, self._deadline - time.monotonic())),
                wait=wait_exponential_jitter(multiplier=0.5, max=3, jitter=0.5),
                before_sleep=self._announce,
                reraise=True,
            ):
                with attempt:
                    self._probe()
            self._ready = True

    def _probe(self) -> None:
        try:
            response = self._http.get(_PROBE, timeout=_PROBE_TIMEOUT_SECONDS)
        except httpx.TransportError as error:
            raise self._not_ready(f"it can't be reached ({error or type(error).__name__})") from None
        database = (json_object(response) or {}).get("db")
        if response.is_server_error:
            raise self._not_ready(f"HTTP {response.status_code}, database {database or 'not spoken of'}")
        if response.is_success and database == "Not connected":
            raise GatewaySetupError(
                f"the gateway at {self._url} runs without a database and so can't keep keys; set DATABASE_URL"
            )

    def _not_ready(self, seen: str) -> GatewayNotReadyError:
        return GatewayNotReadyError(self._url, self._timeout_seconds, seen)

    def _announce(self, state: RetryCallState) -> None:
        """Say it once; the plugin's standard error is shown by the Pulumi CLI."""
        if state.attempt_number == 1:
            sys.stderr.write(
                f"waiting up to {self._timeout_seconds:.0f} s for the gateway at {self._url} to be ready\n"
            )
            sys.stderr.flush()
