"""How a key comes to be: minted here, staged in Vault, made known to the gateway, handed to who uses it.

Whatever is interrupted is completed by doing it again: a key has a value before the gateway hears of it, so
every lost answer can be asked for by the value's hash, and every repetition names the same key.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from providers.kubernetes.connection import ClusterConnection
from providers.kubernetes.consumer_input import Consumer
from providers.litellm import adoption, changes, known
from providers.litellm.bequest import Bequest
from providers.litellm.checks import automatic_alias, with_suffix
from providers.litellm.client import GatewayClient, ListedKey
from providers.litellm.delivery import Contents, Delivery, PathTakenError, facts
from providers.litellm.drift import compare, undeclared
from providers.litellm.errors import (
    GatewayError,
    GatewayNotReadyError,
    GatewayUnavailableError,
    NotAGatewayError,
)
from providers.litellm.key_state import place, shares_metadata, state_of
from providers.litellm.known import Current
from providers.litellm.leftovers import bearing, clear_up, take_along
from providers.litellm.minted_key import MintedKey
from providers.litellm.ownership import ADOPTED, SUPERSEDES, resource_name
from providers.litellm.registration import change, register, remove, rename
from providers.litellm.rotation import grace_of
from providers.litellm.succession import Predecessor, hand_over_spend, is_superseded, retire, supersedes
from providers.loading import load
from providers.notices import notice

__all__ = ["create"]

_PASSING = (GatewayNotReadyError, GatewayUnavailableError, NotAGatewayError)
"""What leaves open whether the gateway knows the key, or will when it is asked again."""


def create(gateway: GatewayClient, inputs: Mapping[str, Any], delivery: Delivery | None) -> dict[str, Any]:
    """Mint a key, take up the one that an interrupted create has left in Vault, or adopt one.

    Parameters
    ----------
    gateway
        That shall know it.
    inputs
        As `checks.check_inputs` has completed them.
    delivery
        Where it is put, before the gateway hears of it.

    Returns
    -------
    dict
        The state: the inputs, `token_id`, `expires`, and `key`, or where that was put.

    Raises
    ------
    providers.errors.ProviderError
        If the gateway or Vault refused it, if it isn't known whether the key is there, or if its consumer
        hasn't followed in time: the next create finds it in Vault, or by its URN.
    """
    owner = inputs["owner"]
    in_state = known.current(owner)
    urns = known.urns_of(owner)
    delivery = delivery and delivery.which_was_of(urns)
    if adoption.is_asked_for(inputs, in_state):
        chosen = adoption.choose(gateway, inputs, delivery)
        found = _of_resource(gateway, inputs, urns, chosen[0], in_state)
        with _alias_freed(gateway, found, inputs.get("key_alias", "")):
            state, key = adoption.adopt(gateway, inputs, delivery, chosen)
        _end(gateway, owner, _cleared_up(gateway, owner, found, Contents(), in_state), key)
        return state
    inputs = {"key_alias": automatic_alias(resource_name(owner)), **inputs}
    delivery, contents = _looked_up(gateway, delivery, urns)
    minted, row = _begun(gateway, inputs, contents, in_state) or (MintedKey.mint(), None)
    found = _of_resource(gateway, inputs, urns, minted.token_id, in_state)
    inputs |= {"heir": True} if _is_heir(found, in_state) else {}
    ending = _cleared_up(gateway, owner, found, contents, in_state)
    with _alias_freed(gateway, found, inputs["key_alias"]):
        if row is None:
            predecessor = _predecessor(gateway, found, contents, in_state)
            if delivery and minted != contents.staged:
                delivery.stage(minted)
            body = _body(gateway, inputs, predecessor, in_state)
            row = _make_known(gateway, minted, body, delivery)
        else:
            row = change(gateway, minted.token_id, compare(inputs, row).state, inputs) or row
    key = Current(minted.token_id, grace_of(inputs), owner, row["metadata"].get(SUPERSEDES))
    value = _handed_out(minted, inputs, row, delivery)
    _end(gateway, owner, ending, key)
    return state_of(inputs, minted.token_id, row.get("expires"), value)


def _end(gateway: GatewayClient, owner: str, ending: list[str], key: Current) -> None:
    """Let predecessors end, now that another key has taken their place."""
    for token_id in ending:
        retire(gateway, token_id, key)
    known.note(owner, key)


def _cleared_up(
    gateway: GatewayClient, owner: str, found: list[ListedKey], contents: Contents, in_state: Current | None
) -> list[str]:
    """Remove what has ended, let the rest bear the resource's URN, and give the hashes of what has to end."""
    ending = clear_up(gateway, found, contents, in_state)
    if in_state and in_state.urn != owner:
        take_along(gateway, in_state.urn, owner, in_state.token_id)
    return ending


