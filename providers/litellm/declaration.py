"""What a program may say of a key, for editors and type checkers.

How each field is kept, cleared and compared stands in `fields.FIELDS` and `own_inputs.OWN_INPUTS`.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

import pulumi

__all__ = ["KeyFields", "SharedFields"]


class SharedFields(TypedDict, total=False):
    """What several keys may have in common."""

    max_ttl: pulumi.Input[str] | None  # no duration may be longer; without one, it is the duration
    renew: pulumi.Input[bool] | None  # an `up` sets the expiry anew when less than a third is left
    retain_on_delete: pulumi.Input[bool] | None  # a delete takes our marks off the key, and lets it live
    models: pulumi.Input[list[pulumi.Input[str]]] | None  # empty: every model
    metadata: pulumi.Input[Mapping[str, Any]] | None
    blocked: pulumi.Input[bool] | None
    user_id: pulumi.Input[str] | None
    team_id: pulumi.Input[str] | None
    agent_id: pulumi.Input[str] | None
    service_account_id: pulumi.Input[str] | None
    organization_id: pulumi.Input[str] | None
    project_id: pulumi.Input[str] | None
    key_type: pulumi.Input[Literal["default", "llm_api", "management", "read_only"]] | None
    # budgets, USD
    max_budget: pulumi.Input[float] | None
    soft_budget: pulumi.Input[float] | None
    budget_duration: pulumi.Input[str] | None
    budget_limits: pulumi.Input[list[pulumi.Input[Mapping[str, Any]]]] | None
    budget_id: pulumi.Input[str] | None
    end_user_budget_id: pulumi.Input[str] | None
    model_max_budget: pulumi.Input[Mapping[str, Any]] | None
    budget_fallbacks: pulumi.Input[Mapping[str, Any]] | None
    temp_budget_increase: pulumi.Input[float] | None
    temp_budget_expiry: pulumi.Input[str] | None  # RFC 3339
    throttle_on_budget_exceeded: pulumi.Input[bool] | None
    # limits: requests and tokens, per minute (rpm, tpm) or per day (tpd)
    max_parallel_requests: pulumi.Input[int] | None
    rpm_limit: pulumi.Input[int] | None
    tpm_limit: pulumi.Input[int] | None
    tpd_limit: pulumi.Input[int] | None
    rpm_limit_type: pulumi.Input[str] | None
    tpm_limit_type: pulumi.Input[str] | None
    model_rpm_limit: pulumi.Input[Mapping[str, int]] | None
    model_tpm_limit: pulumi.Input[Mapping[str, int]] | None
    mcp_rpm_limit: pulumi.Input[Mapping[str, int]] | None
    tag_rpm_limit: pulumi.Input[Mapping[str, int]] | None
    default_estimated_output_tokens: pulumi.Input[int] | None
    default_estimated_output_tokens_per_model: pulumi.Input[Mapping[str, int]] | None
    # what the key may do
    model_aliases: pulumi.Input[Mapping[str, str]] | None  # `aliases` of the API
    allowed_routes: pulumi.Input[list[pulumi.Input[str]]] | None
    allowed_passthrough_routes: pulumi.Input[list[pulumi.Input[str]]] | None
    denied_passthrough_routes: pulumi.Input[list[pulumi.Input[str]]] | None
    allowed_cache_controls: pulumi.Input[list[pulumi.Input[str]]] | None
    allowed_vector_store_indexes: pulumi.Input[list[pulumi.Input[Mapping[str, Any]]]] | None
    access_group_ids: pulumi.Input[list[pulumi.Input[str]]] | None
    object_permission: pulumi.Input[Mapping[str, Any]] | None
    permissions: pulumi.Input[Mapping[str, Any]] | None
    # how its requests are served
    config: pulumi.Input[Mapping[str, Any]] | None
    router_settings: pulumi.Input[Mapping[str, Any]] | None
    enforced_params: pulumi.Input[list[pulumi.Input[str]]] | None
    enable_prompt_caching: pulumi.Input[bool] | None
    logging: pulumi.Input[list[pulumi.Input[Mapping[str, Any]]]] | None  # callbacks, always a secret
    tags: pulumi.Input[list[pulumi.Input[str]]] | None
    guardrails: pulumi.Input[list[pulumi.Input[str]]] | None
    policies: pulumi.Input[list[pulumi.Input[str]]] | None
    prompts: pulumi.Input[list[pulumi.Input[str]]] | None
    disable_global_guardrails: pulumi.Input[bool] | None
    auto_rotate: pulumi.Input[bool] | None
    rotation_interval: pulumi.Input[str] | None
    send_invite_email: pulumi.Input[bool] | None
    # its successors
    rotation: pulumi.Input[Mapping[str, Any]] | None  # keepers: any change makes a successor
    rotate_every: pulumi.Input[str] | None  # at the first `up` after this age, a successor
    grace: pulumi.Input[str] | None  # how long a predecessor lives on (15m); 0s: deleted at once


class KeyFields(SharedFields, total=False):
    """What may be said of one key."""

    deliver: pulumi.Input[Mapping[str, Any]] | None  # `mount`, `path` and `property` (api-key) in Vault
    consumer: pulumi.Input[Mapping[str, Any]] | None  # `external_secret`, `deployment`: awaited
    adopt: pulumi.Input[str] | None  # hash or alias of an existing key, which is then managed
    alias: pulumi.Input[str] | None  # auto-named `<name>-<7 hex>` if left out
    duration: pulumi.Input[str] | None  # the key expires so long after it was made or this was changed
    spend: pulumi.Input[float] | None  # what the key starts with
