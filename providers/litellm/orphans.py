"""Keys that carry a resource's URN but stand in no state: what a crash leaves between minting and saving.

The value of such a key is lost, so nobody can ever have used it. One that is in use is somebody's: of another
stack of the same name, or of a state that was lost.
"""

import threading
from collections import defaultdict
from typing import TYPE_CHECKING

from providers.litellm.errors import KeyInUseError
from providers.litellm.ownership import URN

if TYPE_CHECKING:  # a preview remembers, and looks for nothing
    from providers.litellm.client import GatewayClient, ListedKey

__all__ = ["OrphanIndex", "remember"]

_in_state: set[str] = set()


def remember(token_id: str) -> None:
    """Note that the state knows a key, lest its successor in a replacement takes it for an orphan."""
    _in_state.add(token_id)


class OrphanIndex:
    """The keys of a gateway by URN, listed once per process: orphans are left by processes before.

    Parameters
    ----------
    gateway
        Is asked at the first search only.
    """

    def __init__(self, gateway: "GatewayClient") -> None:
        self._gateway = gateway
        self._lock = threading.Lock()
        self._by_urn: dict[str, list[ListedKey]] | None = None

    def of(self, urn: str) -> list[str]:
        """Find the orphans of a resource.

        Returns
        -------
        list
            Their hashes.

        Raises
        ------
        KeyInUseError
            If one is in use.
        """
        with self._lock:
            if self._by_urn is None:
                self._by_urn = self._listed()
        unknown = [key for key in self._by_urn.get(urn, []) if key.token_id not in _in_state]
        for key in unknown:
            if key.used:
                raise KeyInUseError(self._gateway.url, key.token_id, key.alias)
        return [key.token_id for key in unknown]

    def _listed(self) -> "dict[str, list[ListedKey]]":
        by_urn = defaultdict(list)
        for key in self._gateway.list_keys():
            if urn := key.metadata.get(URN):
                by_urn[urn].append(key)
        return dict(by_urn)
