"""One path of a KV v2 mount: read, check-and-set, delete. The border where hvac's errors become ours."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import hvac
import hvac.exceptions
import requests.exceptions
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from providers.credentials import Concealed
from providers.vault.connection import VaultConnection
from providers.vault.errors import (
    VaultConflictError,
    VaultDeniedError,
    VaultError,
    VaultMountMissingError,
    VaultRefusedError,
    VaultUnavailableError,
    VaultUntrustedError,
)

__all__ = ["KvPath", "KvVersion"]

_CONFLICTS = 8
_STRANGER = "the answer isn't one of Vault; see that the address is right"


@dataclass(frozen=True)
class KvVersion:
    """What stands at a path.

    Attributes
    ----------
    number
        Of the newest version, 0 if there never was one; the next write has to name it.
    data
        Property -> value; empty if the newest version is deleted.
    """

    number: int = 0
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)


class KvPath:
    """A path below a KV v2 mount, on one connection, which is opened by the first call.

    An unreachable or sealed server is waited for, up to the connection's patience. To repeat a write is safe:
    it names the version that it follows.
    """

    def __init__(self, connection: VaultConnection, mount: str, path: str) -> None:
        self._connection = connection
        self._mount = mount
        self._path = path

    @cached_property
    def _client(self) -> hvac.Client:
        return self._connection.client()

    def __str__(self) -> str:
        return f"{self._mount}/{self._path}"

    def read(self) -> KvVersion:
        """Read the newest version.

        Raises
        ------
        VaultMountMissingError
            If there is no such mount.
        VaultError
            If the server can't be asked or refuses.
        """
        for attempt in self._patiently():
            with attempt, self._border("read"):
                try:
                    answer = self._client.secrets.kv.v2.read_secret_version(
                        self._path, mount_point=self._mount, raise_on_deleted_version=False
                    )
                except hvac.exceptions.InvalidPath as error:
                    self._require_nothing(error)
                    return KvVersion()
                found = self._document("read", answer)
                return KvVersion(found["metadata"]["version"], Concealed(found["data"] or {}))
        raise AssertionError  # tenacity raises what the last attempt raised

    def children(self) -> list[str]:
        """Name what is below the path; a name that ends in a slash has more below it.

        Raises
        ------
        VaultMountMissingError
            If there is no such mount.
        VaultError
            If the server can't be asked or refuses.
        """
        for attempt in self._patiently():
            with attempt, self._border("list"):
                try:
                    answer = self._client.secrets.kv.v2.list_secrets(self._path, mount_point=self._mount)
                except hvac.exceptions.InvalidPath as error:
                    self._require_nothing(error)
                    return []
                return list(self._document("list", answer)["keys"])
        raise AssertionError  # tenacity raises what the last attempt raised

    def write(self, data: Mapping[str, Any], *, after: int) -> int:
        """Write a version, if the newest one is still the one that it follows.

        Parameters
        ----------
        data
            Everything that shall stand at the path.
        after
            Number of the version that the data was merged with.

        Returns
        -------
        int
            Number of the new version.

        Raises
        ------
        VaultConflictError
            If another version came in between, be it by an earlier attempt whose answer was lost.
        VaultError
            If the server can't be asked or refuses.
        """
        for attempt in self._patiently():
            with attempt, self._border("write"):
                answer = self._client.secrets.kv.v2.create_or_update_secret(
                    self._path, secret=dict(data), cas=after, mount_point=self._mount
                )
                return int(self._document("write", answer)["version"])
        raise AssertionError  # tenacity raises what the last attempt raised

    def merge(self, merged: Callable[[Mapping[str, Any]], dict[str, Any]]) -> KvVersion:
        """Write what is made of the newest version, again from the start whenever somebody was faster.

        Parameters
        ----------
        merged
            Gives everything that shall stand at the path; nothing is written if that is what stands there.

        Returns
        -------
        KvVersion
            What stands there now.

        Raises
        ------
        VaultConflictError
            If the path never rests.
        VaultError
            If the server can't be asked or refuses.
        """
        for _ in range(_CONFLICTS):
            current = self.read()
            wanted = Concealed(merged(current.data))
            if wanted == current.data:
                return current
            try:
                return KvVersion(self.write(wanted, after=current.number), wanted)
            except VaultConflictError as error:
                conflict = error
        raise conflict

    def delete(self) -> None:
        """Remove the path with all its versions."""
        for attempt in self._patiently():
            with attempt, self._border("delete"):
                self._client.secrets.kv.v2.delete_metadata_and_all_versions(
                    self._path, mount_point=self._mount
                )

    def require_version_2(self) -> None:
        """See that the mount is KV v2, before anything is written to it.

        Raises
        ------
        VaultMountMissingError
            If it isn't there, or is something else.
        """
        for attempt in self._patiently():
            with attempt, self._border("look at"):
                try:
                    answer = self._client.adapter.get(f"/v1/sys/internal/ui/mounts/{self._mount}")
                except hvac.exceptions.Forbidden as error:
                    if "preflight" in str(error):
                        raise VaultMountMissingError(self._address, self._mount, None) from None
                    raise
                mount = self._document("look at", answer)
                version = (mount.get("options") or {}).get("version", "1")
                if mount.get("type") != "kv" or version != "2":
                    kind = f"KV v{version}" if mount.get("type") == "kv" else str(mount.get("type"))
                    raise VaultMountMissingError(self._address, self._mount, kind)

    # --- the border --------------------------------------------------------------------------------------

    @property
    def _address(self) -> str:
        return self._connection.effective_address

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
            raise VaultUntrustedError(self._address) from None
        except requests.exceptions.Timeout:
            raise VaultUnavailableError(self._address, "doesn't answer in time") from None
        except requests.exceptions.RequestException as error:
            raise VaultUnavailableError(self._address, f"can't be reached ({_cause(error)})") from None

    def _require_nothing(self, error: hvac.exceptions.InvalidPath) -> None:
        """See that a 404 is Vault's way to say that nothing is there."""
        if _no_such_mount(error):
            raise VaultMountMissingError(self._address, self._mount, None) from None
        if error.json is None:
            raise error

    def _document(self, action: str, answer: Any) -> dict[str, Any]:
        """Take what hvac hands on; a page of some other server is no document."""
        if isinstance(answer, dict) and isinstance(answer.get("data"), dict):
            return answer["data"]
        raise VaultRefusedError(self._address, action, str(self), _STRANGER)

    def _translated(self, action: str, error: hvac.exceptions.VaultError) -> VaultError:
        reason = ", ".join(error.errors) if isinstance(error.errors, list) else ""
        if isinstance(error, hvac.exceptions.Forbidden | hvac.exceptions.Unauthorized):
            return VaultDeniedError(self._address, action, str(self))
        if "check-and-set" in reason:
            return VaultConflictError(self._address, str(self))
        if why := _why_unavailable(error, reason):
            return VaultUnavailableError(self._address, why)
        return VaultRefusedError(self._address, action, str(self), reason or _STRANGER)


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


def _no_such_mount(error: hvac.exceptions.InvalidPath) -> bool:
    return any("no handler for route" in reason for reason in error.errors or [])


def _cause(error: BaseException) -> str:
    """Say in a few words why a connection failed; requests wraps it several times."""
    text = str(error)
    for words in ("Connection refused", "Name or service not known", "No route to host", "timed out"):
        if words in text:
            return words.lower()
    return type(error).__name__
