"""Two values of every field that the open-source gateway takes, and what has to stand beside them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

__all__ = ["Sample", "make_neighbours", "samples"]

TEAMS = ("team", "team2")
BUDGETS = ("budget", "budget2")
"""What has to be in the gateway before: each with a suffix, `team-<suffix>`."""


@dataclass(frozen=True)
class Sample:
    """Two values of a field, and what has to be declared beside."""

    first: Any
    second: Any
    beside: Mapping[str, Any] = field(default_factory=dict)


def samples(suffix: str) -> dict[str, Sample]:
    """Give the samples by the field's name.

    Parameters
    ----------
    suffix
        Of the names of users, teams and budgets.
    """
    return {
        "models": Sample(["gpt-4o", "gpt-4o-mini"], ["gpt-4o"]),
        "duration": Sample("7d", "8d"),
        "metadata": Sample({"a": 1, "b": {"c": [2, 3.5, None]}}, {"z": "y"}),
        "blocked": Sample(first=True, second=False),
        "user_id": Sample(f"user-{suffix}", f"other-{suffix}"),
        "team_id": Sample(f"team-{suffix}", f"team2-{suffix}"),
        "agent_id": Sample("agent-1", "agent-2"),
        "service_account_id": Sample("robot", "droid", {"team_id": f"team-{suffix}"}),
        "key_type": Sample("llm_api", "read_only"),
        "max_budget": Sample(5, 6.25),
        "soft_budget": Sample(3, 4.5),
        "budget_duration": Sample("30d", "1h", {"max_budget": 5}),
        "budget_limits": Sample(
            [{"budget_duration": "1d", "max_budget": 1}, {"budget_duration": "7d", "max_budget": 2.5}],
            [{"budget_duration": "7d", "max_budget": 3}],
        ),
        "budget_id": Sample(f"budget-{suffix}", f"budget2-{suffix}"),
        "end_user_budget_id": Sample(f"budget-{suffix}", f"budget2-{suffix}"),
        "budget_fallbacks": Sample({"gpt-4o": ["gpt-4o-mini"]}, {"gpt-4o-mini": ["gpt-4o"]}),
        "temp_budget_increase": Sample(1, 2.5, {"temp_budget_expiry": "2030-01-01T00:00:00Z"}),
        "temp_budget_expiry": Sample(
            "2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z", {"temp_budget_increase": 1}
        ),
        "throttle_on_budget_exceeded": Sample(first=True, second=False),
        "max_parallel_requests": Sample(3, 4),
        "rpm_limit": Sample(10, 20),
        "tpm_limit": Sample(1000, 2000),
        "tpd_limit": Sample(5000, 6000),
        "rpm_limit_type": Sample("guaranteed_throughput", "best_effort_throughput", {"rpm_limit": 10}),
        "tpm_limit_type": Sample("guaranteed_throughput", "best_effort_throughput", {"tpm_limit": 10}),
        "model_rpm_limit": Sample({"gpt-4o": 5}, {"gpt-4o-mini": 6}),
        "model_tpm_limit": Sample({"gpt-4o": 50}, {"gpt-4o": 60}),
        "mcp_rpm_limit": Sample({"srv": 5}, {"srv": 6}),
        "tag_rpm_limit": Sample({"t": 5}, {"t": 6}),
        "default_estimated_output_tokens": Sample(100, 200),
        "default_estimated_output_tokens_per_model": Sample({"gpt-4o": 100}, {"gpt-4o": 200}),
        "model_aliases": Sample({"m": "gpt-4o"}, {"n": "gpt-4o"}),
        "allowed_routes": Sample(["/v1/chat/completions", "/v1/models"], ["/v1/embeddings"]),
        "allowed_cache_controls": Sample(["no-cache", "no-store"], ["no-store"]),
        "allowed_vector_store_indexes": Sample(
            [{"index_name": "i", "index_permissions": ["read"]}],
            [{"index_name": "j", "index_permissions": ["read", "write"]}],
        ),
        "access_group_ids": Sample(["ag-1"], ["ag-2", "ag-1"]),
        "object_permission": Sample(
            {"vector_stores": ["vs1"], "agents": ["a"], "mcp_tool_search_enabled": True},
            {"vector_stores": ["vs2"]},
        ),
        "permissions": Sample({"pii": False}, {"allow_pii_controls": True}),
        "config": Sample({"k": 1}, {"k": 2}),
        "router_settings": Sample({"num_retries": 2}, {"num_retries": 3}),
        "enforced_params": Sample(["user"], ["metadata", "user"]),
        "enable_prompt_caching": Sample(first=True, second=False),
        "logging": Sample(
            [
                {
                    "callback_name": "langfuse",
                    "callback_type": "success",
                    "callback_vars": {"langfuse_host": "a"},
                }
            ],
            [{"callback_name": "langsmith", "callback_vars": {"langsmith_api_key": "b"}}],
        ),
        "auto_rotate": Sample(first=True, second=False, beside={"rotation_interval": "30d"}),
        "rotation_interval": Sample("30d", "60d", {"auto_rotate": True}),
    }


def make_neighbours(client: httpx.Client, suffix: str) -> None:
    """Make the teams and budgets that the samples speak of."""
    for team in TEAMS:
        name = f"{team}-{suffix}"
        client.post("/team/new", json={"team_id": name, "team_alias": name}).raise_for_status()
    for budget in BUDGETS:
        body = {"budget_id": f"{budget}-{suffix}", "max_budget": 2}
        client.post("/budget/new", json=body).raise_for_status()
