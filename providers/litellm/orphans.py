"""Keys that carry a resource's URN but stand in no state: what a crash leaves between minting and saving.

The value of such a key is lost, so nobody can ever have used it. One that is in use is somebody's: of another
stack of the same name, or of a state that was lost.
"""

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from providers.litellm.errors import KeyInUseError
from providers.litellm.ownership import URN

if TYPE_CHECKING:  # a preview remembers, and looks for nothing
    from providers.litellm.client import GatewayClient, ListedKey

__all__ = ["OrphanIndex", "forget_everything", "remember", "remember_alias"]


@dataclass
class _Known:
    """What the state is seen to know of a resource's key.

    Pulumi asks for a diff before nearly everything, and tells the hash; when it is told to replace a resource
    it only asks for a check before, which tells the alias.
    """

    token_ids: set[str] = field(default_factory=set)
    aliases: set[str] = field(default_factory=set)

    def has(self, key: "ListedKey") -> bool:
        return key.token_id in self.token_ids if self.token_ids else key.alias in self.aliases


_in_state: defaultdict[str, _Known] = defaultdict(_Known)


def remember(urn: str, token_id: str) -> None:
    """Note that the state knows a key, lest its successor in a replacement takes it for an orphan."""
    _in_state[urn].token_ids.add(token_id)


def remember_alias(urn: str, alias: str | None) -> None:
    """Note the alias under which the state knows a key, if it does."""
    if alias:
        _in_state[urn].aliases.add(alias)


def forget_everything() -> None:
    """Start as a new process does."""
    _in_state.clear()


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
        unknown = [key for key in self._by_urn.get(urn, []) if not _in_state[urn].has(key)]
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
