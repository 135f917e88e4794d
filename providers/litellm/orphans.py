"""Keys that carry a resource's URN but stand in no state: what a crash leaves between minting and saving.

The value of such a key is lost, so nobody can ever have used it. One that was used is somebody's: of a stack
whose state was lost, of another one of the same name, or about to be replaced by force, of which Pulumi tells
a provider nothing. Those are never touched here.
"""

import threading
from collections import defaultdict
from typing import TYPE_CHECKING

from providers.litellm.ownership import URN
from providers.notices import notice

if TYPE_CHECKING:  # a preview remembers, and looks for nothing
    from providers.litellm.client import GatewayClient, ListedKey

__all__ = ["OrphanIndex", "expect", "is_predecessor", "remember"]

_in_state: set[str] = set()
_unnamed: set[str] = set()


def expect(urn: str) -> None:
    """Note that the state has a key of this resource, whose hash isn't told yet."""
    _unnamed.add(urn)


def remember(token_id: str, urn: str | None = None) -> None:
    """Note that the state knows a key, lest its successor in a replacement takes it for an orphan."""
    _in_state.add(token_id)
    _unnamed.discard(urn or "")


def is_predecessor(token_id: str, urn: str) -> bool:
    """Whether a key of this resource is, or has to be taken for, the one that is replaced.

    A replacement by force comes without a diff, which alone tells the hash: what stands in Vault is then the
    predecessor's.
    """
    return token_id in _in_state or urn in _unnamed


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

    def of(self, urn: str, besides: str | None = None) -> list[str]:
        """Find the orphans of a resource, and say of a used key that it is left alone.

        Parameters
        ----------
        urn
            Of the resource.
        besides
            Hash of a key that is being taken up.

        Returns
        -------
        list
            Hashes of the keys that nobody can use.
        """
        with self._lock:
            if self._by_urn is None:
                self._by_urn = self._listed()
        known = _in_state | {besides}
        unknown = [key for key in self._by_urn.get(urn, []) if key.token_id not in known]
        for key in unknown:
            if key.used:
                self._say_left_alone(key)
        return [key.token_id for key in unknown if not key.used]

    def _listed(self) -> "dict[str, list[ListedKey]]":
        by_urn = defaultdict(list)
        for key in self._gateway.list_keys():
            if urn := key.metadata.get(URN):
                by_urn[urn].append(key)
        return dict(by_urn)

    def _say_left_alone(self, key: "ListedKey") -> None:
        notice(
            f"the gateway at {self._gateway.url} has a key {key.alias!r} ({key.token_id}) that bears the "
            "URN of a new one and is in use; it is left as it is, unless this is its replacement"
        )
