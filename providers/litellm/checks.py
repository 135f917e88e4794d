"""What is refused before anything is made, and what is only warned of. Pure: no connection, no file."""

import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from providers.inputs import UNKNOWN, Problem, has_unknown, nearest
from providers.litellm import clock, renewal, rotation
from providers.litellm.durations import parse_duration
from providers.litellm.fields import BY_NAME, FIELDS, Field, Stored
from providers.litellm.kinds import TEXT
from providers.litellm.own_inputs import OWN_BY_NAME, OWN_INPUTS
from providers.litellm.ownership import OWN_METADATA, resource_name

__all__ = ["alias_problem", "automatic_alias", "check_inputs", "parse_duration", "warnings", "with_suffix"]

_ALIAS_LENGTH = 255
_SUFFIX = re.compile(r"-[0-9a-f]{7}\Z")
_PARENT_SEGMENT = re.compile(r"(^|/)\.\.(/|$)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")

_PASSED_OVER = ("alias", "__provider")
_NO_INPUTS = {
    **dict.fromkeys(("minted", "renewed"), "is set by this resource itself; leave it out"),
    "key_alias": "is an output; declare it as `alias`",
}
"""What is completed here, and would be taken for that -> why a program can't declare it."""
_ENCRYPTED = ("callback_settings",)
_NEEDS = (
    ("temp_budget_increase", "temp_budget_expiry"),
    ("temp_budget_expiry", "temp_budget_increase"),
    ("auto_rotate", "rotation_interval"),
    ("rotation_interval", "auto_rotate"),
    ("service_account_id", "team_id"),
)
"""Fields that the gateway overlooks or refuses without the other."""


