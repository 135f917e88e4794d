"""Every empty value that a field takes, and the ways by which a key comes to have it."""

from collections.abc import Callable
from typing import Any

from providers.litellm.client import GatewayClient
from providers.litellm.fields import FIELDS
from tests.support.field_samples import Sample
from tests.unit.providers.engine import KeyEngine

__all__ = ["DECLARABLE", "REFUSED", "WAYS"]

_EMPTY: tuple[Any, ...] = (False, 0, "", [], {})
_EMPTY_INSIDE: list[tuple[str, Any]] = [
    ("metadata", {"a": None, "b": [], "c": {}}),
    ("budget_limits", [{"budget_duration": "1d", "max_budget": 0}]),
    ("budget_fallbacks", {"gpt-4o": []}),
    ("model_rpm_limit", {"gpt-4o": 0}),
    ("allowed_vector_store_indexes", [{"index_name": "i", "index_permissions": []}]),
    ("object_permission", {"vector_stores": [], "mcp_tool_permissions": {}}),
    ("object_permission", {"mcp_tool_search_enabled": False}),
    ("permissions", {"a": None}),
    ("config", {"k": None}),
    ("router_settings", {"num_retries": None, "timeout": 3}),
    ("router_settings", {"num_retries": 0, "fallbacks": [], "enable_tag_filtering": False}),
    ("logging", [{"callback_name": "langfuse", "callback_vars": {}}]),
]
# An alias is declared by another name.
_TRIED = [(field, empty) for field in FIELDS if field.name != "key_alias" for empty in _EMPTY]
DECLARABLE = [(field.name, empty) for field, empty in _TRIED if not field.kind.problem(empty)] + _EMPTY_INSIDE
REFUSED = [(field.name, empty) for field, empty in _TRIED if field.kind.problem(empty)]

Way = Callable[[GatewayClient, KeyEngine, str, Any, Sample], None]


def _made_so(gateway: GatewayClient, engine: KeyEngine, name: str, empty: Any, sample: Sample) -> None:
    declared = {**sample.beside, name: empty}
    assert engine.up(gateway, **declared) == "create"
    assert engine.preview(**declared) == []
    _assert_settled(gateway, engine, declared)


def _said_later(gateway: GatewayClient, engine: KeyEngine, name: str, empty: Any, sample: Sample) -> None:
    declared = {**sample.beside, name: empty}
    engine.up(gateway)
    assert engine.up(gateway, **declared) == "update"
    _assert_settled(gateway, engine, declared)
    assert engine.up(gateway) == "update"
    _assert_settled(gateway, engine, {})


def _emptied(gateway: GatewayClient, engine: KeyEngine, name: str, empty: Any, sample: Sample) -> None:
    engine.up(gateway, **{**sample.beside, name: sample.first})
    declared = {**sample.beside, name: empty}
    engine.up(gateway, **declared)
    _assert_settled(gateway, engine, declared)


def _assert_settled(gateway: GatewayClient, engine: KeyEngine, declared: dict[str, Any]) -> None:
    assert engine.refresh(gateway)
    assert engine.preview(**declared) == []
    assert engine.up(gateway, **declared) == "same"


WAYS: dict[str, Way] = {"made so": _made_so, "said later": _said_later, "emptied": _emptied}
