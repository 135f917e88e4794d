"""What this process has heard of the state.

The engine shows a provider one resource at a time: `diff` alone tells which key the state has, and nothing
tells `delete` whether a key is destroyed or has been replaced. What was heard before answers that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from providers.litellm.adopt_input import names_another
from providers.litellm.ownership import urn_of
from providers.litellm.rotation import grace_of

__all__ = [
    "Current",
    "current",
    "forget",
    "heir",
    "is_in_state",
    "note",
    "note_taken",
    "other_of_alias",
    "same_user",
    "stays",
    "urns_of",
    "was_taken",
]


@dataclass(frozen=True)
class Current:
    """The key of a resource.

    Attributes
    ----------
    token_id
        SHA-256 of the key, hex.
    grace
        How long a predecessor of it lives on.
    urn
        That it bears; its resource may have got another one since.
    inherited
        What its metadata says of its predecessor, if it was minted by this process.
    is_adopted
        It wasn't minted for this resource.
    yields
        Another key is to be adopted in its place.
    is_going
        It is to be replaced.
    declared
        Names of which the state speaks; None if a successor keeps nothing else.
    metadata
        Names in the metadata of which the state speaks.
    """

    token_id: str
    grace: str
    urn: str
    inherited: Mapping[str, Any] | None = None
    is_adopted: bool = False
    yields: bool = False
    is_going: bool = False
    declared: frozenset[str] | None = None
    metadata: frozenset[str] = frozenset()

    @classmethod
    def of_state(
        cls,
        token_id: str,
        olds: Mapping[str, Any],
        news: Mapping[str, Any],
        *,
        is_going: bool,
        keeps_undeclared: bool = True,
    ) -> Self:
        """Take what a diff tells of a key: the state and the inputs."""
        declared = frozenset(name for name, value in olds.items() if value is not None)
        return cls(
            token_id,
            grace_of(news),
            urn_of(olds["owner"]),
            is_adopted=bool(olds.get("adopted")),
            yields=names_another(olds, news),
            is_going=is_going,
            declared=declared if keeps_undeclared else None,
            metadata=frozenset(olds.get("metadata") or ()),
        )


_current: dict[str, Current] = {}
_owners: dict[str, str] = {}
_renamed: dict[str, str] = {}
_users: dict[str, str] = {}
_taken: dict[str, str] = {}
_aliases: dict[tuple[str, str], str] = {}


def note(urn: str, key: Current) -> None:
    """Note which key a resource has, as the state says or as it was made just now."""
    _current[urn] = key
    _owners[key.token_id] = urn
    if key.urn != urn:
        _renamed[key.urn] = urn


def current(urn: str) -> Current | None:
    """Give the key of a resource.

    None for a new resource, but also for one that is replaced by force (`pulumi up --replace`): of that the
    engine tells a provider nothing.
    """
    return _current.get(urn)


def urns_of(urn: str) -> list[str]:
    """List the URN of a resource, and the one that its key bears if it has got another one since."""
    found = _current.get(urn)
    return list(dict.fromkeys([urn, found.urn if found else urn]))


def is_in_state(token_id: str) -> bool:
    """Whether the state has, or had when this process began, this key."""
    return token_id in _owners


def stays(token_id: str) -> bool:
    """Whether a resource has this key, and goes on with it."""
    found = _current.get(_owners.get(token_id, ""))
    return found is not None and found.token_id == token_id and not found.is_going


def heir(token_id: str, urn: str) -> Current | None:
    """Give the key that has taken the place of another one; None if none has, so that this one is destroyed.

    It bears the URN that the resource has now, or will when this run has ended.

    Parameters
    ----------
    token_id
        Hash of the key that is to go.
    urn
        What its state says of its resource, which may have got another URN since.
    """
    owner = _owners.get(token_id) or _renamed.get(urn, urn)
    found = _current.get(owner)
    return replace(found, urn=owner) if found and found.token_id != token_id else None


def note_taken(urn: str, token_id: str) -> None:
    """Note that a key was adopted by this process."""
    _taken[token_id] = urn


def was_taken(token_id: str) -> bool:
    """Whether a key was adopted by this process: to delete it as its own predecessor would end it."""
    return token_id in _taken


def other_of_alias(gateway: str, alias: str, urn: str) -> str | None:
    """Note that a resource declares an alias, and give the URN of another one that does too.

    Parameters
    ----------
    gateway
        URL: an alias is unique at each.
    alias
        As declared.
    urn
        Of the resource.
    """
    first = _aliases.setdefault((gateway, alias), urn)
    return None if first == urn else first


def same_user(urn: str, user_id: str | None) -> str | None:
    """Note the gateway's user of a resource, or give the one that was noted: a successor is of the same.

    Parameters
    ----------
    urn
        Of the resource, which may have had another one when its user was made.
    user_id
        Of the user, if the engine tells of a state.
    """
    if user_id:
        _users[urn] = user_id
    return _users.get(urn)


def forget(urn: str | None = None) -> None:
    """Forget a resource, or all of them, as if this process began now."""
    of_resources: tuple[dict[str, Any], ...] = (_current, _users)
    for known in of_resources:
        for resource in list(known) if urn is None else [urn]:
            known.pop(resource, None)
    to_resources: tuple[dict[Any, str], ...] = (_owners, _renamed, _taken, _aliases)
    for index in to_resources:
        for name in [name for name, resource in index.items() if urn in (None, resource)]:
            del index[name]
