"""Keys of a gateway by the resource that they bear the mark of."""

import threading
from collections import defaultdict
from typing import TYPE_CHECKING

from providers.litellm.ownership import URN

if TYPE_CHECKING:
    from providers.litellm.client import GatewayClient, ListedKey

__all__ = ["OrphanIndex"]


class OrphanIndex:
    """The keys of a gateway by URN, listed once per process: what is sought was left by processes before.

    Parameters
    ----------
    gateway
        Is asked at the first search only.
    """

    def __init__(self, gateway: "GatewayClient") -> None:
        self._gateway = gateway
        self._lock = threading.Lock()
        self._by_urn: dict[str, list[ListedKey]] | None = None
        self._urns: dict[str, str] = {}

    def bearing(self, urn: str) -> "list[ListedKey]":
        """List the keys that bear the URN of a resource, its own among them."""
        return self._index().get(urn, [])

    def urn_of(self, token_id: str) -> str | None:
        """Give the URN that a key bears; None if it bears none."""
        self._index()
        return self._urns.get(token_id)

    def _index(self) -> "dict[str, list[ListedKey]]":
        with self._lock:
            if self._by_urn is None:
                self._by_urn = self._listed()
                self._urns = {key.token_id: urn for urn, keys in self._by_urn.items() for key in keys}
        return self._by_urn

    def _listed(self) -> "dict[str, list[ListedKey]]":
        by_urn = defaultdict(list)
        for key in self._gateway.list_keys():
            if urn := key.metadata.get(URN):
                by_urn[urn].append(key)
        return dict(by_urn)
