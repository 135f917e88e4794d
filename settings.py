"""Reads a stack's configuration: the only reader of `pulumi.Config`.

Every key lives in the project's namespace (`llm-gateway:vault`, `llm-gateway:keys`, ...) and is checked here,
before a single resource is declared. An error names the key, what it got and what it takes.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, get_args

import pulumi
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from providers.inputs import nearest
from schema import NAMESPACE, KubernetesAuthSettings, Section, Settings, SettingsError
from schema.app_rules import app_problems
from schema.database_rules import database_problems
from schema.foundation import FOUNDATION, FoundationSettings
from schema.key_rules import key_problems

__all__ = ["load", "load_foundation"]

Root = TypeVar("Root", bound=Section)

# --- what one section can't see --------------------------------------------------------------------------


def _cross_checks(settings: Settings) -> list[str]:
    problems = []
    for index, model in enumerate(settings.models):
        if model.api_key_env and model.api_key_env not in settings.provider_keys:
            problems.append(
                f"{NAMESPACE}:models[{index}].apiKeyEnv: {model.api_key_env} is not in "
                f"{NAMESPACE}:providerKeys{nearest(model.api_key_env, settings.provider_keys)}"
            )
    problems += key_problems(settings) + app_problems(settings) + database_problems(settings)
    problems += _mount_problems(settings)
    for variable, wanted in _required_environment(settings):
        if variable not in os.environ and not pulumi.runtime.is_dry_run():
            problems.append(f"{NAMESPACE}:{wanted}: the environment variable {variable} is not set")
    return problems


def _mount_problems(settings: Settings) -> Iterable[str]:
    """Let no two clusters share an auth method: an identity of one would be one of the other."""
    own = settings.vault.auth
    taken = {own.mount: "vault.auth"} if isinstance(own, KubernetesAuthSettings) else {}
    names: dict[str, int] = {}
    for index, cluster in enumerate(settings.clusters):
        if (first := names.setdefault(cluster.name, index)) != index:
            yield f"{NAMESPACE}:clusters[{index}].name: {cluster.name!r} is the name of clusters[{first}] too"
        here = f"clusters[{index}].auth"
        if (holder := taken.setdefault(cluster.auth.mount, here)) != here:
            yield (
                f"{NAMESPACE}:{here}.mount: {cluster.auth.mount!r} is the mount of {holder} too; "
                f"each cluster needs its own"
            )


def _required_environment(settings: Settings) -> Iterable[tuple[str, str]]:
    if settings.database.url and settings.database.url.env:
        yield settings.database.url.env, "database.url.env"
    for name, key in settings.provider_keys.items():
        if key.env:
            yield key.env, f"providerKeys.{name}.env"


# The keys that may hold secrets themselves.
_SECRET_BEARERS = ("database", "providerKeys")

_NEVER_SHOWN = ("value", "connectionUrl", "password")
"""Keys that hold a secret, or hold one by mistake."""

# --- loading ---------------------------------------------------------------------------------------------


def load() -> Settings:
    """Read the stack's configuration.

    Returns
    -------
    Settings
        Checked; secrets are `SecretStr`.

    Raises
    ------
    SettingsError
        With a sentence for every wrong key.
    """
    settings = _validated(Settings, NAMESPACE)
    if problems := _cross_checks(settings):
        raise SettingsError(problems)
    return settings


def load_foundation() -> FoundationSettings:
    """Read the configuration of a stack of `foundation/`.

    Returns
    -------
    FoundationSettings
        Checked, its files included.

    Raises
    ------
    SettingsError
        With a sentence for every wrong key.
    """
    settings = _validated(FoundationSettings, FOUNDATION)
    if problems := [f"{FOUNDATION}:{problem}" for problem in settings.problems()]:
        raise SettingsError(problems)
    return settings


def _validated(kind: type[Root], namespace: str) -> Root:
    raw, plaintext_secrets = _read(namespace)
    if plaintext_secrets:
        raise SettingsError(plaintext_secrets)
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        raise SettingsError(_sentence(detail, raw, kind, namespace) for detail in error.errors()) from None


def _read(wanted: str) -> tuple[dict[str, Any], list[str]]:
    """Give the namespace's keys as documents, and a sentence for each secret that stands in plaintext."""
    config = pulumi.runtime.config
    raw: dict[str, Any] = {}
    plaintext = []
    for key, text in config.CONFIG.get().items():
        namespace, _, name = key.partition(":")
        if namespace != wanted:
            continue
        try:
            raw[name] = json.loads(text)
        except ValueError:
            raw[name] = text
        if name in _SECRET_BEARERS and not config.is_config_secret(key):
            plaintext += [
                f"{key}.{path}: stands in plaintext; "
                f"set it with `pulumi config set --secret --path '{key}.{path}'`"
                for path in _value_paths(raw[name])
            ]
    return raw, plaintext