# --- what was there before -------------------------------------------------------------------------------


def _looked_up(
    gateway: GatewayClient, delivery: Delivery | None, urns: list[str]
) -> tuple[Delivery | None, Contents]:
    """Look at the place. One whose key bears the resource's URN is its own, whatever URN stands there."""
    if delivery is None:
        return None, Contents()
    try:
        return delivery, delivery.look_up()
    except PathTakenError as taken:
        if gateway.orphans.urn_of(taken.token_id) not in urns:
            raise
        own = delivery.which_was_of([*urns, taken.owner])
        return own, own.look_up()


def _of_resource(
    gateway: GatewayClient,
    inputs: Mapping[str, Any],
    urns: Iterable[str],
    besides: str,
    in_state: Current | None,
) -> list[ListedKey]:
    """List this resource's keys but one.

    The state's may have lost the marks by which it is found. That matters only if it has the alias that the
    new one is to have.
    """
    found = bearing(gateway, urns, besides=[besides])
    listed = {besides, *(key.token_id for key in found)}
    if inputs.get("alias") and in_state and in_state.token_id not in listed:
        row = gateway.info(in_state.token_id)
        found += [ListedKey.parse({**row, "token": in_state.token_id})] if row else []
    return found


def _begun(
    gateway: GatewayClient, inputs: Mapping[str, Any], contents: Contents, in_state: Current | None
) -> tuple[MintedKey, dict[str, Any] | None] | None:
    """Find the key that an interrupted create of this resource has left in Vault, and its row.

    It is taken up if the gateway knows it as it is declared now; a field more, and no update would make it
    what it would be as a new one.
    """
    if contents.staged:
        return _begun_staged(gateway, inputs, contents.staged, in_state)
    standing = contents.standing
    if standing and in_state and standing.token_id != in_state.token_id:
        row = gateway.info(standing.token_id)
        if row and _is_whole(row, in_state) and not _is_strange(gateway, inputs, row, in_state):
            return standing, row
    return None


def _is_whole(row: Mapping[str, Any], in_state: Current) -> bool:
    """Whether a row is that of the successor of the state's key, and the last one."""
    metadata = row.get("metadata")
    return supersedes(metadata) == in_state.token_id and not is_superseded(metadata)


def _begun_staged(
    gateway: GatewayClient, inputs: Mapping[str, Any], staged: MintedKey, in_state: Current | None
) -> tuple[MintedKey, dict[str, Any] | None] | None:
    """Look at a key that no consumer has seen. A revoked one that a rollback brought back stays revoked."""
    row = gateway.info(staged.token_id)
    if row is None:
        return None if gateway.was_deleted(staged.token_id) else (staged, None)
    if _is_strange(gateway, inputs, row, in_state):
        remove(gateway, staged.token_id)
        return None
    return staged, row


def _is_strange(
    gateway: GatewayClient, inputs: Mapping[str, Any], row: Mapping[str, Any], in_state: Current | None
) -> bool:
    """Whether a key has something more than it would have as a new one."""
    former = supersedes(row.get("metadata"))
    former_row = gateway.info(former) if former else None
    if former is None or former_row is None:
        return bool(undeclared(inputs, row))
    bequest = Bequest.of(gateway, inputs, Predecessor(former, former_row), in_state)
    return not bequest.explains(inputs, row)


def _is_heir(found: list[ListedKey], in_state: Current | None) -> bool:
    """Whether the new key takes the place of one that was adopted, or of an heir of such a one."""
    if in_state:
        return shares_metadata(in_state.declared or ())
    return any(ADOPTED in key.metadata for key in found)


