"""Kinds of lists and mappings that a key's fields take."""

from collections.abc import Callable, Collection, Mapping
from itertools import zip_longest
from typing import Any

from providers.litellm.durations import parse_duration
from providers.litellm.kinds import AMOUNT, FLAG, POSITIVE, WHOLE, Kind

__all__ = [
    "BUDGETS",
    "CALLBACKS",
    "COUNTS",
    "DOCUMENT",
    "FALLBACKS",
    "INDEXES",
    "NAMES",
    "PERMISSION",
    "POSITIVES",
    "ROUTER",
    "TEXTS",
    "WINDOWS",
]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(_is_text(item) for item in value)


def _is_mapping_to(accepts: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, Mapping) and all(map(accepts, value.values()))


def _same_set(declared: Any, live: Any) -> bool:
    return _are_texts(declared) and _are_texts(live) and set(declared) == set(live)


NAMES = Kind("a list of texts", _are_texts, _same_set, "as a set", empty=[])
DOCUMENT = Kind("a mapping", _is_mapping_to(lambda _: True), compared="member by member", empty={})
TEXTS = Kind("a mapping to texts", _is_mapping_to(_is_text), compared="member by member", empty={})
COUNTS = Kind(
    "a mapping to whole numbers of 0 or more",
    _is_mapping_to(WHOLE.accepts),
    compared="member by member",
    empty={},
)
POSITIVES = Kind(
    "a mapping to whole numbers of 1 or more",
    _is_mapping_to(POSITIVE.accepts),
    compared="member by member",
    empty={},
)
FALLBACKS = Kind(
    "a mapping to lists of texts", _is_mapping_to(_are_texts), compared="member by member", empty={}
)
BUDGETS = Kind(
    "a mapping to budgets such as {budget_limit: 5, time_period: 1d}",
    _is_mapping_to(lambda budget: isinstance(budget, Mapping)),
    compared="member by member",
    empty={},
)

# --- budget windows --------------------------------------------------------------------------------------


def _are_windows(value: Any) -> bool:
    """Whether these are `[{"budget_duration": "1d", "max_budget": 5}]`, each duration once."""
    if not isinstance(value, list) or not all(
        isinstance(window, Mapping)
        and set(window) == {"budget_duration", "max_budget"}
        and isinstance(window["budget_duration"], str)
        and AMOUNT.accepts(window["max_budget"])
        for window in value
    ):
        return False
    durations = [window["budget_duration"] for window in value]
    for duration in durations:
        parse_duration(duration)
    return len(set(durations)) == len(durations)


def _same_windows(declared: Any, live: Any) -> bool:
    """Compare budget windows without `reset_at`, which the gateway adds and moves along."""

    def windows(value: Any) -> dict[str, float]:
        return {window["budget_duration"]: window["max_budget"] for window in value or []}

    return windows(declared) == windows(live)


def _without_reset(live: Any) -> Any:
    return [{name: window[name] for name in ("budget_duration", "max_budget")} for window in live]


WINDOWS = Kind(
    "a list of budget windows such as {budget_duration: 1d, max_budget: 5}, each duration once",
    _are_windows,
    _same_windows,
    "as a set, without `reset_at`",
    declared=_without_reset,
    empty=[],
)

# --- vector store indexes --------------------------------------------------------------------------------


def _is_index(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and set(value) == {"index_name", "index_permissions"}
        and _is_text(value["index_name"])
        and _are_texts(value["index_permissions"])
        and set(value["index_permissions"]) <= {"read", "write"}
    )


INDEXES = Kind(
    "a list of indexes such as {index_name: docs, index_permissions: [read, write]}",
    lambda value: isinstance(value, list) and all(map(_is_index, value)),
    compared="as a list",
    empty=[],
)

# --- object permissions ----------------------------------------------------------------------------------

_PERMISSIONS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(
        (
            "agent_access_groups",
            "agents",
            "blocked_tools",
            "mcp_access_groups",
            "mcp_servers",
            "mcp_toolsets",
            "models",
            "search_tools",
            "skills",
            "vector_stores",
        ),
        _are_texts,
    ),
    "mcp_tool_permissions": FALLBACKS.accepts,
    "mcp_tool_search_enabled": FLAG.accepts,
}


