"""An existing key comes under management, and is given back: nothing of it changes that isn't declared.

The key's value stays unknown, unless Vault holds it where the key is to be delivered. What bears the mark of
this resource already was adopted by a run that was interrupted: it is adopted again, which does no harm.
"""

from collections.abc import Mapping
from typing import Any

from providers.litellm import changes, known
from providers.litellm.adopt_input import is_hash
from providers.litellm.client import GatewayClient, ListedKey
from providers.litellm.delivery import Delivery, facts
from providers.litellm.drift import compare
from providers.litellm.errors import AdoptionError
from providers.litellm.key_state import place, state_of
from providers.litellm.known import Current
from providers.litellm.ownership import ADOPTED, OWN_METADATA, URN
from providers.litellm.registration import change, change_metadata
from providers.litellm.rotation import grace_of
from providers.litellm.succession import is_superseded

__all__ = ["adopt", "carried", "choose", "give_back", "is_asked_for"]


def is_asked_for(inputs: Mapping[str, Any], in_state: Current | None) -> bool:
    """Whether a create is to adopt a key; a resource that has adopted its key gets another one minted.

    Parameters
    ----------
    inputs
        Of the resource.
    in_state
        The key that is to be replaced, if that was heard.
    """
    return "adopt" in inputs and (in_state is None or in_state.yields)


def choose(
    gateway: GatewayClient, inputs: Mapping[str, Any], delivery: Delivery | None
) -> tuple[str, dict[str, Any]]:
    """Find the key that is to be adopted, and see that it can be. Changes nothing.

    Parameters
    ----------
    gateway
        That knows the key.
    inputs
        As `checks.check_inputs` has completed them.
    delivery
        Where the key has to stand already, if it is to be delivered.

    Returns
    -------
    tuple
        Its hash, and its row.

    Raises
    ------
    AdoptionError
        If it isn't there, is somebody else's, or can't become what is declared.
    providers.errors.ProviderError
        If the gateway or Vault refused to say.
    """
    token_id, info = _find(gateway, inputs)
    _refuse_what_is_managed(gateway, inputs, info)
    found = _found(inputs, info)
    if out_of_reach := changes.replacing(found, inputs):
        have = " and ".join(f"{name} {found.get(name)!r}" for name in out_of_reach)
        why = f"has {have}, which can't be changed; declare it so, or leave it out"
        raise AdoptionError(gateway.url, inputs["adopt"], why)
    if delivery and not delivery.holds(token_id):
        why = (
            f"can't be delivered: {delivery.path} in Vault doesn't hold it, and its value is known to nobody "
            "else; put it there first, or adopt it without `deliver`"
        )
        raise AdoptionError(gateway.url, inputs["adopt"], why)
    return token_id, info


def adopt(
    gateway: GatewayClient,
    inputs: Mapping[str, Any],
    delivery: Delivery | None,
    chosen: tuple[str, Mapping[str, Any]],
) -> tuple[dict[str, Any], Current]:
    """Take a key under management: mark it, and bring its declared fields to their values.

    Parameters
    ----------
    gateway
        That knows the key.
    inputs
        As `checks.check_inputs` has completed them.
    delivery
        Where the key stands, if it is delivered.
    chosen
        The key, as `choose` has found it.

    Returns
    -------
    tuple
        The state, and the key.

    Raises
    ------
    providers.errors.ProviderError
        If the gateway or Vault refused, or if it isn't known whether it is done.
    """
    token_id, info = chosen
    row = change(gateway, token_id, _found(inputs, info), inputs) or info
    known.note_taken(inputs["owner"], token_id)
    adopted = {**inputs, "adopted": True, "key_alias": row.get("key_alias") or ""}
    # Empty and not absent: Pulumi shows an output that is absent as unknown at every preview.
    value: dict[str, Any] = {"key": ""}
    if delivery:
        value = place(adopted, delivery.describe(facts(adopted, token_id, row.get("expires"))))
    key = Current(token_id, grace_of(inputs), inputs["owner"], is_adopted=True)
    return state_of(adopted, token_id, row.get("expires"), value), key


def _found(inputs: Mapping[str, Any], info: Mapping[str, Any]) -> dict[str, Any]:
    """Say what the state would be of a key that is adopted as it is."""
    return compare({**inputs, "adopted": True}, info).state


def _find(gateway: GatewayClient, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    adopt = inputs["adopt"]
    token_ids = [adopt] if is_hash(adopt) else _with_alias(gateway, adopt, inputs)
    if len(token_ids) > 1:
        why = f"is the alias of {len(token_ids)} keys; adopt one by its hash: {', '.join(sorted(token_ids))}"
        raise AdoptionError(gateway.url, adopt, why)
    info = gateway.info(token_ids[0]) if token_ids else None
    if info is None:
        why = "isn't there; name the hash or the alias of a key, or leave `adopt` out to have one minted"
        raise AdoptionError(gateway.url, adopt, why)
    return token_ids[0], info


def _with_alias(gateway: GatewayClient, alias: str, inputs: Mapping[str, Any]) -> list[str]:
    """Find the keys of an alias, or the one that was given another by an adoption that was interrupted."""
    found = _called(gateway, alias)
    if not found and "key_alias" in inputs:
        found = [key for key in _called(gateway, inputs["key_alias"]) if _was_begun(key, inputs["owner"])]
    return [key.token_id for key in found]


def _was_begun(key: ListedKey, owner: str) -> bool:
    """Whether an adoption for this resource was interrupted at a key: the one in its state is another one."""
    in_state = known.current(owner)
    is_marked = ADOPTED in key.metadata and key.metadata.get(URN) in known.urns_of(owner)
    return is_marked and not (in_state and in_state.token_id == key.token_id)


def _called(gateway: GatewayClient, alias: str) -> list[ListedKey]:
    """List the keys of an alias: a gateway may take its filter for a part of what is sought."""
    return [key for key in gateway.list_keys(alias=alias) if key.alias == alias]


def _refuse_what_is_managed(
    gateway: GatewayClient, inputs: Mapping[str, Any], info: Mapping[str, Any]
) -> None:
    metadata = info.get("metadata") or {}
    owner = metadata.get(URN)
    if owner and owner not in known.urns_of(inputs["owner"]):
        why = f"is managed as {owner}; take it out of that program with `retain_on_delete` first"
        if ADOPTED in metadata:  # one that was minted, the command would delete
            why += (
                "; or if no state has it any more, `python -m providers.litellm orphans --remove` for its "
                "stack gives it back"
            )
        raise AdoptionError(gateway.url, inputs["adopt"], why)
    if is_superseded(metadata):
        raise AdoptionError(gateway.url, inputs["adopt"], "has a successor, and is about to end; leave it")


def carried(olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
    """Give the inputs, with what the state alone knows of an adopted key or its heir: what it is, its alias.

    Parameters
    ----------
    olds
        The state.
    news
        The inputs.
    """
    return {name: olds[name] for name in ("adopted", "heir", "key_alias") if name in olds} | dict(news)


def give_back(gateway: GatewayClient, token_id: str, delivery: Delivery | None) -> None:
    """Take our marks off a key, and off its place in Vault. One that is gone needs none.

    Raises
    ------
    providers.errors.ProviderError
        If it was refused, or if it isn't known whether it is done: the key stays in the state.
    """
    change_metadata(
        gateway,
        token_id,
        lambda live: {name: value for name, value in live.items() if name not in OWN_METADATA},
    )
    if delivery:
        delivery.give_back(token_id)
