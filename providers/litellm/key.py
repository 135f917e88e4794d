"""What becomes of a key: compared with the gateway and Vault, changed, replaced, destroyed."""

from collections.abc import Mapping
from typing import Any

from providers.litellm import known, taken_back
from providers.litellm.adoption import carried, give_back
from providers.litellm.client import GatewayClient, ListedKey
from providers.litellm.creation import create
from providers.litellm.delivery import Delivery, facts
from providers.litellm.drift import Found, as_found, compare
from providers.litellm.errors import (
    AliasTakenError,
    GatewayNotReadyError,
    GatewayUnavailableError,
    KeyNotDeletedError,
)
from providers.litellm.key_state import place, state_of
from providers.litellm.known import Current
from providers.litellm.leftovers import destroy_predecessors, successors, take_along
from providers.litellm.ownership import RETAINED, resource_name, urn_of
from providers.litellm.registration import change, remove
from providers.litellm.rotation import grace_of
from providers.litellm.succession import retire
from providers.notices import notice

__all__ = ["create", "delete", "read", "update"]

_UNFINISHED = "an unfinished successor stands in Vault"
_GONE = "gone from the gateway, but not from Vault; the key is replaced"


def read(
    gateway: GatewayClient, token_id: str, state: Mapping[str, Any], delivery: Delivery | None
) -> Found | None:
    """Compare a key with its state, at the gateway and where it was put; None if nothing of it is left."""
    info = gateway.info(token_id)
    if info is None:
        return _left_in_vault(token_id, state, delivery)
    found = compare(state, info)
    if delivery is None:
        return found
    look = delivery.look(facts(state, token_id, state.get("expires")))
    problem = look.facts_problem
    if look.staged and taken_back.is_begun(gateway, look.staged, token_id, delivery.owner):
        problem = _UNFINISHED
    own = {"deliver": _drifted(state["deliver"], look.key_problem)}
    found_state = _drifted({**found.state, **own, "vault_version": look.version}, problem)
    return Found(found_state, _drifted({**found.inputs, **own}, problem))


def _left_in_vault(token_id: str, state: Mapping[str, Any], delivery: Delivery | None) -> Found | None:
    """Keep a key in the state that is gone, as long as Vault holds something of it that has to go."""
    version = delivery.version_of_ours(token_id) if delivery else 0
    if not version:
        return None
    deliver = {**state["deliver"], "drifted": _GONE}
    return as_found({**state, "deliver": deliver, "vault_version": version})


def _drifted(found: Mapping[str, Any], what: str | None) -> dict[str, Any]:
    """Say what has drifted in Vault, or that nothing has any more."""
    kept = {name: value for name, value in found.items() if name != "drifted"}
    return {**kept, "drifted": what} if what else kept


def update(
    gateway: GatewayClient,
    token_id: str,
    olds: Mapping[str, Any],
    news: Mapping[str, Any],
    delivery: Delivery | None,
) -> dict[str, Any]:
    """Send what has changed, and nothing else. A change of how the gateway is reached makes no call.

    Parameters
    ----------
    gateway
        That knows the key.
    token_id
        Hash of the key.
    olds
        The state.
    news
        The inputs.
    delivery
        Where the key is. What stands beside it follows; the key itself isn't touched.

    Returns
    -------
    dict
        The new state.

    Raises
    ------
    KeyGoneError
        If the key is gone.
    providers.errors.ProviderError
        If the gateway or Vault refused it, or if it isn't known whether it is done: to do it again does no
        harm.
    """
    news = carried(olds, news)
    former = urn_of(olds["owner"])
    if former != news["owner"]:
        take_along(gateway, former, news["owner"], token_id)
    row = _changed(gateway, token_id, olds, news, delivery)
    expires = olds.get("expires") if row is None else row.get("expires")
    if delivery is None:
        return state_of(news, token_id, expires, {"key": olds["key"]})
    beside = facts(news, token_id, expires)
    if beside == facts(olds, token_id, olds.get("expires")) and not olds.get("drifted"):
        return state_of(news, token_id, expires, place(news, int(olds["vault_version"])))
    return state_of(news, token_id, expires, place(news, delivery.describe(beside)))


def _changed(
    gateway: GatewayClient,
    token_id: str,
    olds: Mapping[str, Any],
    news: Mapping[str, Any],
    delivery: Delivery | None,
) -> dict[str, Any] | None:
    """Change a key's row; what an interrupted replacement has begun makes way."""
    if delivery and olds.get("drifted"):
        taken_back.remove_staged(gateway, token_id, delivery)
    try:
        return change(gateway, token_id, olds, news)
    except AliasTakenError:
        key = Current(token_id, grace_of(news), urn=news["owner"])
        if not taken_back.free_alias(gateway, news["key_alias"], key, delivery):
            raise
    return change(gateway, token_id, olds, news)


