"""What one key can't see: its template, the models and other keys of the stack, and the stack's policy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic.alias_generators import to_camel

from providers.inputs import UNKNOWN, nearest
from providers.litellm.adopt_input import adopt_problems
from providers.litellm.checks import check_inputs
from schema import NAMESPACE, KeyPolicy, KeySettings, Settings, TemplateSettings
from schema.vault import OWN_PATHS

__all__ = ["key_problems"]

# LiteLLM's own words for "what the team may use" and "everything"; a wildcard names a provider's models.
_SPECIAL_MODELS = ("all-team-models", "all-proxy-models")
_BY_TEMPLATE = {"alias": "alias_prefix", "duration": "ttl"}
"""What a template says in another word than a key."""
_BY_APP = {"deliver": "path"}
"""What an app's key says in another word than a key."""


@dataclass(frozen=True)
class _Key:
    """One key of the stack, and where each of its fields is said."""

    settings: KeySettings
    fields: Mapping[str, Any]
    place: str
    template: TemplateSettings | None

    def where(self, field: str) -> str:
        """Name the key of the configuration that says a field."""
        if getattr(self.settings, field, None) is None and self.template is not None:
            shared = _BY_TEMPLATE.get(field, field)
            if getattr(self.template, shared, None):
                return f"{NAMESPACE}:templates.{self.settings.template}.{to_camel(shared)}"
        own = _BY_APP.get(field, field) if self.place.startswith("apps") else field
        return f"{NAMESPACE}:{self.place}.{to_camel(own)}"


def key_problems(settings: Settings) -> list[str]:
    """Say what is wrong with the keys, a sentence each."""
    keys = [
        _Key(key, settings.fields_of(key), place, settings.templates.get(key.template or ""))
        for place, key in settings.every_key()
    ]
    problems = [*_shared_by_two(keys)]
    for key in keys:
        problems += _unknown_template(key, settings)
        problems += _unknown_models(key, [model.name for model in settings.models])
        problems += _where_the_gateway_reads(key, settings.vault.mount)
        problems += _refused_by_the_provider(key)
        problems += _against_policy(key, settings.key_policy)
    return list(dict.fromkeys(problems))  # what a template says is said once, not by each of its keys


def _shared_by_two(keys: list[_Key]) -> Iterator[str]:
    """Find what only one key may have."""
    seen: dict[tuple[str, str], str] = {}
    for key in keys:
        for field, value in (
            ("name", key.settings.name),
            ("alias", key.fields.get("alias")),
            ("adopt", _adopted(key.fields.get("adopt"))),
            ("deliver", _place(key.fields.get("deliver"))),
        ):
            if value is not None and (first := seen.setdefault((field, value), key.place)) != key.place:
                yield (
                    f"{key.where(field)}: {value!r} is the {_NOUNS.get(field, field)} of {first} too; "
                    "each key needs one of its own"
                )


_NOUNS = {"adopt": "key", "deliver": "place"}


def _adopted(adopt: str | None) -> str | None:
    """Give the name of a key, which is repeated to the user; what may be a key itself is not."""
    return adopt if adopt and not any(adopt_problems(adopt)) else None


def _place(deliver: Mapping[str, Any] | None) -> str | None:
    return f"{deliver['mount']}/{deliver['path']}" if deliver else None


def _where_the_gateway_reads(key: _Key, mount: str) -> Iterator[str]:
    """Refuse the paths that hold the gateway's own credentials: a key would take their place, or be read."""
    place = _place(key.fields.get("deliver"))
    if place in [f"{mount}/{own}" for own in OWN_PATHS]:
        yield f"{key.where('deliver')}: {place} holds the gateway's own credentials; choose another path"


def _unknown_template(key: _Key, settings: Settings) -> Iterator[str]:
    name = key.settings.template
    if name is not None and key.template is None:
        known = ", ".join(settings.templates) or "none"
        yield (
            f"{key.where('template')}: {name!r} is not in {NAMESPACE}:templates ({known})"
            f"{nearest(name, settings.templates)}"
        )


def _unknown_models(key: _Key, known: list[str]) -> Iterator[str]:
    for name in key.fields.get("models", ()):
        if name not in known and name not in _SPECIAL_MODELS and "*" not in name:
            yield (
                f"{key.where('models')}: {name!r} is not in the model list ({', '.join(known)})"
                f"{nearest(name, known)}"
            )


def _refused_by_the_provider(key: _Key) -> Iterator[str]:
    """Ask the provider's own check, which a preview would ask too, but which can't name the configuration."""
    _, problems = check_inputs({}, {**key.fields, "gateway": UNKNOWN, "owner": UNKNOWN})
    for problem in problems:
        yield f"{key.where(problem.field)}: {problem.reason}"


def _against_policy(key: _Key, policy: KeyPolicy) -> Iterator[str]:
    if policy.require_models and not key.fields.get("models"):
        yield f"{key.where('models')}: is missing; {NAMESPACE}:keyPolicy.requireModels wants a list of models"
    budget = key.fields.get("max_budget")
    if budget is None and (policy.require_max_budget or policy.max_budget is not None):
        demand = "requireMaxBudget" if policy.require_max_budget else "maxBudget"
        yield f"{key.where('max_budget')}: is missing; {NAMESPACE}:keyPolicy.{demand} wants a budget in USD"
    elif budget is not None and policy.max_budget is not None and budget > policy.max_budget:
        yield (
            f"{key.where('max_budget')}: {budget:g} is more than {NAMESPACE}:keyPolicy.maxBudget, "
            f"which is {policy.max_budget:g}"
        )
