"""Every field of /key/generate and /key/update, in one table.

What is refused, what is a change, what is sent, how a field is cleared, where the live value is found, what
counts as drift and what docs/virtual-key.md says: all follow from here. `field` says what the columns mean.
"""

from providers.litellm.compounds import (
    BUDGETS,
    CALLBACKS,
    COUNTS,
    DOCUMENT,
    FALLBACKS,
    INDEXES,
    NAMES,
    PERMISSION,
    POSITIVES,
    ROUTER,
    TEXTS,
    WINDOWS,
)
from providers.litellm.field import Clearing, Field, Stored, in_metadata
from providers.litellm.kinds import AMOUNT, DURATION, FLAG, INSTANT, POSITIVE, TEXT, WHOLE, WHOLE_32, choice

__all__ = [
    "BY_NAME",
    "FIELDS",
    "FILLED_BY",
    "GATEWAY_METADATA",
    "GROUPS",
    "SECRETS",
    "SEEN_WITH",
    "WITHOUT_FIELD",
    "Clearing",
    "Field",
    "Stored",
]

SEEN_WITH = ("1.106.2",)
"""Versions of LiteLLM against which every row was tested."""

_LIMIT_TYPES = choice("guaranteed_throughput", "best_effort_throughput", "dynamic")
_ROUTES_OF_TYPE = {
    "llm_api": ["llm_api_routes"],
    "management": ["management_routes"],
    "read_only": ["info_routes"],
}
_KEY_TYPES = choice("default", *_ROUTES_OF_TYPE)