def delete(
    gateway: GatewayClient, token_id: str, state: Mapping[str, Any], delivery: Delivery | None
) -> None:
    """Delete a key with all that came before and after it; or let it expire if it has a successor.

    What is deleted is seen to be gone; a key that is gone is deleted. A successor of which the state doesn't
    know is an interrupted replacement's: it goes too, even if consumers have it already. What stands in Vault
    is taken out, unless it is the successor's. With `retain_on_delete` a key that has no successor is given
    back instead, alive, and so is what consumers have by now.

    Parameters
    ----------
    gateway
        That knows the key.
    token_id
        Hash of the key.
    state
        Of the key.
    delivery
        Where the key is.

    Raises
    ------
    providers.errors.ProviderError
        If the key is still there, or if that isn't known: it stays in the state.
    """
    if known.was_taken(token_id) or (state.get("adopted") and known.stays(token_id)):
        _say_replaced_by_itself(state)
        return
    try:
        # A rename in an `up` that didn't come to this has marked the key anew, which its state doesn't say.
        urn = gateway.orphans.urn_of(token_id) or urn_of(state["owner"])
        heir = known.heir(token_id, urn)
        later = successors(gateway, {urn, urn_of(state["owner"]), heir.urn if heir else urn}, token_id)
        if _is_kept(state, heir, later):
            ends = _give_back(gateway, token_id, later, state, delivery)
        elif heir:
            _end_unsaved(gateway, later, heir, delivery)
            ends = _retire(gateway, [token_id], heir)
        else:
            ends = _destroy(gateway, token_id, later, urn)
            ends += _left_behind(gateway, state, delivery)
    except (GatewayNotReadyError, GatewayUnavailableError) as error:
        raise KeyNotDeletedError(token_id, error) from None
    if delivery:
        for ended in ends:
            delivery.withdraw(ended)


def _is_kept(state: Mapping[str, Any], heir: Current | None, later: list[ListedKey]) -> bool:
    """Whether a key is given back, or a successor of it is that Pulumi deletes before it or after it."""
    if heir:
        return bool(state.get("retain_on_delete")) and heir.is_adopted
    return bool(state.get("retain_on_delete")) or any(RETAINED in key.metadata for key in later)


def _say_replaced_by_itself(state: Mapping[str, Any]) -> None:
    notice(
        f"{resource_name(urn_of(state['owner']))}: the replacement by force has adopted the same key again, "
        "and nothing was minted; take `adopt` out of the program first, or change `rotation`"
    )


# --- what becomes of a key and its line: each gives the hashes of those that are gone or about to be ------


def _retire(gateway: GatewayClient, line: list[str], heir: Current) -> list[str]:
    for token_id in line:
        retire(gateway, token_id, heir)
    return line


def _end_unsaved(
    gateway: GatewayClient, later: list[ListedKey], heir: Current, delivery: Delivery | None
) -> None:
    """End successors that no state has; out of Vault first: once gone from the gateway they aren't found."""
    for key in later:
        if delivery:
            delivery.withdraw(key.token_id)
        # Not removed, though it may look unused: the gateway is late, and a state of before may have had it.
        retire(gateway, key.token_id, heir)


def _destroy(gateway: GatewayClient, token_id: str, later: list[ListedKey], urn: str) -> list[str]:
    line = [token_id, *(key.token_id for key in later)]
    for each in line:
        remove(gateway, each)
    destroy_predecessors(gateway, urn, token_id)
    return line


def _left_behind(gateway: GatewayClient, state: Mapping[str, Any], delivery: Delivery | None) -> list[str]:
    """List what stands in Vault in the place of a key that was gone, and is dead too."""
    if delivery is None or state["deliver"].get("drifted") != _GONE:
        return []
    return [token_id for token_id in delivery.left_here() if gateway.was_deleted(token_id)]


def _give_back(
    gateway: GatewayClient,
    token_id: str,
    later: list[ListedKey],
    state: Mapping[str, Any],
    delivery: Delivery | None,
) -> list[str]:
    """Give back the newest key of a line that somebody may have. What was before it ends as in a rotation."""
    urn, is_own = urn_of(state["owner"]), bool(state.get("retain_on_delete"))
    in_use = [key.token_id for key in later if key.used or (delivery and delivery.stands(key.token_id))]
    line = [token_id, *(key.token_id for key in later)]
    stays = line.index(in_use[-1]) if in_use else 0 if is_own else len(later)
    staged = delivery.left_here() if delivery else []
    ends = _retire(gateway, line[:stays], Current(line[stays], grace_of(state), urn))
    if in_use or is_own:
        give_back(gateway, line[stays], delivery)
    else:
        _say_left(gateway, line[stays], urn)
    for unused in line[stays + 1 :]:
        if unused in staged:
            remove(gateway, unused)
            ends.append(unused)
        else:
            _say_left(gateway, unused, urn)
    destroy_predecessors(gateway, urn, token_id)
    return ends


def _say_left(gateway: GatewayClient, token_id: str, urn: str) -> None:
    notice(
        f"{resource_name(urn)}: the gateway at {gateway.url} has a successor of it that was never used "
        f"({token_id}); if the state didn't have it, `python -m providers.litellm orphans` finds it"
    )
