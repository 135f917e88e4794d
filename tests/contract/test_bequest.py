"""What a successor keeps at a real gateway though no program speaks of it, field by field."""

import secrets
from typing import Any

import httpx
import pytest

from providers.litellm import changes
from providers.litellm.drift import live_value
from providers.litellm.fields import BY_NAME, WITHOUT_FIELD, Clearing, Stored
from providers.litellm.kinds import parse_instant
from providers.litellm.ownership import OWN_METADATA
from tests.contract.conftest import NewProcess
from tests.support.field_samples import make_neighbours, samples
from tests.support.gateway import chat
from tests.unit.providers.engine import KeyEngine, urn

NAME = secrets.token_hex(4)
SAMPLES = samples(NAME)
ROTATION = {"rotation": {"a": 1}}
GRAIN_SECONDS = 60
BUDGET_SPENT = (422, 429)
THEIRS = {"team": "theirs", "cost-centre": 4711, "nested": {"a": [1, 2.5, None]}}
OF_THE_GATEWAY = {
    "callback_settings": {"callback_vars": {"langfuse_public_key": "pk"}},
    "enforced_batch_output_expires_after": {"anchor": "created_at", "seconds": 3600},
    "enforced_file_expires_after": {"anchor": "created_at", "seconds": 3600},
    "model_itpm_limit": {"gpt-4o": 1000},
    "model_otpm_limit": {"gpt-4o": 1000},
    "secret_manager_settings": {"namespace": "theirs"},
    "team_member_key_duration": "30d",
}


@pytest.fixture(scope="module", autouse=True)
def _neighbours(gateway_url: str, master_key: Any) -> None:
    """Make the teams and budgets that the samples speak of."""
    headers = {"Authorization": f"Bearer {master_key.get_secret_value()}"}
    with httpx.Client(base_url=gateway_url, headers=headers, timeout=30) as client:
        make_neighbours(client, NAME)


def row_of(admin: httpx.Client, engine: KeyEngine) -> dict[str, Any]:
    answer = admin.get("/key/info", params={"key": engine.token_id}).raise_for_status()
    return dict(answer.json()["info"])


def adopt(admin: httpx.Client, process: NewProcess, engine: KeyEngine, fields: dict[str, Any]) -> None:
    """Let somebody make a key with these fields, and adopt it."""
    body = changes.creation({**fields, "owner": urn("theirs")})
    body["metadata"] = {name: value for name, value in body["metadata"].items() if "pulumi" not in str(value)}
    made = admin.post("/key/generate", json=body).raise_for_status().json()
    assert engine.up(process(), adopt=made["token"]) == "create"


def users_metadata(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row["metadata"].items() if name not in OWN_METADATA}


def assert_kept(name: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    field = BY_NAME[name]
    if field.stored is Stored.EXPIRES:
        drift = parse_instant(after["expires"]) - parse_instant(before["expires"])
        assert abs(drift.total_seconds()) < GRAIN_SECONDS
        return
    old, new = live_value(field, before, {}), live_value(field, after, {})
    assert old
    assert field.kind.same(field.kind.declared(old), field.kind.declared(new))


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_successor_keeps_a_field_that_an_adopted_key_came_with(
    process: NewProcess, admin: httpx.Client, engine: KeyEngine, name: str
) -> None:
    sample = SAMPLES[name]
    adopt(admin, process, engine, {**sample.beside, name: sample.first})
    before = row_of(admin, engine)
    assert engine.up(process(), **ROTATION) == "replace"
    gateway = process()
    assert engine.refresh(gateway)
    assert engine.preview(**ROTATION) == []
    after = row_of(admin, engine)
    if name == "key_type":  # what it stands for is what holds
        name = "allowed_routes"
    assert_kept(name, before, after)
    for beside in sample.beside:
        assert_kept(beside, before, after)


def test_a_successor_keeps_metadata_that_nobody_declared(
    process: NewProcess, admin: httpx.Client, engine: KeyEngine
) -> None:
    assert OF_THE_GATEWAY.keys() == WITHOUT_FIELD
    body = {"metadata": {**THEIRS, **OF_THE_GATEWAY}}
    made = admin.post("/key/generate", json=body).raise_for_status().json()
    engine.up(process(), adopt=made["token"], metadata={"ours": 1})
    before = users_metadata(row_of(admin, engine))
    assert engine.up(process(), metadata={"ours": 2}, **ROTATION) == "replace"
    assert users_metadata(row_of(admin, engine)) == {**before, "ours": 2}
    for declared in ({"ours": 2}, {"ours": 3}, {}):
        engine.up(process(), metadata=declared, **ROTATION)
        assert engine.refresh(process())
        assert engine.preview(metadata=declared, **ROTATION) == []
        found = users_metadata(row_of(admin, engine))
        assert found | THEIRS == found
        assert {name: found[name] for name in found if name == "ours"} == declared


@pytest.mark.parametrize(
    "name", [name for name in sorted(SAMPLES) if BY_NAME[name].clearing is not Clearing.REPLACE]
)
def test_what_is_taken_out_with_a_rotation_is_not_kept(
    process: NewProcess, admin: httpx.Client, engine: KeyEngine, name: str
) -> None:
    sample = SAMPLES[name]
    engine.up(process(), **{**sample.beside, name: sample.first})
    assert engine.up(process(), **ROTATION) == "replace"
    after = row_of(admin, engine)
    field = BY_NAME[name]
    if field.stored is Stored.EXPIRES:
        assert after["expires"] is None
    else:
        value = live_value(field, after, {})
        assert not (any(value.values()) if field.clearing is Clearing.MEMBERS and value else value)


def test_a_limit_that_somebody_set_holds_for_the_successor_too(
    process: NewProcess, admin: httpx.Client, engine: KeyEngine
) -> None:
    engine.up(process(), models=["gpt-4o"])
    by_hand = {"key": engine.token_id, "max_budget": 0.0}
    admin.post("/key/update", json=by_hand).raise_for_status()
    assert engine.up(process(), models=["gpt-4o"], **ROTATION) == "replace"
    assert engine.state is not None
    assert chat(str(admin.base_url), engine.state["key"], "gpt-4o") in BUDGET_SPENT