def check_inputs(olds: Mapping[str, Any], news: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Check a key's inputs and complete them with its alias and what else follows from them.

    Parameters
    ----------
    olds
        The inputs of the last time; empty for a new key, and for the successor in a replacement.
    news
        The inputs of now, in which parts may be unknown.

    Returns
    -------
    tuple
        The completed inputs, and what is wrong with them.
    """
    declared = {name: _said(name, value) for name, value in news.items() if value is not None}
    problems = [Problem(name, reason) for name, reason in _NO_INPUTS.items() if name in declared]
    inputs = {name: value for name, value in declared.items() if name not in _NO_INPUTS}
    if (alias := _effective_alias(olds, inputs)) is not None:
        inputs["key_alias"] = alias
    inputs |= rotation.completed(olds, inputs, clock.now())
    inputs |= renewal.completed(olds, inputs, clock.now())
    return inputs, problems + list(_problems(inputs))


def _said(name: str, value: Any) -> Any:
    return OWN_BY_NAME[name].said(value) if name in OWN_BY_NAME else value


def _effective_alias(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Any:
    """Take the declared alias, or keep the automatic one, or make one: `<name>-<7 hex>`.

    None for a key that is, or was, adopted with an alias of its own.
    """
    if "alias" in news:
        return news["alias"]
    if "key_alias" not in olds if olds else "adopt" in news:
        return None
    owner = news.get("owner", UNKNOWN)
    if not isinstance(owner, str) or owner == UNKNOWN:
        return UNKNOWN
    name = resource_name(owner)
    kept = olds.get("key_alias")
    if isinstance(kept, str) and _SUFFIX.search(kept) and kept == with_suffix(name, kept[-7:]):
        return kept
    return automatic_alias(name)


def automatic_alias(name: str) -> str:
    """Make an alias as Pulumi makes names: `<name>-<7 hex>`."""
    return with_suffix(name, secrets.token_hex(4)[:7])


def with_suffix(alias: str, suffix: str) -> str:
    """Write a suffix behind an alias, of which as much is left as the gateway takes."""
    return f"{alias[: _ALIAS_LENGTH - len(suffix) - 1]}-{suffix}"


def _problems(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    for name, value in {"gateway": None, **inputs}.items():
        if name in OWN_BY_NAME:
            yield from (Problem(name, reason) for reason in OWN_BY_NAME[name].problems(value))
            continue
        if name in _PASSED_OVER or has_unknown(value):
            continue
        field = BY_NAME.get(name)
        if field is None:
            own = [own.name for own in OWN_INPUTS if not own.ours]
            known = [*(set(BY_NAME) - {"key_alias"}), "alias", *own]
            yield Problem(name, f"{name!r} is not a field of a virtual key{nearest(name, known)}")
        elif name == "key_alias":
            if reason := alias_problem(value):
                yield Problem("alias", reason)
        elif reason := field.kind.problem(value):
            yield Problem(name, reason)
        elif name == "metadata":
            yield from _metadata_problems(value)
    yield from _pair_problems(inputs)
    yield from renewal.problems(inputs)


def alias_problem(alias: Any) -> str | None:
    """Say why the gateway would refuse an alias, or nothing."""
    if not isinstance(alias, str) or not alias:
        return TEXT.problem(alias)
    if len(alias) > _ALIAS_LENGTH:
        return f"is {len(alias)} characters long; the gateway takes at most {_ALIAS_LENGTH}"
    if _PARENT_SEGMENT.search(alias) or _CONTROL.search(alias):
        return f"{alias!r}: the gateway refuses '..' between slashes, and control characters"
    return None


def _metadata_problems(metadata: Mapping[str, Any]) -> Iterator[Problem]:
    for name in metadata:
        if name in OWN_METADATA:
            yield Problem("metadata", f"{name!r} is written by this resource itself; choose another name")
        elif name in _ENCRYPTED:
            yield Problem("metadata", f"the gateway encrypts what stands in {name!r}; set `logging` instead")
        elif name in BY_NAME and BY_NAME[name].stored is Stored.METADATA and not BY_NAME[name].licensed:
            yield Problem(
                "metadata", f"{name!r} is where the gateway keeps the field {name}; set that instead"
            )


def _pair_problems(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    """Fields that the gateway takes only together, or that undo one another."""
    known = {name: value for name, value in inputs.items() if not has_unknown(value)}
    for one, other in _NEEDS:
        if known.get(one) and other not in inputs:
            yield Problem(one, f"the gateway doesn't take it without {other}; set both")
    if "consumer" in inputs and "deliver" not in inputs:
        yield Problem("consumer", "a key that isn't delivered to Vault reaches no consumer; set deliver too")
    if "soft_budget" in known and "budget_id" in known:
        yield Problem(
            "soft_budget", "with budget_id the gateway writes it into that shared budget; set it there"
        )
    if known.get("key_type", "default") != "default" and "allowed_routes" in known:
        yield Problem("key_type", "it stands for a list of allowed_routes; set one of the two")
    metadata = inputs.get("metadata")
    for name in metadata if isinstance(metadata, Mapping) else ():
        if name in inputs and name in BY_NAME and BY_NAME[name].licensed:
            yield Problem("metadata", f"{name!r} is declared as a field of its own too; keep one")


# --- warnings --------------------------------------------------------------------------------------------


def warnings(declared: Mapping[str, Any]) -> list[str]:
    """Say what is allowed but may not be what was meant.

    Parameters
    ----------
    declared
        Fields as the program gives them; those that another resource completes are passed over.
    """
    return [text for field in FIELDS for text in _warnings(field, declared.get(field.name))]


def _warnings(field: Field, value: Any) -> Iterator[str]:
    if field.licensed and value is not None:
        yield f"{field.name}: only a licensed LiteLLM takes it; the open-source gateway refuses the key"
    if field.nothing_at_zero and _holds_zero(value):
        yield f"{field.name}: 0 means that nothing is allowed; leave it out for no limit"
    if field.name == "models" and value == []:
        yield "models: an empty list means every model"
    if field.name == "auto_rotate" and value is True:
        yield "auto_rotate: when the gateway rotates the key by itself, this resource is gone for Pulumi"


def _holds_zero(value: Any) -> bool:
    match value:
        case Mapping():
            return any(map(_holds_zero, value.values()))
        case list():
            return any(map(_holds_zero, value))
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 0