def _value_paths(document: Any, path: str = "") -> Iterable[str]:
    """Find every `value` of a secret source: the only key that takes a secret itself."""
    if isinstance(document, Mapping):
        for name, item in document.items():
            here = f"{path}.{name}" if path else name
            if name == "value" and isinstance(item, str):
                yield here
            yield from _value_paths(item, here)


def _sentence(detail: ErrorDetails, raw: Mapping[str, Any], kind: type[Section], namespace: str) -> str:
    """Turn one of pydantic's errors into a sentence that names the key, what it got and what it takes."""
    steps, got = _follow(detail["loc"], raw)
    where = f"{namespace}:" + "".join(
        f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps
    ).removeprefix(".")
    if detail["type"] == "missing":
        return f"{where}: is missing"
    if detail["type"] == "extra_forbidden":
        known = _known_keys(kind, detail["loc"][:-1])
        hint = nearest(str(steps[-1]), known)
        return f"{where}: is not a known key{hint} (known: {', '.join(sorted(known))})"
    message = detail["msg"].removeprefix("Value error, ")
    message = re.sub("^Input should be", "expected", message)
    scalar = isinstance(got, str | int | float | bool) and steps[-1] not in _NEVER_SHOWN
    scalar = scalar and detail["type"] != "kind_of_field"  # which says itself what it got
    return f"{where}: {json.dumps(got)}: {message}" if scalar else f"{where}: {message}"


def _follow(location: Iterable[str | int], raw: Mapping[str, Any]) -> tuple[list[str | int], Any]:
    """Walk to a location, leaving out the steps that only pydantic knows (the tag of a union, `[key]`)."""
    steps: list[str | int] = []
    here: Any = raw
    location = [step for step in location if step != "[key]"]
    for position, step in enumerate(location):
        inside = isinstance(here, list) or (isinstance(here, Mapping) and step in here)
        if inside or position == len(location) - 1:
            steps.append(step)
            here = here[step] if inside else None
    return steps, here


def _known_keys(kind: type[Section], location: Iterable[str | int]) -> list[str]:
    """Give the keys that the section at a location takes."""
    kinds: list[type[Section]] = [kind]
    for step in location:
        fields = {field.alias or name: field.annotation for name, field in kinds[0].model_fields.items()}
        inner = list(_sections(fields[str(step)])) if step in fields else []
        kinds = inner or [kind for kind in kinds if step in _tags(kind)] or kinds
    return [field.alias or name for name, field in kinds[0].model_fields.items()]


def _tags(kind: type[Section]) -> Iterable[Any]:
    """Give what tells a section from the others that may stand in its place."""
    for field in kind.model_fields.values():
        yield from get_args(field.annotation)


def _sections(annotation: Any) -> Iterable[type[Section]]:
    """Find the section classes inside an annotation such as `list[KeySettings]`."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for argument in get_args(annotation):
        yield from _sections(argument)
