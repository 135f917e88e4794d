"""What differs between a key's state and its declaration, and what /key/generate and /key/update are told.

Everything follows from `fields.FIELDS`. Pure: no connection.
"""

from collections.abc import Mapping
from typing import Any

from providers.inputs import has_unknown
from providers.litellm import renewal
from providers.litellm.fields import BY_NAME, FIELDS, GATEWAY_METADATA, Clearing, Field, Stored
from providers.litellm.key_state import shares_metadata
from providers.litellm.own_inputs import OWN_INPUTS, OnChange, OwnInput
from providers.litellm.ownership import ADOPTED, OWN_METADATA, RETAINED, kept_marks, marks

__all__ = [
    "changed_fields",
    "changed_inputs",
    "creation",
    "declared_fields",
    "has_metadata",
    "replacing",
    "update",
    "user_metadata",
    "whole_metadata",
]


def declared_fields(inputs: Mapping[str, Any]) -> list[Field]:
    """List the fields that these inputs, or this state, speak of."""
    return [field for field in FIELDS if inputs.get(field.name) is not None]


def changed_fields(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[Field]:
    """List the fields whose declaration means something else than the state; unknown counts as changed."""
    return [
        field
        for field in FIELDS
        if _differs(field, olds.get(field.name), news.get(field.name))
        or (field.stored is Stored.EXPIRES and renewal.moves_expiry(olds, news))
    ]


def _differs(field: Field, old: Any, new: Any) -> bool:
    if field.name == "key_alias" and new is None:
        return False  # an adopted key keeps its own until one is declared
    if old is None or new is None:
        return (old is None) is not (new is None)
    return has_unknown(new) or not field.kind.same(new, old)


def changed_inputs(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    """Name everything that differs, the connection and the owner included."""
    changed = [field.name for field in changed_fields(olds, news)]
    return changed + [own.name for own in _changed_own(olds, news)]


def replacing(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    """Name the changes that only a new key can follow."""
    fields = [
        field.name
        for field in changed_fields(olds, news)
        if (field.clearing is Clearing.REPLACE if news.get(field.name) is None else field.replaces)
    ]
    return fields + [own.name for own in _changed_own(olds, news) if _asks_for_another_key(own, olds, news)]


def _changed_own(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[OwnInput]:
    return [own for own in OWN_INPUTS if own.differs(olds, news)]


def _asks_for_another_key(own: OwnInput, olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    if own.on_change is OnChange.REPLACE_FURTHER:
        return own.name in olds and own.name in news
    return own.on_change is OnChange.REPLACE


# --- requests --------------------------------------------------------------------------------------------


def creation(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Write the body of /key/generate, without the key itself."""
    declared = declared_fields(inputs)
    body = {field.api: sendable(inputs[field.name]) for field in declared if not field.by_metadata}
    body["metadata"] = {**_inside(inputs), **body.get("metadata", {}), **_marks(inputs)}
    return body


def update(
    changed: list[Field], olds: Mapping[str, Any], news: Mapping[str, Any]
) -> tuple[dict[str, Any], bool]:
    """Write the body of /key/update for the changed fields alone.

    Returns
    -------
    tuple
        The body, without the key, and whether the whole `metadata` has to go with it: it is replaced as a
        whole, and the only way to take something out.
    """
    body: dict[str, Any] = {}
    whole = olds.get("owner") != news.get("owner") or _is_retained(olds) != _is_retained(news)
    for field in [*changed, *_forgotten(changed, news)]:
        if field.clearing is Clearing.NEVER:
            continue
        if _lives_in_metadata(field, news):
            whole = True
        else:
            body[field.api] = _sent(field, olds.get(field.name), news.get(field.name))
    return body, whole


def _forgotten(changed: list[Field], news: Mapping[str, Any]) -> list[Field]:
    """List the fields that the gateway may have forgotten because of what one of the changed ones was."""
    names = {field.name for field in changed}
    return [field for field in declared_fields(news) if field.only_with in names and field.name not in names]


def _lives_in_metadata(field: Field, news: Mapping[str, Any]) -> bool:
    """Whether only a whole `metadata` can change the field as it is meant to."""
    if field.stored is Stored.USER_METADATA or field.by_metadata:
        return True
    return field.clearing is Clearing.METADATA and news.get(field.name) is None


def _sent(field: Field, old: Any, new: Any) -> Any:
    match field.clearing:
        case Clearing.MEMBERS:
            return {**_emptied(old or {}), **sendable(new or {})}
        case Clearing.EMPTY if new is None:
            return field.kind.empty
    return sendable(new)


def _emptied(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: type(old)() if isinstance(old, list | dict) else None for name, old in members.items()}


def whole_metadata(
    live: Mapping[str, Any], changed: list[Field], olds: Mapping[str, Any], news: Mapping[str, Any]
) -> dict[str, Any]:
    """Merge the metadata that a key shall have.

    Parameters
    ----------
    live
        The metadata as the gateway has it.
    changed
        The fields that change; those among them that live in the metadata are left out: they are cleared, or
        go as parameters, which the gateway merges into it.
    olds
        The state. What stood in its metadata was the user's, even if the gateway knows the name too.
    news
        The inputs.

    Returns
    -------
    dict
        The user's part as declared, or as it is if nothing was ever declared (of an adopted key and its
        heirs, each name by itself); the gateway's own as it is; our marks, and those of a succession.
    """
    sent = {field.api for field in changed if field.stored is Stored.METADATA} | {
        *(olds.get("metadata") or ())
    }
    if shares_metadata(olds):
        theirs = user_metadata(live, {})
        users = {name: value for name, value in theirs.items() if name not in sent}
        users |= sendable(news.get("metadata") or {})
    elif "metadata" in {field.name for field in changed} or news.get("metadata") is not None:
        users = dict(sendable(news.get("metadata") or {}))
    else:
        users = user_metadata(live, {})
    gateways = {name: value for name, value in live.items() if name in GATEWAY_METADATA and name not in sent}
    adopted = {ADOPTED: True} if olds.get("adopted") else {}
    return {**gateways, **_inside(news), **users, **adopted, **kept_marks(live), **_marks(news)}


def _marks(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {**marks(inputs["owner"]), **({RETAINED: True} if _is_retained(inputs) else {})}


def _is_retained(inputs: Mapping[str, Any]) -> bool:
    return bool(inputs.get("retain_on_delete"))


def has_metadata(live: Mapping[str, Any], sent: Mapping[str, Any]) -> bool:
    """Whether a key has all of this metadata; the gateway spells some of its own in another way."""
    return all(name in live and _same_metadata(name, value, live[name]) for name, value in sent.items())


def _same_metadata(name: str, sent: Any, live: Any) -> bool:
    field = BY_NAME.get(name)
    return field.kind.same(sent, live) if field and field.by_metadata else bool(sent == live)


def _inside(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Take the fields that have no parameter of their own at the API."""
    return {field.api: sendable(inputs[field.name]) for field in declared_fields(inputs) if field.by_metadata}


def user_metadata(live: Mapping[str, Any], declared: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is the user's of a key's metadata.

    Parameters
    ----------
    live
        The metadata as the gateway has it.
    declared
        The declared metadata: a name that stands in it is the user's even if the gateway knows it too.
    """
    return {
        name: value
        for name, value in live.items()
        if name not in OWN_METADATA and (name in declared or name not in GATEWAY_METADATA)
    }


def sendable(value: Any) -> Any:
    """Undo Pulumi's floats: 10.0 was declared as 10."""
    match value:
        case Mapping():
            return {name: sendable(item) for name, item in value.items()}
        case list():
            return [sendable(item) for item in value]
        case float() if value.is_integer():
            return int(value)
    return value
