"""The life of a virtual key: minted here, made known to the gateway, confirmed, changed, deleted.

Whatever is interrupted is completed by doing it again: a key has a value before the gateway hears of it, so
every lost answer can be asked for by the value's hash, and every repetition names the same key.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from providers.credentials import Concealed
from providers.litellm import changes, clock, orphans, renewal
from providers.litellm.client import GatewayClient
from providers.litellm.delivery import Delivery, facts
from providers.litellm.destination import Destination
from providers.litellm.drift import Found, compare, live_value, spoken_of
from providers.litellm.errors import (
    AliasTakenError,
    GatewayError,
    GatewayNotReadyError,
    GatewayUnavailableError,
    KeyGoneError,
    KeyNotDeletedError,
    KeyStillAliveError,
    NotAGatewayError,
)
from providers.litellm.fields import Field, Stored
from providers.litellm.ownership import URN
from providers.litellm.settling import settle

__all__ = ["MintedKey", "create", "delete", "read", "update"]

_PASSING = (GatewayNotReadyError, GatewayUnavailableError, NotAGatewayError)
"""What leaves open whether the gateway knows the key, or will when it is asked again."""


@dataclass(frozen=True)
class MintedKey:
    """A key's value, and the hash by which everybody else knows it."""

    value: SecretStr

    @classmethod
    def mint(cls) -> "MintedKey":
        """Take 256 random bits."""
        return cls(SecretStr(f"sk-{secrets.token_urlsafe(32)}"))

    @property
    def token_id(self) -> str:
        return hashlib.sha256(self.value.get_secret_value().encode()).hexdigest()


def create(gateway: GatewayClient, inputs: Mapping[str, Any], delivery: Delivery | None) -> dict[str, Any]:
    """Mint a key, or take up the one that an interrupted create has delivered.

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
        If the gateway or Vault refused it, or if it isn't known whether the key is there: the next create
        finds it in Vault, or by its URN.
    """
    begun = _begun(gateway, inputs, delivery) if delivery else None
    for token_id in gateway.orphans.of(inputs["owner"], besides=begun.token_id if begun else None):
        _remove(gateway, token_id)
    if delivery is None:
        minted = MintedKey.mint()
        info = _register_under_alias(gateway, minted, inputs)
        return _state(inputs, minted.token_id, info.get("expires"), {"key": minted.value.get_secret_value()})
    minted = begun or MintedKey.mint()
    info = _deliver(gateway, minted, inputs, delivery, is_begun=begun is not None)
    version = delivery.describe(facts(inputs, minted.token_id, info.get("expires")))
    return _state(inputs, minted.token_id, info.get("expires"), _place(inputs, version))


def _begun(gateway: GatewayClient, inputs: Mapping[str, Any], delivery: Delivery) -> MintedKey | None:
    """Find the key that an interrupted create of this resource has left in Vault.

    A predecessor's is to be replaced. A deleted one was put there again by a rollback of the path: a key that
    was revoked never comes back.
    """
    value = delivery.standing()
    if value is None:
        return None
    standing = MintedKey(value)
    if orphans.is_predecessor(standing.token_id, inputs["owner"]) or gateway.was_deleted(standing.token_id):
        return None
    return standing


def _deliver(
    gateway: GatewayClient,
    minted: MintedKey,
    inputs: Mapping[str, Any],
    delivery: Delivery,
    *,
    is_begun: bool,
) -> dict[str, Any]:
    """Put a key into Vault and make the gateway know it; what the gateway refuses for good doesn't stay."""
    info = gateway.info(minted.token_id) if is_begun else None
    expires = info.get("expires") if info else None
    before = delivery.write(minted.value, facts(inputs, minted.token_id, expires))
    if info is not None:
        return _take_up(gateway, minted.token_id, inputs, info)
    try:
        return _register_under_alias(gateway, minted, inputs)
    except _PASSING:
        raise
    except GatewayError:
        delivery.undo(minted.token_id, {} if is_begun else before)
        raise


def _take_up(
    gateway: GatewayClient, token_id: str, inputs: Mapping[str, Any], info: Mapping[str, Any]
) -> dict[str, Any]:
    """Bring a key that the gateway knows already to its declaration."""
    row = _change(gateway, token_id, compare(inputs, info).state, inputs)
    return dict(info) if row is None else row


def _register_under_alias(
    gateway: GatewayClient, minted: MintedKey, inputs: Mapping[str, Any]
) -> dict[str, Any]:
    """Make the gateway know a key, also if the key that it replaces still has its alias."""
    try:
        return _register(gateway, minted, inputs)
    except AliasTakenError:
        if not _rename_predecessor(gateway, inputs):
            raise
        return _register(gateway, minted, inputs)


