"""One path of a KV v2 mount: read, check-and-set, delete."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import hvac
import hvac.exceptions

from providers.credentials import Concealed
from providers.vault.border import VaultBorder
from providers.vault.connection import VaultConnection
from providers.vault.errors import VaultConflictError, VaultMountMissingError

__all__ = ["KvPath", "KvVersion"]

_CONFLICTS = 8


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


class KvPath(VaultBorder):
    """A path below a KV v2 mount, on one connection, which is opened by the first call.

    An unreachable or sealed server is waited for, up to the connection's patience. To repeat a write is safe:
    it names the version that it follows. What was read or written last is remembered, and a merge begins with
    that: whether it is still the newest version, the write itself says.
    """

    def __init__(self, connection: VaultConnection, mount: str, path: str) -> None:
        super().__init__(connection, f"{mount}/{path}")
        self._mount = mount
        self._path = path
        self._last: KvVersion | None = None

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
                    self._last = KvVersion()
                    return self._last
                found = self._document("read", answer)
                self._last = KvVersion(found["metadata"]["version"], Concealed(found["data"] or {}))
                return self._last
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
                self._last = KvVersion(int(self._document("write", answer)["version"]), Concealed(data))
                return self._last.number
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
        current, is_newest = (self._last, False) if self._last else (self.read(), True)
        for _ in range(_CONFLICTS):
            wanted = Concealed(merged(current.data))
            if wanted != current.data:
                try:
                    return KvVersion(self.write(wanted, after=current.number), wanted)
                except VaultConflictError as error:
                    conflict = error
            elif is_newest:
                return current
            current, is_newest = self.read(), True
        raise conflict

    def delete(self) -> None:
        """Remove the path with all its versions."""
        self._last = None
        for attempt in self._patiently():
            with attempt, self._border("delete"):
                self._client.secrets.kv.v2.delete_metadata_and_all_versions(
                    self._path, mount_point=self._mount
                )

    def require_version_2(self) -> None:
        """See that the mount is KV v2, before anything is written to it; once in a run for each mount.

        Raises
        ------
        VaultMountMissingError
            If it isn't there, or is something else.
        """
        seen = _mounts_seen(self._client)
        if self._mount in seen:
            return
        kind = self.mount_kind(self._mount)
        if kind != "KV v2":
            raise VaultMountMissingError(self.address, self._mount, kind)
        seen.add(self._mount)

    def _require_nothing(self, error: hvac.exceptions.InvalidPath) -> None:
        """See that a 404 is Vault's way to say that nothing is there."""
        if self._is_unrouted(error):
            raise VaultMountMissingError(self.address, self._mount, None) from None
        if error.json is None:
            raise error


@lru_cache(maxsize=8)
def _mounts_seen(_client: hvac.Client) -> set[str]:
    """Give the mounts that a client has seen to be KV v2."""
    return set()
