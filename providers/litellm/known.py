"""What this process has heard of the state.

The engine shows a provider one resource at a time: `diff` alone tells which key the state has, and nothing
tells `delete` whether a key is destroyed or has been replaced. What was heard before answers that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Current", "current", "forget", "heir", "note"]


@dataclass(frozen=True)
class Current:
    """The key of a resource.

    Attributes
    ----------
    token_id
        SHA-256 of the key, hex.
    grace
        How long a predecessor of it lives on.
    inherited
        What its metadata says of its predecessor, if it was minted by this process.
    """

    token_id: str
    grace: str
    inherited: Mapping[str, Any] | None = None


_current: dict[str, Current] = {}
_owners: dict[str, str] = {}


def note(urn: str, key: Current) -> None:
    """Note which key a resource has, as the state says or as it was made just now."""
    _current[urn] = key
    _owners[key.token_id] = urn


def current(urn: str) -> Current | None:
    """Give the key of a resource.

    None for a new resource, but also for one that is replaced by force (`pulumi up --replace`): of that the
    engine tells a provider nothing.
    """
    return _current.get(urn)


def heir(token_id: str, urn: str) -> Current | None:
    """Give the key that has taken the place of another one; None if none has, so that this one is destroyed.

    Parameters
    ----------
    token_id
        Hash of the key that is to go.
    urn
        What its state says of its resource, which may have got another URN since.
    """
    found = _current.get(_owners.get(token_id, urn))
    return found if found and found.token_id != token_id else None


def forget(urn: str | None = None) -> None:
    """Forget a resource, or all of them, as if this process began now."""
    for known in list(_current) if urn is None else [urn]:
        _current.pop(known, None)
    for token_id in [token_id for token_id, owner in _owners.items() if urn in (None, owner)]:
        del _owners[token_id]
