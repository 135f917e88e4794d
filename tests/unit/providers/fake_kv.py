"""A path of a KV v2 mount in memory."""

from collections.abc import Mapping
from typing import Any

from providers.vault.connection import VaultConnection
from providers.vault.errors import VaultConflictError, VaultMountMissingError
from providers.vault.kv import KvPath, KvVersion

__all__ = ["FakeKv"]


class FakeKv(KvPath):
    """One path in memory.

    Attributes
    ----------
    meanwhile
        What others write, one set of properties before each of the next writes.
    """

    def __init__(self, **properties: str) -> None:
        super().__init__(VaultConnection(address="http://vault.test"), "litellm", "api-keys")
        self.version = KvVersion(1, properties) if properties else KvVersion()
        self.meanwhile: list[dict[str, str]] = []
        self.mount_is_there = True
        self.calls = 0

    def require_version_2(self) -> None:
        self.read()

    def read(self) -> KvVersion:
        self.calls += 1
        if not self.mount_is_there:
            raise VaultMountMissingError("http://vault.test", "litellm", None)
        return self.version

    def write(self, data: Mapping[str, Any], *, after: int) -> int:
        self.calls += 1
        if self.meanwhile:
            others = {**self.version.data, **self.meanwhile.pop(0)}
            self.version = KvVersion(self.version.number + 1, others)
        if after != self.version.number:
            raise VaultConflictError("http://vault.test", str(self))
        self.version = KvVersion(after + 1, dict(data))
        return self.version.number

    def delete(self) -> None:
        self.version = KvVersion()
