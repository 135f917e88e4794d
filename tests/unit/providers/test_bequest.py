"""What a successor keeps of its predecessor though no program speaks of it."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from providers.litellm.ownership import OWN_METADATA
from tests.unit.providers.engine import KeyEngine, urn
from tests.unit.providers.fake_gateway import FakeGateway
from tests.unit.providers.test_delivery import DELIVER, World, kills

LIMITS = {"models": ["gpt-4o"], "max_budget": 7, "rpm_limit": 3, "team_id": "theirs", "blocked": True}
ROTATION = {"rotation": {"a": 1}}
THEIRS = {"team": "theirs", "cost-centre": 5}
OF_THE_GATEWAY = {"secret_manager_settings": {"a": 1}}
"""Settings of the gateway's that no field speaks of."""


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def engine() -> KeyEngine:
    return KeyEngine("app")


def made(gateway: FakeGateway, **fields: Any) -> None:
    gateway._generate({"key": "sk-theirs", "key_alias": "theirs", "metadata": {}} | fields)


def adopted(gateway: FakeGateway, engine: KeyEngine, **fields: Any) -> None:
    made(gateway, **fields)
    engine.up(gateway.client(), adopt="theirs")


def users(row: dict[str, Any]) -> dict[str, Any]:
    """Give a key's metadata without our marks."""
    return {name: value for name, value in row["metadata"].items() if name not in OWN_METADATA}


def rotated(gateway: FakeGateway, engine: KeyEngine, **declared: Any) -> dict[str, Any]:
    """Rotate, and give the successor's row."""
    predecessor = engine.token_id
    assert engine.up(gateway.client(), **ROTATION, **declared) == "replace"
    assert engine.preview(**ROTATION, **declared) == []
    assert gateway.rows[predecessor]["metadata"]["pulumi-superseded-by"] == engine.token_id
    return gateway.rows[engine.token_id]


def test_a_successor_of_an_adopted_key_has_its_limits(gateway: FakeGateway, engine: KeyEngine) -> None:
    adopted(
        gateway,
        engine,
        **LIMITS,
        metadata={"cost-centre": 5, "model_rpm_limit": {"gpt-4o": 1}, "tags": ["theirs"]},
    )
    row = rotated(gateway, engine)
    assert row | LIMITS == row
    assert row["metadata"]["cost-centre"] == 5
    assert row["metadata"]["model_rpm_limit"] == {"gpt-4o": 1}
    assert row["metadata"]["tags"] == ["theirs"]
    assert row["key_alias"] != "theirs"


def test_a_successor_of_an_adopted_key_has_metadata_that_nobody_declared(
    gateway: FakeGateway, engine: KeyEngine
) -> None:
    made(gateway, metadata={**THEIRS, **OF_THE_GATEWAY})
    engine.up(gateway.client(), adopt="theirs", metadata={"ours": 1, "other": 2})
    row = rotated(gateway, engine, metadata={"ours": 3})
    assert users(row) == {**THEIRS, **OF_THE_GATEWAY, "ours": 3}
    assert "pulumi-adopted" not in row["metadata"]


def test_metadata_that_nobody_declared_stays_beside_a_successor_s_too(
    gateway: FakeGateway, engine: KeyEngine
) -> None:
    made(gateway, metadata=THEIRS)
    engine.up(gateway.client(), adopt="theirs", metadata={"ours": 1})
    rotated(gateway, engine, metadata={"ours": 1})
    for declared in ({"ours": 1}, {"ours": 2}, {}, {"cost-centre": 6}):
        engine.up(gateway.client(), **ROTATION, metadata=declared)
        engine.refresh(gateway.client())
        assert engine.preview(**ROTATION, metadata=declared) == []
        assert users(gateway.rows[engine.token_id]) == THEIRS | declared
    engine.up(gateway.client(), rotation={"a": 2}, metadata={"ours": 1})
    assert users(gateway.rows[engine.token_id]) == {"team": "theirs", "ours": 1}


def test_what_somebody_set_for_the_gateway_goes_with_any_key(gateway: FakeGateway, engine: KeyEngine) -> None:
    declared = {"metadata": {"ours": 1, "team_member_key_duration": "mine"}}
    engine.up(gateway.client(), **declared)
    gateway.rows[engine.token_id]["metadata"] |= OF_THE_GATEWAY
    row = rotated(gateway, engine, metadata={"ours": 1})
    assert users(row) == {"ours": 1, **OF_THE_GATEWAY}


def test_a_successor_ends_when_its_predecessor_would_have(gateway: FakeGateway, engine: KeyEngine) -> None:
    adopted(gateway, engine, duration="1h")
    ends = datetime.fromisoformat(gateway.rows[engine.token_id]["expires"])
    found = datetime.fromisoformat(rotated(gateway, engine)["expires"])
    assert abs(found - ends) < timedelta(seconds=3)


def test_a_successor_of_a_key_that_has_ended_lives(gateway: FakeGateway, engine: KeyEngine) -> None:
    adopted(gateway, engine)
    gateway.rows[engine.token_id]["expires"] = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
    assert rotated(gateway, engine)["expires"] is None


