"""Clients of the real gateway, whole or with faults between it and them."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from enum import Enum, auto

import httpx
from pydantic import SecretStr

from providers.litellm import known
from providers.litellm.client import GatewayClient

__all__ = ["Fault", "Faults", "new_process"]


class Fault(Enum):
    """What goes wrong with one request."""

    REFUSED = auto()  # nothing reaches the gateway
    LOST_ANSWER = auto()  # the gateway does the work, the connection breaks
    TIMEOUT = auto()  # the gateway does the work, the answer comes too late
    ERROR_BEFORE = auto()  # HTTP 500, nothing is done
    ERROR_AFTER = auto()  # HTTP 502 from a proxy, the work is done
    BUSY = auto()  # HTTP 429, nothing is done


class Faults(httpx.BaseTransport):
    """A transport that does as it is told once per path, and counts.

    Attributes
    ----------
    calls
        Path -> number of requests tried.
    """

    def __init__(self, plan: Mapping[str, list[Fault | None]] | None = None) -> None:
        self._inner = httpx.HTTPTransport()
        self._plan = defaultdict(list, {path: list(faults) for path, faults in (plan or {}).items()})
        self.calls: Counter[str] = Counter()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.calls[path] += 1
        fault = self._plan[path].pop(0) if self._plan[path] else None
        match fault:
            case Fault.REFUSED:
                raise httpx.ConnectError("Connection refused")
            case Fault.ERROR_BEFORE:
                return httpx.Response(500, json={"error": {"message": "boom", "code": "500"}})
            case Fault.BUSY:
                return httpx.Response(429, json={"error": {"message": "slow down", "code": "429"}})
        response = self._inner.handle_request(request)
        response.read()
        match fault:
            case Fault.LOST_ANSWER:
                raise httpx.RemoteProtocolError("Server disconnected without sending a response")
            case Fault.TIMEOUT:
                raise httpx.ReadTimeout("timed out")
            case Fault.ERROR_AFTER:
                return httpx.Response(502, text="<html>Bad Gateway</html>")
        return response

    def close(self) -> None:
        self._inner.close()


def new_process(http: httpx.Client, master_key: SecretStr, patience_seconds: float) -> GatewayClient:
    """Make a client as a new process of Pulumi's plugin would have it: it remembers nothing."""
    known.forget()
    return GatewayClient(
        str(http.base_url),
        http,
        lambda: master_key,
        admin_key_place="the tests",
        ready_timeout_seconds=2,
        patience_seconds=patience_seconds,
    )