def _predecessor(
    gateway: GatewayClient, found: list[ListedKey], contents: Contents, in_state: Current | None
) -> Predecessor | None:
    """Find the key that is replaced, if any: the one that consumers read, or the state's.

    Of a replacement by force nothing was heard: then it is the key that bears the URN, and of several the one
    that has spent most.
    """
    standing = [contents.standing.token_id] if contents.standing else []
    alive = [key for key in found if not is_superseded(key.metadata)]
    if in_state:
        # Used though no state has it: an interrupted replacement has given it out at another place.
        given_out = [key for key in alive if key.used and supersedes(key.metadata) == in_state.token_id]
        others = [*(key.token_id for key in given_out), in_state.token_id]
        # A move that is taken back half-way finds the key there whose spend the state's one has carried on.
        if standing and standing == [
            supersedes(k.metadata) for k in found if k.token_id == in_state.token_id
        ]:
            standing, others = others, standing
    else:
        others = [key.token_id for key in sorted(alive, key=lambda key: -key.spend)]
    for token_id in dict.fromkeys(standing + others):
        if predecessor := Predecessor.look(gateway, token_id):
            return _with_all_it_inherits(gateway, predecessor, found)
    return None


def _with_all_it_inherits(
    gateway: GatewayClient, predecessor: Predecessor, found: list[ListedKey]
) -> Predecessor:
    """Leave it what its own predecessor has spent since, if an `up` has failed before it let that end."""
    waiting = {key.token_id for key in found if not is_superseded(key.metadata)}
    former = supersedes(predecessor.row.get("metadata"))
    before = Predecessor.look(gateway, former) if former in waiting else None
    if before is None:
        return predecessor
    hand_over_spend(gateway, before, predecessor.token_id)
    return Predecessor.look(gateway, predecessor.token_id) or predecessor


@contextmanager
def _alias_freed(gateway: GatewayClient, found: list[ListedKey], alias: str) -> Iterator[None]:
    """Rename whoever of this resource's keys has the alias; back again if the new one is refused."""
    holders = [key.token_id for key in found if alias and key.alias == alias]
    for token_id in holders:
        rename(gateway, token_id, with_suffix(alias, token_id[:7]))
    try:
        yield
    except _PASSING:
        raise
    except GatewayError:
        for token_id in holders:
            rename(gateway, token_id, alias)
        raise


# --- the new one -----------------------------------------------------------------------------------------


def _body(
    gateway: GatewayClient,
    inputs: Mapping[str, Any],
    predecessor: Predecessor | None,
    in_state: Current | None,
) -> dict[str, Any]:
    """Write the body of /key/generate: what is declared, and what is inherited."""
    body = changes.creation(inputs)
    if predecessor is None:
        return body
    return Bequest.of(gateway, inputs, predecessor, in_state).added(predecessor.bequeath(body))


def _make_known(
    gateway: GatewayClient, minted: MintedKey, body: Mapping[str, Any], delivery: Delivery | None
) -> dict[str, Any]:
    """Make the gateway know a key; one that it refuses for good doesn't stay in Vault."""
    try:
        return register(gateway, minted, body)
    except _PASSING:
        raise
    except GatewayError:
        if delivery:
            delivery.unstage(minted.token_id)
        raise


def _handed_out(
    minted: MintedKey, inputs: Mapping[str, Any], row: Mapping[str, Any], delivery: Delivery | None
) -> dict[str, Any]:
    """Give a key to its consumers: in Vault, and waited for until they have a successor; or in the state."""
    if delivery is None:
        return {"key": minted.value.get_secret_value()}
    version = delivery.promote(minted, facts(inputs, minted.token_id, row.get("expires")))
    if SUPERSEDES in row["metadata"] and inputs.get("consumer"):
        _follow(minted, inputs)
    return place(inputs, version)


def _follow(minted: MintedKey, inputs: Mapping[str, Any]) -> None:
    load("providers.kubernetes.consumers")
    from providers.kubernetes.consumers import follow  # noqa: PLC0415 - imports a large client that few keys need

    name = resource_name(inputs["owner"])
    cluster = ClusterConnection.parse(inputs["gateway"].get("cluster"))
    report = partial(_report, name)
    follow(cluster, Consumer.parse(inputs["consumer"]), minted.value, report)


def _report(name: str, line: str) -> None:
    notice(f"{name}: {line}")