def _register(gateway: GatewayClient, minted: MintedKey, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Make the gateway know a key, and see that it does."""
    body = Concealed(changes.creation(inputs), key=minted.value.get_secret_value())

    def known() -> dict[str, Any] | None:
        return gateway.info(minted.token_id)

    def send() -> dict[str, Any]:
        gateway.generate(body)
        info = known()
        if info is None:
            raise GatewayUnavailableError(gateway.url, "accepts a new key but doesn't store it")
        return info

    return settle(send, known)


def _rename_predecessor(gateway: GatewayClient, inputs: Mapping[str, Any]) -> bool:
    """Free an explicit alias that the key we are about to replace still has; say whether it did."""
    renamed = False
    for other in gateway.list_keys(alias=inputs["key_alias"]):
        if other.metadata.get(URN) == inputs["owner"]:
            gateway.update(other.token_id, {"key_alias": f"{other.alias}-{other.token_id[:7]}"})
            renamed = True
    return renamed


def read(
    gateway: GatewayClient, token_id: str, state: Mapping[str, Any], delivery: Delivery | None
) -> Found | None:
    """Compare a key with its state, at the gateway and where it was put; None if it is gone."""
    info = gateway.info(token_id)
    if info is None:
        return None
    found = compare(state, info)
    if delivery is None:
        return found
    version, wrong = delivery.look(token_id)
    deliver = {name: value for name, value in state["deliver"].items() if name != "drifted"}
    if wrong:
        deliver["drifted"] = wrong
    return Found(
        {**found.state, "deliver": deliver, "vault_version": version}, {**found.inputs, "deliver": deliver}
    )


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
    row = _change(gateway, token_id, olds, news)
    expires = olds.get("expires") if row is None else row.get("expires")
    if delivery is None:
        return _state(news, token_id, expires, {"key": olds["key"]})
    beside = facts(news, token_id, expires)
    if beside == facts(olds, token_id, olds.get("expires")):
        return _state(news, token_id, expires, _place(news, int(olds["vault_version"])))
    return _state(news, token_id, expires, _place(news, delivery.describe(beside)))


def _change(
    gateway: GatewayClient, token_id: str, olds: Mapping[str, Any], news: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Bring the gateway's row from the one to the other: the row as it is then, or None without a call."""
    changed = changes.changed_fields(olds, news)
    body, whole_metadata = changes.update(changed, olds, news)
    if whole_metadata:
        info = gateway.info(token_id)
        if info is None:
            raise KeyGoneError(gateway.url, token_id)
        body["metadata"] = changes.whole_metadata(info.get("metadata") or {}, changed, olds, news)
    if "duration" in body:
        body["duration"] = renewal.sent_duration(news, clock.now())
    if not body:
        return None

    def landed() -> dict[str, Any] | None:
        info = gateway.info(token_id)
        if info is None or not all(_has_landed(field, info, olds, news) for field in changed):
            return None
        return info if changes.has_metadata(info["metadata"], body.get("metadata", {})) else None

    return settle(lambda: gateway.update(token_id, body), landed)


def _state(
    inputs: Mapping[str, Any], token_id: str, expires: str | None, value: Mapping[str, Any]
) -> dict[str, Any]:
    return {**inputs, "token_id": token_id, "expires": expires or "", **value}


def _place(inputs: Mapping[str, Any], version: int) -> dict[str, Any]:
    """Say where a delivered key is: all that the state knows of its value beside the hash."""
    return {"vault_path": str(Destination.parse(inputs["deliver"])), "vault_version": version}


def _has_landed(
    field: Field, info: Mapping[str, Any], olds: Mapping[str, Any], news: Mapping[str, Any]
) -> bool:
    """Whether the gateway has a field as it is declared now."""
    declared = news.get(field.name)
    match field.stored:
        case Stored.NOWHERE:
            return True
        case Stored.EXPIRES:
            return (info.get("expires") or "") != olds.get("expires", "")
    live = live_value(field, info, news.get("metadata") or {})
    if declared is None:
        return not live or field.kind.same(field.kind.empty, spoken_of(field, olds[field.name], live))
    live = spoken_of(field, declared, live)
    return live is not None and field.kind.same(declared, live)


def delete(gateway: GatewayClient, token_id: str, delivery: Delivery | None) -> None:
    """Delete a key, and see that it is gone; then take it out of Vault. One that is gone is deleted.

    Raises
    ------
    providers.errors.ProviderError
        If the key is still there, or if that isn't known: it stays in the state.
    """
    try:
        _remove(gateway, token_id)
    except (GatewayNotReadyError, GatewayUnavailableError) as error:
        raise KeyNotDeletedError(token_id, error) from None
    if delivery:
        delivery.withdraw(token_id)


def _remove(gateway: GatewayClient, token_id: str) -> None:
    def gone() -> bool | None:
        return True if gateway.info(token_id) is None else None

    def send() -> bool:
        gateway.delete(token_id)
        return True

    settle(send, gone)
    if not gone():
        raise KeyStillAliveError(gateway.url, token_id)