def test_what_the_gateway_fills_up_goes_back_as_it_is_declared(
    gateway: FakeGateway, engine: KeyEngine
) -> None:
    window = {"budget_duration": "1d", "max_budget": 5}
    adopted(gateway, engine, budget_limits=[window], object_permission={"mcp_servers": ["one"]})
    sent: list[dict[str, Any]] = []
    generate = gateway._generate
    gateway._generate = lambda body: sent.append(body) or generate(body)  # type: ignore[method-assign, func-returns-value]
    rotated(gateway, engine)
    assert sent[0]["budget_limits"] == [window]
    assert sent[0]["object_permission"] == {"mcp_servers": ["one"]}


def test_a_shared_budget_goes_with_its_successor(gateway: FakeGateway, engine: KeyEngine) -> None:
    adopted(gateway, engine, budget_id="shared")
    assert rotated(gateway, engine)["budget_id"] == "shared"


def test_routes_go_as_they_are(gateway: FakeGateway, engine: KeyEngine) -> None:
    adopted(gateway, engine, key_type="llm_api")
    gateway.rows[engine.token_id]["allowed_routes"] = ["/chat/completions"]
    assert rotated(gateway, engine)["allowed_routes"] == ["/chat/completions"]


def test_a_limit_that_somebody_set_still_holds(gateway: FakeGateway, engine: KeyEngine) -> None:
    engine.up(gateway.client(), max_budget=5)
    gateway.rows[engine.token_id] |= {"rpm_limit": 3, "tpm_limit": 0}
    row = rotated(gateway, engine, max_budget=6)
    assert (row["max_budget"], row["rpm_limit"], row["tpm_limit"]) == (6, 3, 0)


def test_what_is_taken_out_with_a_rotation_is_cleared(gateway: FakeGateway, engine: KeyEngine) -> None:
    declared = {"max_budget": 5, "soft_budget": 3, "metadata": {"team": "x"}, "duration": "1h"}
    engine.up(gateway.client(), models=["gpt-4o"], **declared)
    row = rotated(gateway, engine, models=["gpt-4o"])
    assert (row["max_budget"], row["expires"], row["budget_id"]) == (None, None, None)
    assert "team" not in row["metadata"]


def test_a_replacement_by_force_keeps_what_an_adopted_key_came_with(
    gateway: FakeGateway, engine: KeyEngine
) -> None:
    adopted(gateway, engine, **LIMITS)
    engine.force_replacement(gateway.client())
    row = gateway.rows[engine.token_id]
    assert row | LIMITS == row


def test_a_replacement_by_force_keeps_an_adopted_key_s_metadata(
    gateway: FakeGateway, engine: KeyEngine
) -> None:
    adopted(gateway, engine, metadata=THEIRS)
    engine.force_replacement(gateway.client(), metadata={"ours": 1})
    engine.refresh(gateway.client())
    assert engine.preview(metadata={"ours": 1}) == []
    assert users(gateway.rows[engine.token_id]) == {**THEIRS, "ours": 1}


def test_a_rotation_of_an_adopted_key_that_is_killed_anywhere_keeps_its_metadata() -> None:
    for after in kills():
        world = World(**{"api-key": "sk-theirs"})
        made(world.gateway, metadata={**THEIRS, **OF_THE_GATEWAY})
        world.up(adopt="theirs", metadata={"ours": 1})
        if not world.killed(after, partial(world.up, metadata={"ours": 2, "unsaved": 1}, **ROTATION)):
            break
        world.up(metadata={"ours": 3}, **ROTATION)
        row = world.gateway.rows[world.engine.token_id]
        assert users(row) == {**THEIRS, **OF_THE_GATEWAY, "ours": 3}
        assert world.engine.refresh(world.gateway.client())
        assert world.engine.preview(metadata={"ours": 3}, deliver=DELIVER, **ROTATION) == []
        world.assert_whole()
    assert after > 12


def test_an_orphan_leaves_nothing(gateway: FakeGateway, engine: KeyEngine) -> None:
    """Of what was declared when it was made nobody knows."""
    engine.up(gateway.client(), max_budget=5)
    KeyEngine("app").up(gateway.client())
    [row] = [row for row in gateway.rows.values() if not row["expires"]]
    assert row["max_budget"] is None


def test_a_rotation_that_is_killed_anywhere_keeps_it_all_the_same() -> None:
    for after in kills():
        world = World(theirs="kept")
        world.up(max_budget=5)
        by_hand = {"rpm_limit": 3, "team_id": "theirs"}
        world.gateway.rows[world.engine.token_id] |= by_hand
        if not world.killed(after, partial(world.up, max_budget=6, **ROTATION)):
            break
        world.up(**ROTATION)
        row = world.gateway.rows[world.engine.token_id]
        assert row | by_hand | {"max_budget": None} == row
        world.assert_whole()
    assert after > 12


def test_a_resource_that_is_renamed_and_rotated_at_once_is_one_key() -> None:
    for after in kills():
        world = World(theirs="kept")
        world.up(alias="kept", grace="0s")
        moved = partial(world.up, alias="kept", grace="0s", owner=urn("moved"), **ROTATION)
        if not world.killed(after, moved):
            break
        moved()
        assert world.gateway.rows.keys() == {world.engine.token_id}
        assert world.standing["managed-by-urn"] == urn("moved")
        world.assert_whole()
    assert after > 12
