"""Every field that the open-source gateway takes: set, changed, cleared, drifted, repaired, never a diff."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from providers.litellm.drift import live_value
from providers.litellm.errors import LicenceNeededError
from providers.litellm.fields import BY_NAME, FIELDS, Clearing, Stored
from tests.contract.conftest import NewProcess
from tests.unit.providers.engine import KeyEngine

NAME = secrets.token_hex(4)


@dataclass(frozen=True)
class Sample:
    """Two values of a field, and what has to be declared beside."""

    first: Any
    second: Any
    beside: Mapping[str, Any] = field(default_factory=dict)


SAMPLES = {
    "models": Sample(["gpt-4o", "gpt-4o-mini"], ["gpt-4o"]),
    "duration": Sample("7d", "8d"),
    "metadata": Sample({"a": 1, "b": {"c": [2, 3.5, None]}}, {"z": "y"}),
    "blocked": Sample(first=True, second=False),
    "user_id": Sample(f"user-{NAME}", f"other-{NAME}"),
    "team_id": Sample(f"team-{NAME}", f"team2-{NAME}"),
    "agent_id": Sample("agent-1", "agent-2"),
    "key_type": Sample("llm_api", "read_only"),
    "max_budget": Sample(5, 6.25),
    "soft_budget": Sample(3, 4.5),
    "budget_duration": Sample("30d", "1h", {"max_budget": 5}),
    "budget_limits": Sample(
        [{"budget_duration": "1d", "max_budget": 1}, {"budget_duration": "7d", "max_budget": 2.5}],
        [{"budget_duration": "7d", "max_budget": 3}],
    ),
    "budget_id": Sample(f"budget-{NAME}", f"budget2-{NAME}"),
    "end_user_budget_id": Sample(f"budget-{NAME}", f"budget2-{NAME}"),
    "budget_fallbacks": Sample({"gpt-4o": ["gpt-4o-mini"]}, {"gpt-4o-mini": ["gpt-4o"]}),
    "temp_budget_increase": Sample(1, 2.5, {"temp_budget_expiry": "2030-01-01T00:00:00Z"}),
    "temp_budget_expiry": Sample("2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z", {"temp_budget_increase": 1}),
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
    "object_permission": Sample({"vector_stores": ["vs1"], "agents": ["a"]}, {"vector_stores": ["vs2"]}),
    "permissions": Sample({"pii": False}, {"allow_pii_controls": True}),
    "config": Sample({"k": 1}, {"k": 2}),
    "router_settings": Sample({"num_retries": 2}, {"num_retries": 3}),
    "enforced_params": Sample(["user"], ["metadata", "user"]),
    "enable_prompt_caching": Sample(first=True, second=False),
    "auto_rotate": Sample(first=True, second=False, beside={"rotation_interval": "30d"}),
    "rotation_interval": Sample("30d", "60d", {"auto_rotate": True}),
}

# Found twice in no request: the alias has tests of its own, the others are start values.
APART = {"key_alias", "spend", "send_invite_email"}
CHANGEABLE = sorted(name for name in SAMPLES if not BY_NAME[name].replaces)
CLEARABLE = sorted(name for name in SAMPLES if BY_NAME[name].clearing is not Clearing.REPLACE)


def test_every_open_source_field_has_a_sample() -> None:
    assert {f.name for f in FIELDS if not f.licensed} == SAMPLES.keys() | APART


@pytest.fixture(scope="module", autouse=True)
def _neighbours(gateway_url: str, master_key: Any) -> None:
    """Make the teams and budgets that the samples speak of."""
    headers = {"Authorization": f"Bearer {master_key.get_secret_value()}"}
    with httpx.Client(base_url=gateway_url, headers=headers, timeout=30) as client:
        for team in (f"team-{NAME}", f"team2-{NAME}"):
            client.post("/team/new", json={"team_id": team, "team_alias": team}).raise_for_status()
        for budget in (f"budget-{NAME}", f"budget2-{NAME}"):
            body = {"budget_id": budget, "max_budget": 2}
            client.post("/budget/new", json=body).raise_for_status()


def live(admin: httpx.Client, engine: KeyEngine, name: str) -> Any:
    info = admin.get("/key/info", params={"key": engine.token_id}).json()["info"]
    if BY_NAME[name].stored is Stored.EXPIRES:
        return info["expires"]
    assert engine.state is not None
    return live_value(BY_NAME[name], info, engine.state.get("metadata") or {})


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_field_that_was_set_is_no_diff(process: NewProcess, engine: KeyEngine, name: str) -> None:
    sample = SAMPLES[name]
    declared = {**sample.beside, name: sample.first}
    gateway = process()
    assert engine.up(gateway, **declared) == "create"
    assert engine.preview(**declared) == []
    assert engine.refresh(gateway)
    assert engine.preview(**declared) == []
    assert engine.up(gateway, **declared) == "same"


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_changed_field_is_changed_at_the_gateway(
    process: NewProcess, admin: httpx.Client, engine: KeyEngine, name: str
) -> None:
    sample, kind = SAMPLES[name], BY_NAME[name]
    gateway = process()
    engine.up(gateway, **{**sample.beside, name: sample.first})
    before = live(admin, engine, name)
    declared = {**sample.beside, name: sample.second}
    assert engine.preview(**declared) == [name]
    assert engine.up(gateway, **declared) == ("replace" if kind.replaces else "update")
    assert live(admin, engine, name) != before
    assert engine.refresh(gateway)
    assert engine.preview(**declared) == []


@pytest.mark.parametrize("name", CLEARABLE)
def test_a_field_that_is_taken_out_is_cleared(
    process: NewProcess, admin: httpx.Client, engine: KeyEngine, name: str
) -> None:
    sample = SAMPLES[name]
    beside = {} if name in ("auto_rotate", "rotation_interval") else dict(sample.beside)
    beside = {} if name.startswith("temp_") else beside
    gateway = process()
    engine.up(gateway, **{**sample.beside, name: sample.first})
    assert engine.up(gateway, **beside) == "update"
    value = live(admin, engine, name)
    emptied = BY_NAME[name].clearing is Clearing.MEMBERS
    assert not (any(value[member] for member in sample.first) if emptied else value)
    assert engine.refresh(gateway)
    assert engine.preview(**beside) == []


@pytest.mark.parametrize("name", CHANGEABLE)
def test_drift_is_seen_and_repaired(
    process: NewProcess, admin: httpx.Client, engine: KeyEngine, name: str
) -> None:
    sample, kind = SAMPLES[name], BY_NAME[name]
    declared = {**sample.beside, name: sample.first}
    gateway = process()
    engine.up(gateway, **declared)
    others = {"key": engine.token_id, kind.api: sample.second}
    if name.startswith("temp_"):
        others |= sample.beside
    if kind.stored is Stored.USER_METADATA:  # who edits metadata elsewhere sends it whole
        others["metadata"] = {**admin_metadata(admin, engine), "added": "by hand"}
    admin.post("/key/update", json=others).raise_for_status()
    assert engine.refresh(gateway)
    assert engine.preview(**declared) == [name]
    assert engine.up(gateway, **declared) == "update"
    assert engine.refresh(gateway)
    assert engine.preview(**declared) == []


def admin_metadata(admin: httpx.Client, engine: KeyEngine) -> dict[str, Any]:
    info = admin.get("/key/info", params={"key": engine.token_id}).json()["info"]
    return dict(info["metadata"])


LICENSED = {
    "tags": ["t"],
    "guardrails": ["g"],
    "policies": ["g"],
    "prompts": ["g"],
    "disable_global_guardrails": True,
    "allowed_passthrough_routes": ["/x"],
    "denied_passthrough_routes": ["/x"],
    "model_max_budget": {"gpt-4o": {"budget_limit": 1, "time_period": "1d"}},
}


@pytest.mark.parametrize("name", sorted(LICENSED))
def test_a_field_without_its_licence_is_named(process: NewProcess, engine: KeyEngine, name: str) -> None:
    with pytest.raises(LicenceNeededError, match=name):
        engine.up(process(), **{name: LICENSED[name]})
