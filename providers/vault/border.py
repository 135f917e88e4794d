"""The border to one place in Vault or OpenBao: patience, and hvac's errors as ours."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import hvac
import hvac.exceptions
import requests.exceptions
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from providers.vault.connection import VaultConnection
from providers.vault.errors import (
    VaultConflictError,
    VaultDeniedError,
    VaultError,
    VaultRefusedError,
    VaultUnavailableError,
    VaultUntrustedError,
)

__all__ = ["VaultBorder"]

_STRANGER = "the answer isn't one of Vault; see that the address is right"


class VaultBorder:
    """One place, on one connection, which is opened by the first call.

    Parameters
    ----------
    connection
        The server, and how long it is waited for.
    place
        As errors name it: `litellm/api-keys`.
    """

    def __init__(self, connection: VaultConnection, place: str) -> None:
        self._connection = connection
        self._place = place

    def __str__(self) -> str:
        return self._place

    def mount_kind(self, mount: str) -> str | None:
        """Say what is mounted at a path, such as `KV v2` or `database`; None if nothing that the token sees.

        Raises
        ------
        VaultError
            If the server can't be asked or refuses.
        """
        for attempt in self._patiently():
            with attempt, self._border("look at"):
                try:
                    answer = self._client.adapter.get(f"/v1/sys/internal/ui/mounts/{mount}")
                except hvac.exceptions.Forbidden as error:
                    if "preflight" in str(error):
                        return self._listed_kind(mount)
                    raise
                found = self._document("look at", answer)
                # Asked for a path below a mount, Vault tells of the mount.
                return _kind(found) if str(found.get("path", mount)).strip("/") == mount else None
        raise AssertionError  # tenacity raises what the last attempt raised

    def _listed_kind(self, mount: str) -> str | None:
        """Find a mount in which the token may do nothing, if it may at least see the list of them."""
        try:
            answer = self._client.adapter.get("/v1/sys/mounts")
        except hvac.exceptions.Forbidden:
            return None
        found = self._document("look at", answer).get(f"{mount}/")
        return _kind(found) if found else None

    @property
    def address(self) -> str:
        """Of the server."""
        return self._connection.effective_address

    @cached_property
    def _client(self) -> hvac.Client:
        return self._connection.client()

    def _patiently(self) -> Retrying:
        return Retrying(
            retry=retry_if_exception_type(VaultUnavailableError),
            stop=stop_after_delay(self._connection.patience_seconds),
            wait=wait_exponential_jitter(multiplier=0.2, max=3, jitter=0.3),
            reraise=True,
        )

    @contextmanager
    def _border(self, action: str) -> Iterator[None]:
        try:
            yield
        except VaultError:
            raise
        except hvac.exceptions.VaultError as error:
            raise self._translated(action, error) from None
        except requests.exceptions.SSLError:
            raise VaultUntrustedError(self.address) from None
        except requests.exceptions.Timeout:
            raise VaultUnavailableError(self.address, "doesn't answer in time") from None
        except requests.exceptions.RequestException as error:
            raise VaultUnavailableError(self.address, f"can't be reached ({_cause(error)})") from None

    def _document(self, action: str, answer: Any) -> dict[str, Any]:
        """Take what hvac hands on; a page of some other server is no document."""
        if isinstance(answer, dict) and isinstance(answer.get("data"), dict):
            return answer["data"]
        raise VaultRefusedError(self.address, action, str(self), _STRANGER)

    def _translated(self, action: str, error: hvac.exceptions.VaultError) -> VaultError:
        reason = ", ".join(error.errors) if isinstance(error.errors, list) else ""
        if isinstance(error, hvac.exceptions.Forbidden | hvac.exceptions.Unauthorized):
            return VaultDeniedError(self.address, action, str(self))
        if "check-and-set" in reason:
            return VaultConflictError(self.address, str(self))
        if why := _why_unavailable(error, reason):
            return VaultUnavailableError(self.address, why)
        return VaultRefusedError(self.address, action, str(self), reason or _STRANGER)

    @staticmethod
    def _is_unrouted(error: hvac.exceptions.InvalidPath) -> bool:
        """Tell a mount that isn't there from a path at which nothing stands."""
        return any("no handler for route" in reason for reason in error.errors or [])


def _kind(mount: Mapping[str, Any]) -> str:
    version = (mount.get("options") or {}).get("version", "1")
    return f"KV v{version}" if mount.get("type") == "kv" else str(mount.get("type"))


def _why_unavailable(error: hvac.exceptions.VaultError, reason: str) -> str | None:
    """Tell what passes by itself from what doesn't."""
    match error:
        case hvac.exceptions.VaultDown():
            return "is sealed" if "sealed" in reason else "is down"
        case hvac.exceptions.VaultNotInitialized():
            return "isn't initialized"
        case (
            hvac.exceptions.RateLimitExceeded()
            | hvac.exceptions.InternalServerError()
            | hvac.exceptions.BadGateway()
        ):
            return f"answers: {reason or type(error).__name__}"
    return "is still making the mount ready" if "pgrading" in reason else None


def _cause(error: BaseException) -> str:
    """Say in a few words why a connection failed; requests wraps it several times."""
    text = str(error)
    for words in ("Connection refused", "Name or service not known", "No route to host", "timed out"):
        if words in text:
            return words.lower()
    return type(error).__name__
