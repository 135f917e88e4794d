"""A gateway is waited for, because a rollout may be going on; once per process, and not in silence."""

import threading
import time

import httpx

from providers.litellm.answers import json_object
from providers.litellm.errors import GatewayNotReadyError, GatewaySetupError
from providers.waiting import say, wait_until

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
            seen = wait_until(
                self._probe,
                what=f"the gateway at {self._url} to be ready",
                timeout_seconds=self._deadline - time.monotonic(),
                report=say,
            )
            if seen:
                raise GatewayNotReadyError(self._url, self._timeout_seconds, seen)
            self._ready = True

    def _probe(self) -> str | None:
        """Say why it isn't ready, or nothing."""
        try:
            response = self._http.get(_PROBE, timeout=_PROBE_TIMEOUT_SECONDS)
        except httpx.TransportError as error:
            return _why_unreached(error)
        database = (json_object(response) or {}).get("db")
        if response.is_server_error:
            return f"HTTP {response.status_code}, database {database or 'not spoken of'}"
        if response.is_success and database == "Not connected":
            raise GatewaySetupError(
                f"the gateway at {self._url} runs without a database and so can't keep keys; set DATABASE_URL"
            )
        return None


def _why_unreached(error: httpx.TransportError) -> str:
    """Say why; a certificate that isn't trusted may be an ingress's own, until it has that of the gateway."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return (
            f"its certificate isn't trusted ({error}); ca_cert_file, which is gateway.caCertFile in the "
            "configuration of a stack, names the CA that signed it"
        )
    return f"it can't be reached ({error or type(error).__name__})"
