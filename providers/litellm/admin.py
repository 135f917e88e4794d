"""The life of a platform admin: a user of the gateway, and its key, which lives as every other key does."""

from collections.abc import Mapping
from typing import Any

from providers.litellm import key, users
from providers.litellm.admin_input import ROLE, is_demoted
from providers.litellm.client import GatewayClient
from providers.litellm.delivery import Delivery, facts
from providers.litellm.drift import Found, as_found
from providers.litellm.errors import AdminKeyRefusedError
from providers.reference import SecretMissingError

__all__ = ["create", "delete", "delivery_of", "read", "update"]


def delivery_of(props: Mapping[str, Any]) -> Delivery:
    """Say where an admin's key is put. Opens no connection."""
    delivery = Delivery.of(props)
    if delivery is None:
        raise ValueError("no place")  # `admin_input.check_admin` has refused it
    return delivery


def create(gateway: GatewayClient, inputs: Mapping[str, Any], delivery: Delivery) -> dict[str, Any]:
    """Make the user and mint its key, or take up what an interrupted create has left.

    Parameters
    ----------
    gateway
        That shall know them, asked with a key that may make users.
    inputs
        As `admin_input.check_admin` has completed them.
    delivery
        Where the key is put, before the gateway hears of it.

    Raises
    ------
    providers.errors.ProviderError
        If it isn't done, or isn't known to be: to do it again completes it.
    """
    users.ensure(gateway, inputs["user_id"], role=ROLE, urn=inputs["owner"])
    return key.create(gateway, inputs, delivery)


def read(gateway: GatewayClient, token_id: str, state: Mapping[str, Any], delivery: Delivery) -> Found:
    """Compare an admin with its state.

    Parameters
    ----------
    gateway
        That knows it, asked with the admin's own key: whoever refreshes a stack needs no other.
    token_id
        Hash of that key.
    state
        The outputs so far.
    delivery
        Where the key is.

    Returns
    -------
    Found
        A key that is gone, blocked or in other hands is a drift of `deliver`, so that it is replaced: the
        value of a user's key may come back after the user was deleted, and mustn't.
    """
    try:
        found = key.read(gateway, token_id, state, delivery)
        role = users.role_of_owner(gateway, token_id)
    except (AdminKeyRefusedError, SecretMissingError):
        found = None
    if found is None or role is None:
        return _lost(token_id, state, delivery)
    return Found({**found.state, "user_role": role}, {**found.inputs, "user_role": role})


def _lost(token_id: str, state: Mapping[str, Any], delivery: Delivery) -> Found:
    look = delivery.look(facts(state, token_id, state.get("expires")))
    wrong = look.key_problem or "refused by the gateway; the key is replaced"
    deliver = {**state["deliver"], "drifted": wrong}
    return as_found({**state, "deliver": deliver, "vault_version": look.version})


def update(
    gateway: GatewayClient,
    token_id: str,
    olds: Mapping[str, Any],
    news: Mapping[str, Any],
    delivery: Delivery,
) -> dict[str, Any]:
    """Send what has changed, and nothing else. A change of how the gateway is reached makes no call."""
    if is_demoted(olds, news):
        users.ensure(gateway, news["user_id"], role=ROLE, urn=news["owner"])
    return key.update(gateway, token_id, olds, news, delivery)


def delete(gateway: GatewayClient, token_id: str, state: Mapping[str, Any], delivery: Delivery) -> None:
    """Delete the key, and the user unless a successor's key is the user's by now.

    Keys that somebody else has made for this user go with it: they are an admin's too.
    """
    key.delete(gateway, token_id, state, delivery)
    if not users.has_managed_keys(gateway, state["user_id"]):
        users.remove(gateway, state["user_id"])