GROUPS: dict[str, tuple[Field, ...]] = {
    "The key": (
        Field("key_alias", TEXT, about="declared as `alias`", left_out="`<name>-<7 hex>`"),
        Field("models", NAMES, Clearing.EMPTY, about="models and access groups", left_out="every model"),
        Field(
            "duration",
            DURATION,
            stored=Stored.EXPIRES,
            about="it expires so long after it was made, or after this was changed",
            left_out="never",
        ),
        Field("metadata", DOCUMENT, Clearing.EMPTY, Stored.USER_METADATA, about="yours, beside our marks"),
        Field("blocked", FLAG, about="its requests are refused", left_out="`false`"),
        Field("user_id", TEXT, about="whose key it is; that user's budget and limits hold too"),
        Field("team_id", TEXT, about="whose key it is; that team's models, budget and limits hold too"),
        Field("agent_id", TEXT, about="whose key it is"),
        in_metadata(
            "service_account_id",
            TEXT,
            clearing=Clearing.REPLACE,
            replaces=True,
            by_metadata=True,
            about="a service account's key instead of a person's; needs `team_id`",
        ),
        Field("organization_id", TEXT, licensed=True, about="whose key it is"),
        Field("project_id", TEXT, replaces=True, licensed=True, about="whose key it is"),
        Field(
            "key_type",
            _KEY_TYPES,
            Clearing.REPLACE,
            replaces=True,
            about="stands for a list of `allowed_routes`",
            left_out="`default`",
            fills="allowed_routes",
            filled_with=_ROUTES_OF_TYPE,
        ),
    ),
    "Budgets": (
        Field("max_budget", AMOUNT, unit="USD", nothing_at_zero=True),
        Field(
            "soft_budget",
            AMOUNT,
            stored=Stored.BUDGET_ROW,
            unit="USD",
            about="alerts, refuses nothing",
            fills="budget_id",
        ),
        Field(
            "budget_duration",
            DURATION,
            about="the spend begins anew after it; the gateway moves the moment to the calendar's",
        ),
        Field(
            "budget_limits",
            WINDOWS,
            unit="USD",
            about="several budgets at once, one a window",
            nothing_at_zero=True,
        ),
        Field("budget_id", TEXT, about="a budget of the gateway that keys share"),
        in_metadata("end_user_budget_id", TEXT, about="that budget for each `user` of a request"),
        Field("model_max_budget", BUDGETS, Clearing.EMPTY, unit="USD", licensed=True),
        Field("budget_fallbacks", FALLBACKS, Clearing.EMPTY, about="models in place of one that is spent"),
        in_metadata(
            "temp_budget_increase",
            AMOUNT,
            unit="USD",
            by_metadata=True,
            about="on top of `max_budget` until `temp_budget_expiry`",
        ),
        in_metadata("temp_budget_expiry", INSTANT, by_metadata=True),
        in_metadata("throttle_on_budget_exceeded", FLAG, about="slow down instead of refusing"),
        Field(
            "spend",
            AMOUNT,
            Clearing.NEVER,
            Stored.NOWHERE,
            unit="USD",
            about="what it begins with",
            left_out="0",
        ),
    ),
    "Limits": (
        Field("max_parallel_requests", WHOLE_32, unit="requests", nothing_at_zero=True),
        Field("rpm_limit", WHOLE, unit="requests per minute", nothing_at_zero=True),
        Field("tpm_limit", WHOLE, unit="tokens per minute", nothing_at_zero=True),
        Field("tpd_limit", WHOLE, unit="tokens per day", about="charged by batches", nothing_at_zero=True),
        in_metadata("rpm_limit_type", _LIMIT_TYPES, about="whether a team's keys may add up to more"),
        in_metadata("tpm_limit_type", _LIMIT_TYPES, about="whether a team's keys may add up to more"),
        in_metadata(
            "model_rpm_limit", COUNTS, unit="requests per minute", about="by model", nothing_at_zero=True
        ),
        in_metadata(
            "model_tpm_limit", COUNTS, unit="tokens per minute", about="by model", nothing_at_zero=True
        ),
        in_metadata("mcp_rpm_limit", COUNTS, unit="requests per minute", about="by MCP server"),
        in_metadata("tag_rpm_limit", COUNTS, unit="requests per minute", about="by tag of the request"),
        in_metadata(
            "default_estimated_output_tokens",
            POSITIVE,
            unit="tokens",
            about="reserved for a request without `max_tokens`",
        ),
        in_metadata("default_estimated_output_tokens_per_model", POSITIVES, unit="tokens", about="by model"),
    ),
    "What it may do": (
        Field("model_aliases", TEXTS, Clearing.EMPTY, renamed="aliases", about="names that stand for models"),
        Field("allowed_routes", NAMES, Clearing.EMPTY, about="paths, or groups of them", left_out="all"),
        in_metadata("allowed_passthrough_routes", NAMES, licensed=True),
        in_metadata("denied_passthrough_routes", NAMES, licensed=True),
        Field("allowed_cache_controls", NAMES, Clearing.EMPTY),
        in_metadata("allowed_vector_store_indexes", INDEXES),
        Field("access_group_ids", NAMES, Clearing.EMPTY),
        Field(
            "object_permission",
            PERMISSION,
            Clearing.MEMBERS,
            about="MCP servers, vector stores, agents and their like; those that don't exist are dropped",
        ),
        Field("permissions", DOCUMENT, Clearing.EMPTY),
    ),
    "How it is served": (
        Field("config", DOCUMENT, Clearing.EMPTY, about="deprecated by LiteLLM"),
        Field("router_settings", ROUTER, Clearing.EMPTY, about="retries, fallbacks and their like"),
        in_metadata("enforced_params", NAMES, about="parameters that each request has to have"),
        in_metadata("enable_prompt_caching", FLAG),
        in_metadata(
            "logging",
            CALLBACKS,
            by_metadata=True,
            secret=True,
            about="callbacks of its own; always encrypted in the state",
        ),
        in_metadata("tags", NAMES, licensed=True),
        in_metadata("guardrails", NAMES, licensed=True),
        in_metadata("policies", NAMES, licensed=True),
        in_metadata("prompts", NAMES, licensed=True),
        in_metadata("disable_global_guardrails", FLAG, licensed=True),
        Field("auto_rotate", FLAG, about="the gateway makes a new value, which Pulumi doesn't learn"),
        Field("rotation_interval", DURATION, about="of `auto_rotate`", only_with="auto_rotate"),
        Field("send_invite_email", FLAG, Clearing.NEVER, Stored.NOWHERE),
    ),
}

FIELDS = tuple(field for group in GROUPS.values() for field in group)

BY_NAME = {field.name: field for field in FIELDS}

FILLED_BY = {field.fills: field.name for field in FIELDS if field.fills}
"""A field -> the one that the gateway fills it in for."""

SECRETS = tuple(field.name for field in FIELDS if field.secret)

WITHOUT_FIELD = frozenset(
    {
        "callback_settings",
        "enforced_batch_output_expires_after",
        "enforced_file_expires_after",
        "model_itpm_limit",
        "model_otpm_limit",
        "secret_manager_settings",
        "team_member_key_duration",
    }
)
"""Names inside of `metadata` that are the gateway's own, and that no field speaks of."""

GATEWAY_METADATA = WITHOUT_FIELD | {field.api for field in FIELDS if field.stored is Stored.METADATA}
"""Names inside of `metadata` that are the gateway's own; user metadata is what is left."""
