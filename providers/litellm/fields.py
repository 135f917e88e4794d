"""Every field of /key/generate and /key/update, in one table.

What is refused, what is a change, what is sent, how a field is cleared, where the live value is found and
what counts as drift all follow from here. Seen with LiteLLM 1.106.2.
"""

from dataclasses import dataclass
from enum import Enum, auto

from providers.litellm.kinds import (
    AMOUNT,
    COUNTS,
    DOCUMENT,
    DURATION,
    FLAG,
    INDEXES,
    INSTANT,
    NAMES,
    PERMISSION,
    POSITIVE,
    POSITIVES,
    TEXT,
    TEXTS,
    WHOLE,
    WINDOWS,
    Kind,
    choice,
)

__all__ = ["BY_NAME", "FIELDS", "GATEWAY_METADATA", "Clearing", "Field", "Stored"]


class Stored(Enum):
    """Where /key/info gives the value back."""

    ROW = auto()  # info[<api>]
    METADATA = auto()  # info.metadata[<api>]; /key/update merges it, a whole `metadata` wipes it
    USER_METADATA = auto()  # info.metadata, without ours and the gateway's
    BUDGET_ROW = auto()  # info.litellm_budget_table[<api>]
    EXPIRES = auto()  # only as the instant info.expires
    NOWHERE = auto()  # taken once, never given back


class Clearing(Enum):
    """How /key/update is told that a value is no longer wanted."""

    NULL = auto()
    EMPTY = auto()  # null is refused; the empty value of its kind
    MEMBERS = auto()  # null and {} change nothing; each member has to be emptied
    METADATA = auto()  # null changes nothing; a whole `metadata` without it
    REPLACE = auto()  # a new key
    NEVER = auto()  # it was only a start value


@dataclass(frozen=True)
class Field:
    """One field of a key.

    Attributes
    ----------
    name
        In Python, in the inputs and in the state.
    renamed
        The API's name, where it is another.
    unit
        What a number counts.
    replaces
        A change to another value makes a new key.
    licensed
        The open-source gateway refuses it.
    by_metadata
        Sent inside of `metadata`: as a parameter /key/generate overlooks it, and /key/update wants its twin.
    """

    name: str
    kind: Kind
    clearing: Clearing = Clearing.NULL
    stored: Stored = Stored.ROW
    renamed: str = ""
    unit: str = ""
    replaces: bool = False
    licensed: bool = False
    by_metadata: bool = False

    @property
    def api(self) -> str:
        return self.renamed or self.name


def _in_metadata(
    name: str, kind: Kind, unit: str = "", *, licensed: bool = False, by_metadata: bool = False
) -> Field:
    return Field(
        name,
        kind,
        Clearing.METADATA,
        Stored.METADATA,
        unit=unit,
        licensed=licensed,
        by_metadata=by_metadata,
    )


_LIMIT_TYPES = choice("guaranteed_throughput", "best_effort_throughput", "dynamic")
_KEY_TYPES = choice("default", "llm_api", "management", "read_only")

FIELDS = (
    Field("key_alias", TEXT),
    Field("models", NAMES, Clearing.EMPTY),
    Field("duration", DURATION, stored=Stored.EXPIRES),
    Field("metadata", DOCUMENT, Clearing.EMPTY, Stored.USER_METADATA),
    Field("blocked", FLAG),
    Field("user_id", TEXT),
    Field("team_id", TEXT),
    Field("agent_id", TEXT),
    Field("organization_id", TEXT, licensed=True),
    Field("project_id", TEXT, replaces=True, licensed=True),
    Field("key_type", _KEY_TYPES, Clearing.REPLACE, replaces=True),
    # budgets
    Field("max_budget", AMOUNT, unit="USD"),
    Field("soft_budget", AMOUNT, stored=Stored.BUDGET_ROW, unit="USD"),
    Field("budget_duration", DURATION),
    Field("budget_limits", WINDOWS, unit="USD"),
    Field("budget_id", TEXT),
    _in_metadata("end_user_budget_id", TEXT),
    Field("model_max_budget", DOCUMENT, Clearing.EMPTY, unit="USD", licensed=True),
    Field("budget_fallbacks", DOCUMENT, Clearing.EMPTY),
    _in_metadata("temp_budget_increase", AMOUNT, "USD", by_metadata=True),
    _in_metadata("temp_budget_expiry", INSTANT, by_metadata=True),
    _in_metadata("throttle_on_budget_exceeded", FLAG),
    Field("spend", AMOUNT, Clearing.NEVER, Stored.NOWHERE, unit="USD"),
    # limits
    Field("max_parallel_requests", WHOLE, unit="requests"),
    Field("rpm_limit", WHOLE, unit="requests per minute"),
    Field("tpm_limit", WHOLE, unit="tokens per minute"),
    Field("tpd_limit", WHOLE, unit="tokens per day"),
    _in_metadata("rpm_limit_type", _LIMIT_TYPES),
    _in_metadata("tpm_limit_type", _LIMIT_TYPES),
    _in_metadata("model_rpm_limit", COUNTS, "requests per minute"),
    _in_metadata("model_tpm_limit", COUNTS, "tokens per minute"),
    _in_metadata("mcp_rpm_limit", COUNTS, "requests per minute"),
    _in_metadata("tag_rpm_limit", COUNTS, "requests per minute"),
    _in_metadata("default_estimated_output_tokens", POSITIVE, "tokens"),
    _in_metadata("default_estimated_output_tokens_per_model", POSITIVES, "tokens"),
    # what the key may do
    Field("model_aliases", TEXTS, Clearing.EMPTY, renamed="aliases"),
    Field("allowed_routes", NAMES, Clearing.EMPTY),
    _in_metadata("allowed_passthrough_routes", NAMES, licensed=True),
    _in_metadata("denied_passthrough_routes", NAMES, licensed=True),
    Field("allowed_cache_controls", NAMES, Clearing.EMPTY),
    _in_metadata("allowed_vector_store_indexes", INDEXES),
    Field("access_group_ids", NAMES, Clearing.EMPTY),
    Field("object_permission", PERMISSION, Clearing.MEMBERS),
    Field("permissions", DOCUMENT, Clearing.EMPTY),
    # how its requests are served
    Field("config", DOCUMENT, Clearing.EMPTY),
    Field("router_settings", DOCUMENT, Clearing.EMPTY),
    _in_metadata("enforced_params", NAMES),
    _in_metadata("enable_prompt_caching", FLAG),
    _in_metadata("tags", NAMES, licensed=True),
    _in_metadata("guardrails", NAMES, licensed=True),
    _in_metadata("policies", NAMES, licensed=True),
    _in_metadata("prompts", NAMES, licensed=True),
    _in_metadata("disable_global_guardrails", FLAG, licensed=True),
    Field("auto_rotate", FLAG),
    Field("rotation_interval", DURATION),
    Field("send_invite_email", FLAG, Clearing.NEVER, Stored.NOWHERE),
)

BY_NAME = {field.name: field for field in FIELDS}

GATEWAY_METADATA = frozenset(
    {field.api for field in FIELDS if field.stored is Stored.METADATA}
    | {
        "enforced_batch_output_expires_after",
        "enforced_file_expires_after",
        "logging",
        "model_itpm_limit",
        "model_otpm_limit",
        "secret_manager_settings",
        "service_account_id",
        "team_member_key_duration",
    }
)
"""Names inside of `metadata` that are the gateway's own; user metadata is what is left."""
