"""What an interrupted replacement has begun, when the program wants the state's key after all.

It has left a successor that stands in no state. One that was staged, and handed to nobody, goes. Any other
ends as a predecessor does, unless it stands where the key is delivered: then consumers read it, the next
refresh finds it there, and the replacement is completed. A key that was to be adopted is given back.
"""

from providers.litellm.adoption import give_back
from providers.litellm.checks import with_suffix
from providers.litellm.client import GatewayClient, ListedKey
from providers.litellm.delivery import Delivery
from providers.litellm.known import Current
from providers.litellm.ownership import ADOPTED, URN
from providers.litellm.registration import remove, rename
from providers.litellm.succession import is_superseded, retire, supersedes

__all__ = ["free_alias", "is_begun", "remove_staged"]


def is_begun(gateway: GatewayClient, staged: str, token_id: str, urn: str) -> bool:
    """Whether what stands in Vault as a begun successor is one, and not somebody else's key.

    Parameters
    ----------
    gateway
        That may know it.
    staged
        Its hash.
    token_id
        Hash of the key that it would follow.
    urn
        Of that key's resource.
    """
    row = gateway.info(staged)
    metadata = (row or {}).get("metadata") or {}
    return row is None or metadata.get(URN) == urn or supersedes(metadata) == token_id


def remove_staged(gateway: GatewayClient, token_id: str, delivery: Delivery) -> None:
    """Remove the successor that was staged beside a key: no consumer has ever read it.

    Parameters
    ----------
    gateway
        That may know it.
    token_id
        Hash of the key that stays.
    delivery
        Where the key is.
    """
    staged = delivery.staged_beside(token_id)
    if staged and is_begun(gateway, staged, token_id, delivery.owner):
        remove(gateway, staged)
        delivery.unstage(staged)


def free_alias(gateway: GatewayClient, alias: str, key: Current, delivery: Delivery | None) -> bool:
    """Take an alias from whatever was to take a key's place, and let that end or give it back.

    Parameters
    ----------
    gateway
        That knows both.
    alias
        That the key is to have.
    key
        That stays.
    delivery
        Where the key is.

    Returns
    -------
    bool
        Whether the alias is free now; it isn't if somebody else's key has it.
    """
    called = [each for each in gateway.list_keys(alias=alias) if each.alias == alias]
    holders = [each for each in called if _is_of_line(each, key)]
    for holder in holders:
        if supersedes(holder.metadata) == key.token_id:
            _let_end(gateway, holder.token_id, key, delivery)
        # Last but for an adopted key's marks: by the alias it is found again, should this be interrupted.
        rename(gateway, holder.token_id, with_suffix(alias, holder.token_id[:7]))
        if ADOPTED in holder.metadata and not is_superseded(holder.metadata):
            give_back(gateway, holder.token_id, None)
    return bool(holders)


def _is_of_line(holder: ListedKey, key: Current) -> bool:
    """Whether a key was adopted for the same resource, has followed another one of it, or was followed."""
    if holder.token_id == key.token_id:
        return False
    former = supersedes(holder.metadata)
    is_known = ADOPTED in holder.metadata or is_superseded(holder.metadata) or former is not None
    return former == key.token_id or (is_known and holder.metadata.get(URN) == key.urn)


def _let_end(gateway: GatewayClient, token_id: str, key: Current, delivery: Delivery | None) -> None:
    """Let a successor end, unless consumers read it; none that is to end may be taken up as a staged one."""
    if delivery is None:
        retire(gateway, token_id, key)
    elif not delivery.stands(token_id):
        delivery.unstage(token_id)
        retire(gateway, token_id, key)
