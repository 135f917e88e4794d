"""A key's row in its gateway: made, changed and removed once, whatever answer is lost on the way."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from providers.credentials import Concealed
from providers.litellm import changes, clock, renewal, revocation
from providers.litellm.client import GatewayClient
from providers.litellm.drift import is_meant, live_value, spoken_of
from providers.litellm.durations import parse_duration
from providers.litellm.errors import GatewayUnavailableError, KeyGoneError, KeyStillAliveError
from providers.litellm.fields import Field, Stored
from providers.litellm.key_state import shares_metadata
from providers.litellm.kinds import parse_instant
from providers.litellm.minted_key import MintedKey
from providers.litellm.ownership import marks
from providers.litellm.settling import settle

__all__ = ["change", "change_metadata", "mark", "register", "remove", "rename"]

_CLOCKS_DIFFER = timedelta(minutes=5)
"""And a month has more days, or less, than a duration in seconds says."""


def register(gateway: GatewayClient, minted: MintedKey, body: Mapping[str, Any]) -> dict[str, Any]:
    """Make the gateway know a key, and see that it does.

    Parameters
    ----------
    gateway
        That shall know it.
    minted
        The key.
    body
        Of /key/generate, without the key.

    Returns
    -------
    dict
        The key's row.

    Raises
    ------
    GatewayError
        If it was refused, or if it isn't known whether it was done.
    """
    whole = Concealed(body, key=minted.value.get_secret_value())

    def known() -> dict[str, Any] | None:
        return gateway.info(minted.token_id)

    def send() -> dict[str, Any]:
        gateway.generate(whole)
        info = known()
        if info is None:
            raise GatewayUnavailableError(gateway.url, "accepts a new key but doesn't store it")
        return info

    return settle(send, known)


def change(
    gateway: GatewayClient, token_id: str, olds: Mapping[str, Any], news: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Bring a key's row from one declaration to another: the row as it is then, or None without a call.

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

    Raises
    ------
    KeyGoneError
        If the key is gone.
    GatewayError
        If it was refused, or if it isn't known whether it was done.
    """
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
    rest = [field for field in changed if field.stored not in {Stored.NOWHERE, Stored.EXPIRES}]

    def landed() -> dict[str, Any] | None:
        info = gateway.info(token_id)
        if info is None or not all(_has_landed(field, info, olds, news) for field in rest):
            return None
        if "duration" in body and not _ends_after(body["duration"], info):
            return None
        return info if changes.has_metadata(info["metadata"], body.get("metadata", {})) else None

    return settle(lambda: gateway.update(token_id, body), landed)


def _has_landed(
    field: Field, info: Mapping[str, Any], olds: Mapping[str, Any], news: Mapping[str, Any]
) -> bool:
    """Whether the gateway has a field as it is declared now."""
    declared = news.get(field.name)
    live = live_value(field, info, news.get("metadata") or {}, is_shared=shares_metadata(olds))
    if declared is None:
        return not live or field.kind.same(field.kind.empty, spoken_of(field, olds[field.name], live))
    return is_meant(field, declared, spoken_of(field, declared, live))


def _ends_after(duration: str | None, info: Mapping[str, Any]) -> bool:
    """Whether a key ends when one does that was given this duration just now, by a clock near ours."""
    if duration is None or not info.get("expires"):
        return duration is None and not info.get("expires")
    lasts = timedelta(seconds=parse_duration(duration))
    return abs(parse_instant(info["expires"]) - clock.now() - lasts) <= max(_CLOCKS_DIFFER, lasts / 10)


def rename(gateway: GatewayClient, token_id: str, alias: str) -> None:
    """Give a key another alias. One that is gone needs none.

    Raises
    ------
    GatewayError
        If it was refused, or if it isn't known whether it was done.
    """

    def landed() -> bool | None:
        info = gateway.info(token_id)
        return True if info is None or info.get("key_alias") == alias else None

    def send() -> bool:
        gateway.update(token_id, {"key_alias": alias})
        return True

    settle(send, landed)


def mark(gateway: GatewayClient, token_id: str, urn: str) -> None:
    """Let a key bear the URN of a resource. One that is gone needs none.

    Raises
    ------
    GatewayError
        If it was refused, or if it isn't known whether it was done.
    """
    change_metadata(gateway, token_id, lambda live: {**live, **marks(urn)})


def change_metadata(
    gateway: GatewayClient, token_id: str, changed: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """Make a key's metadata another, unless it is so already. One that is gone has none.

    Parameters
    ----------
    gateway
        That may know it.
    token_id
        Hash of the key.
    changed
        Gives the metadata that it shall have, of the one that it has.

    Raises
    ------
    GatewayError
        If it was refused, or if it isn't known whether it was done.
    """

    def wanted() -> dict[str, Any] | None:
        info = gateway.info(token_id)
        live = (info or {}).get("metadata") or {}
        return None if info is None or changed(live) == live else changed(live)

    metadata = wanted()
    if metadata is not None:
        settle(
            lambda: gateway.update(token_id, {"metadata": metadata}),
            lambda: {} if wanted() is None else None,
        )


def remove(gateway: GatewayClient, token_id: str) -> None:
    """Delete a key, and see that it is gone. One that isn't there is deleted.

    Raises
    ------
    KeyStillAliveError
        If it is still there.
    GatewayError
        If it was refused, or if it isn't known whether it was done.
    """

    def gone() -> bool | None:
        return True if gateway.info(token_id) is None else None

    def send() -> bool:
        gateway.delete(token_id)
        return True

    settle(send, gone)
    if not gone():
        raise KeyStillAliveError(gateway.url, token_id)
    revocation.note(gateway.url)