def _is_permission(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    _refuse_strangers(value, _PERMISSIONS)
    return all(_PERMISSIONS[name](item) for name, item in value.items())


def _refuse_strangers(value: Mapping[Any, Any], known: Collection[str]) -> None:
    """Refuse members that the gateway drops without a word."""
    for name in value:
        if name not in known:
            raise ValueError(f"the gateway drops {name!r}; it knows {', '.join(sorted(known))}")


def _same_members(declared: Any, live: Any) -> bool:
    """Compare documents in which a member that is empty is as good as none."""
    return all(_same_member(declared.get(name), live.get(name)) for name in {*declared, *live})


def _same_member(declared: Any, live: Any) -> bool:
    return _same_set(declared, live) or bool((declared or None) == (live or None))


def _declared_members(declared: Any, live: Any) -> Any:
    """Leave out what the gateway fills a row up with."""
    return {name: live[name] for name in declared if live.get(name) is not None}


def _filled_members(live: Any) -> Any:
    return {name: item for name, item in live.items() if name in _PERMISSIONS and item}


PERMISSION = Kind(
    "a mapping of kinds of objects to lists of names",
    _is_permission,
    _same_members,
    "declared members only: lists as sets, empty as none",
    _declared_members,
    _filled_members,
    empty={},
)

# --- router settings -------------------------------------------------------------------------------------

_ROUTER = {
    "allowed_fails",
    "context_window_fallbacks",
    "cooldown_time",
    "enable_tag_filtering",
    "fallbacks",
    "max_retries",
    "model_group_affinity_config",
    "model_group_alias",
    "model_group_retry_policy",
    "num_retries",
    "optional_pre_call_checks",
    "retry_after",
    "retry_policy",
    "routing_groups",
    "routing_strategy",
    "routing_strategy_args",
    "tag_routing_prefix",
    "timeout",
    "weights",
}


def _is_router(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    _refuse_strangers(value, _ROUTER)
    return True


def _same_settings(declared: Any, live: Any) -> bool:
    """Compare settings of which those that are null count as left out: a new key forgets them."""
    return _without_nulls(declared) == _without_nulls(live)


def _without_nulls(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


ROUTER = Kind(
    "a mapping of router settings", _is_router, _same_settings, "member by member, null as none", empty={}
)

# --- callbacks -------------------------------------------------------------------------------------------

_CALLBACK = {"callback_name", "callback_type", "callback_vars"}


def _is_callback(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and {"callback_name"} <= set(value) <= _CALLBACK
        and _is_text(value["callback_name"])
        and _is_text(value.get("callback_type", "success"))
        and TEXTS.accepts(value.get("callback_vars", {}))
    )


def _same_callbacks(declared: Any, live: Any) -> bool:
    """Compare callbacks; of a variable that the gateway has encrypted only that it is there."""
    return isinstance(live, list) and [_readable(entry) for entry in live] == [
        _readable(entry, beside) for entry, beside in zip_longest(declared, live)
    ]


def _readable(callback: Any, beside: Any = None) -> Any:
    """Leave out the variables whose values are encrypted here, or in the callback beside."""
    if not isinstance(callback, Mapping):
        return callback
    encrypted = {
        name
        for name, value in [*_variables(callback), *_variables(beside)]
        if str(value).startswith("litellm_enc::")
    }
    shown = {name: name in encrypted or value for name, value in _variables(callback)}
    return {**callback, "callback_vars": shown}


def _variables(callback: Any) -> Collection[tuple[str, Any]]:
    variables = callback.get("callback_vars") if isinstance(callback, Mapping) else None
    return variables.items() if isinstance(variables, Mapping) else ()


CALLBACKS = Kind(
    "a list of callbacks such as {callback_name: langfuse, callback_type: success, callback_vars: {}}",
    lambda value: isinstance(value, list) and all(map(_is_callback, value)),
    _same_callbacks,
    "as a list; the values of `callback_vars` only against the state, for the gateway encrypts them",
    empty=[],
)
