"""What else bears a resource's URN when a key of it is made or destroyed.

That may be a predecessor. It may be an orphan, which stands in no state: a crash leaves it between minting
and saving, its value is lost, and nobody can ever have used it. One that was used is somebody's: of a stack
whose state was lost, of another one of the same name, or about to be replaced by force, of which Pulumi tells
a provider nothing. Those are never touched, nor are those that were adopted.
"""

from collections.abc import Collection, Iterable

from providers.litellm import known
from providers.litellm.client import GatewayClient, ListedKey
from providers.litellm.delivery import Contents
from providers.litellm.known import Current
from providers.litellm.ownership import ADOPTED, SUPERSEDED_BY
from providers.litellm.registration import mark, remove
from providers.litellm.succession import has_ended, is_superseded, supersedes
from providers.notices import notice

__all__ = ["bearing", "clear_up", "destroy_predecessors", "successors", "take_along"]

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
    going = _going_later(found, in_state) - replaced if in_state else set()
    for key in found:
        if key.token_id in going or (in_state and key.token_id == in_state.token_id):
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


def _going_later(found: list[ListedKey], in_state: Current) -> set[str]:
    """Give the hashes of what goes with the state's key, whose state knows where it was delivered."""
    return {key.token_id for key in _line(found, in_state.token_id)}


def _is_refused(gateway: GatewayClient, token_id: str) -> bool:
    """Whether a key has ended by the gateway's clock too."""
    info = gateway.info(token_id)
    return info is not None and info.get("status") != "active"


def successors(gateway: GatewayClient, urns: Iterable[str], token_id: str) -> list[ListedKey]:
    """List the successors of a key that no state is known to have: interrupted replacements leave them.

    Parameters
    ----------
    gateway
        That has them.
    urns
        Of the key's resource.
    token_id
        Hash of the key.

    Returns
    -------
    list
        The oldest first.
    """
    found = bearing(gateway, urns, besides=[token_id])
    return _line([key for key in found if not known.is_in_state(key.token_id)], token_id)


def _line(found: list[ListedKey], token_id: str) -> list[ListedKey]:
    """List what follows a key, without those in whose place the key was taken back."""
    found = [key for key in found if key.metadata.get(SUPERSEDED_BY) != token_id]
    line: list[ListedKey] = []
    last = {token_id}
    while following := [key for key in found if supersedes(key.metadata) in last and key not in line]:
        line += following
        last = {key.token_id for key in following}
    return line


def take_along(gateway: GatewayClient, former: str, urn: str, token_id: str) -> None:
    """Let all that bears a resource's former URN beside its key bear the one that it has now.

    Parameters
    ----------
    gateway
        That has the keys.
    former, urn
        The URNs.
    token_id
        Hash of the key: its predecessors go along, and what interrupted replacements have left.
    """
    bears = gateway.orphans.bearing(former)
    line = {supersedes(key.metadata) for key in bears if key.token_id == token_id}
    line |= {key.token_id for key in successors(gateway, [former], token_id)}
    for key in bears:
        is_adopted = ADOPTED in key.metadata and key.token_id != token_id
        if is_superseded(key.metadata) or is_adopted or key.token_id in line:
            mark(gateway, key.token_id, urn)


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
