"""What else bears a resource's URN when a key of it is made or destroyed.

That may be a predecessor. It may be an orphan, which stands in no state: a crash leaves it between minting
and saving, its value is lost, and nobody can ever have used it. One that was used is somebody's: of a stack
whose state was lost, of another one of the same name, or about to be replaced by force, of which Pulumi tells
a provider nothing. Those are never touched, nor are those that were adopted.
"""

from collections.abc import Collection, Iterable, Iterator

from providers.litellm.client import GatewayClient, ListedKey
from providers.litellm.delivery import Contents
from providers.litellm.known import Current
from providers.litellm.ownership import ADOPTED
from providers.litellm.registration import remove
from providers.litellm.succession import has_ended, is_superseded, supersedes
from providers.notices import notice

__all__ = ["bearing", "clear_up", "destroy_predecessors", "line_of"]

_LEFT_ALONE = "is in use; it is left as it is, unless this is its replacement"


def bearing(gateway: GatewayClient, urns: Iterable[str], besides: Collection[str]) -> list[ListedKey]:
    """List the keys that bear a URN of a resource, without those of these hashes."""
    found = [key for urn in urns for key in gateway.orphans.bearing(urn)]
    return [key for key in found if key.token_id not in besides]


def clear_up(
    gateway: GatewayClient, found: list[ListedKey], contents: Contents, in_state: Current | None
) -> list[str]:
    """Remove what has ended and what nobody can use.

    Parameters
    ----------
    gateway
        That has the keys.
    found
        Keys that bear the URN of a resource which is about to get another one.
    contents
        What stands where that resource delivers: a consumer may read it.
    in_state
        The key that the state has. If that isn't known, the resource is new, or it is replaced by force: then
        a key that was never used may be the one that is replaced.

    Returns
    -------
    list
        Hashes of the keys that have to end when the new one has taken their place.
    """
    ending = []
    replaced = {supersedes(key.metadata) for key in found}
    if contents.standing:
        replaced.add(contents.standing.token_id)
    for key in found:
        if in_state and key.token_id == in_state.token_id:
            continue
        if is_superseded(key.metadata):
            if has_ended(key) and _is_refused(gateway, key.token_id):
                remove(gateway, key.token_id)
        elif ADOPTED in key.metadata and key.token_id not in replaced:
            _say(gateway, key, _LEFT_ALONE)
        elif key.token_id in replaced:
            ending.append(key.token_id)
        elif not (key.used or in_state):
            ending.append(key.token_id)
            _say(gateway, key, "was never used; it ends now that there is a new one")
        elif key.used:
            _say(gateway, key, _LEFT_ALONE)
        else:
            remove(gateway, key.token_id)
    return ending


def _is_refused(gateway: GatewayClient, token_id: str) -> bool:
    """Whether a key has ended by the gateway's clock too."""
    info = gateway.info(token_id)
    return info is not None and info.get("status") != "active"


def line_of(gateway: GatewayClient, urn: str, token_id: str) -> Iterator[str]:
    """Give a state's key, and its successors that no state knows: interrupted replacements leave them."""
    line = [token_id]
    yield token_id
    found = bearing(gateway, [urn], besides=line)
    for last in line:
        for key in found:
            if supersedes(key.metadata) == last and key.token_id not in line:
                line.append(key.token_id)
                yield key.token_id


def destroy_predecessors(gateway: GatewayClient, urn: str, token_id: str) -> None:
    """Remove the predecessors of a key that is destroyed."""
    for key in bearing(gateway, [urn], besides=[token_id]):
        if is_superseded(key.metadata):
            remove(gateway, key.token_id)


def _say(gateway: GatewayClient, key: ListedKey, what: str) -> None:
    notice(
        f"the gateway at {gateway.url} has a key {key.alias!r} ({key.token_id}) that bears the URN of a new "
        f"one and {what}"
    )
