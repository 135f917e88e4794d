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

from providers.litellm import changes
from providers.litellm.client import GatewayClient
from providers.litellm.drift import Found, compare, live_value, spoken_of
from providers.litellm.errors import (
    AliasTakenError,
    GatewayNotReadyError,
    GatewayUnavailableError,
    KeyGoneError,
    KeyNotDeletedError,
    KeyStillAliveError,
)
from providers.litellm.fields import Field, Stored
from providers.litellm.ownership import URN
from providers.litellm.settling import settle

__all__ = ["MintedKey", "create", "delete", "read", "update"]


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


def create(gateway: GatewayClient, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Mint a key.

    Parameters
    ----------
    gateway
        That shall know it.
    inputs
        As `checks.check_inputs` has completed them.

    Returns
    -------
    dict
        The state: the inputs, `key`, `token_id` and `expires`.

    Raises
    ------
    providers.errors.ProviderError
        If the gateway refused it, or if it isn't known whether the key is there: the next create finds it by
        its URN.
    """
    for token_id in gateway.orphans.of(inputs["owner"]):
        _remove(gateway, token_id)
    minted = MintedKey.mint()
    try:
        info = _register(gateway, minted, inputs)
    except AliasTakenError:
        if not _rename_predecessor(gateway, inputs):
            raise
        info = _register(gateway, minted, inputs)
    return _state(inputs, minted.value.get_secret_value(), minted.token_id, info.get("expires"))


def _register(gateway: GatewayClient, minted: MintedKey, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Make the gateway know a key, and see that it does."""
    body = {"key": minted.value.get_secret_value(), **changes.creation(inputs)}

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


def read(gateway: GatewayClient, token_id: str, state: Mapping[str, Any]) -> Found | None:
    """Compare a key with its state; None if it is gone."""
    info = gateway.info(token_id)
    return None if info is None else compare(state, info)


def update(
    gateway: GatewayClient, token_id: str, olds: Mapping[str, Any], news: Mapping[str, Any]
) -> dict[str, Any]:
    """Send what has changed, and nothing else. A change of the connection alone makes no call.

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

    Returns
    -------
    dict
        The new state.

    Raises
    ------
    KeyGoneError
        If the key is gone.
    providers.errors.ProviderError
        If the gateway refused it, or if it isn't known whether it is done: to do it again does no harm.
    """
    changed = changes.changed_fields(olds, news)
    body, whole_metadata = changes.update(changed, olds, news)
    if whole_metadata:
        info = gateway.info(token_id)
        if info is None:
            raise KeyGoneError(gateway.url, token_id)
        body["metadata"] = changes.whole_metadata(info.get("metadata") or {}, changed, news)
    if not body:
        return _state(news, olds["key"], token_id, olds.get("expires"))

    def landed() -> dict[str, Any] | None:
        info = gateway.info(token_id)
        if info is None or not all(_has_landed(field, info, olds, news) for field in changed):
            return None
        return info if body.get("metadata", {}).items() <= info["metadata"].items() else None

    row = settle(lambda: gateway.update(token_id, body), landed)
    return _state(news, olds["key"], token_id, row.get("expires"))


def _state(inputs: Mapping[str, Any], value: str, token_id: str, expires: str | None) -> dict[str, Any]:
    return {**inputs, "key": value, "token_id": token_id, "expires": expires or ""}


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


def delete(gateway: GatewayClient, token_id: str) -> None:
    """Delete a key, and see that it is gone. One that is gone already is deleted.

    Raises
    ------
    providers.errors.ProviderError
        If the key is still there, or if that isn't known: it stays in the state.
    """
    try:
        _remove(gateway, token_id)
    except (GatewayNotReadyError, GatewayUnavailableError) as error:
        raise KeyNotDeletedError(token_id, error) from None


def _remove(gateway: GatewayClient, token_id: str) -> None:
    def gone() -> bool | None:
        return True if gateway.info(token_id) is None else None

    def send() -> bool:
        gateway.delete(token_id)
        return True

    settle(send, gone)
    if not gone():
        raise KeyStillAliveError(gateway.url, token_id)
