"""A key and its successor at the real gateway: what is carried over, and how the old one ends."""

import hashlib
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import hvac
import pytest
from tenacity import Retrying, stop_after_delay, wait_fixed

from providers.litellm import clock
from providers.litellm.rotation import ends_by_the_calendar
from tests.contract.conftest import MOUNT, NewProcess
from tests.contract.gateways import Faults
from tests.support.gateway import chat
from tests.unit.providers.engine import KeyEngine

Living = Callable[[], list[str]]
Use = Callable[[str], float]
Row = Callable[[str], dict[str, Any]]


@pytest.fixture
def row(admin: httpx.Client) -> Row:
    def asked(token_id: str) -> dict[str, Any]:
        answer = admin.get("/key/info", params={"key": token_id}).raise_for_status()
        return dict(answer.json()["info"])

    return asked


def value_of(engine: KeyEngine) -> str:
    assert engine.state is not None
    return str(engine.state["key"])


def patiently() -> Retrying:
    """Try for longer than a replica remembers a key."""
    return Retrying(stop=stop_after_delay(90), wait=wait_fixed(0.2))


def test_the_successor_starts_with_the_spend_the_limits_and_the_end_of_the_window(
    process: NewProcess, engine: KeyEngine, living: Living, use: Use, row: Row
) -> None:
    declared = {"max_budget": 5, "budget_duration": "30d", "rpm_limit": 9, "models": ["gpt-4o"]}
    engine.up(process(), **declared, spend=1)
    predecessor, spent = engine.token_id, use(value_of(engine))
    assert engine.up(process(), **declared, spend=1, rotation={"a": 1}) == "replace"
    old, new = row(predecessor), row(engine.token_id)
    assert new["spend"] == old["spend"] == pytest.approx(1 + spent)
    for name in (*declared, "budget_reset_at"):
        assert new[name] == old[name], name
    assert living() == [engine.token_id]
    assert engine.refresh(process())
    assert engine.preview(**declared, spend=1, rotation={"a": 1}) == []


def test_what_is_spent_during_the_switch_is_handed_over_once(
    process: NewProcess, engine: KeyEngine, use: Use, row: Row
) -> None:
    engine.up(process())
    assert engine.state is not None
    predecessor, state = engine.token_id, engine.state
    engine._create(process(), engine.check({"rotation": {"a": 1}}, olds={}), "replace")
    assert row(engine.token_id)["spend"] == 0
    late, own = use(state["key"]), use(value_of(engine))
    engine.waiting.append((predecessor, state))
    engine.up(process(), rotation={"a": 1})  # another process, which was told nothing
    assert row(engine.token_id)["spend"] == pytest.approx(late + own)
    engine.waiting.append((predecessor, state))
    engine.up(process(), rotation={"a": 1})
    assert row(engine.token_id)["spend"] == pytest.approx(late + own)


def test_the_old_key_is_refused_after_its_grace_and_swept_by_the_next_rotation(
    process: NewProcess, engine: KeyEngine, gateway_url: str, row: Row
) -> None:
    engine.up(process(), grace="1s")
    predecessor, value = engine.token_id, value_of(engine)
    assert chat(gateway_url, value, "gpt-4o") == 200
    engine.up(process(), grace="1s", rotation={"a": 1})
    assert chat(gateway_url, value_of(engine), "gpt-4o") == 200
    for attempt in patiently():
        with attempt:
            assert chat(gateway_url, value, "gpt-4o") == 401
    ends = datetime.fromisoformat(row(predecessor)["expires"])
    for attempt in patiently():
        with attempt:  # whole seconds
            assert clock.now() >= ends
    assert row(predecessor)["status"] == "expired"
    engine.up(process(), grace="1s", rotation={"a": 2})
    assert row(predecessor)["status"] == "deleted"


def test_without_a_grace_the_old_key_is_deleted_at_once(
    process: NewProcess, engine: KeyEngine, row: Row
) -> None:
    engine.up(process())
    predecessor = engine.token_id
    engine.up(process(), grace="0s", rotation={"a": 1})
    assert row(predecessor)["status"] == "deleted"


def test_the_first_run_after_its_age_gives_a_key_a_successor(
    process: NewProcess, engine: KeyEngine, living: Living, use: Use, row: Row
) -> None:
    declared = {"rotate_every": "1s", "max_budget": 5}
    engine.up(process(), **declared)
    predecessor, spent = engine.token_id, use(value_of(engine))
    for attempt in patiently():
        with attempt:
            assert "minted" in engine.preview(**declared)
    assert engine.up(process(), **declared) == "replace"
    assert living() == [engine.token_id] != [predecessor]
    assert row(engine.token_id)["spend"] == pytest.approx(spent)
    assert row(predecessor)["metadata"]["pulumi-superseded-by"] == engine.token_id


def test_a_key_that_is_not_due_yet_stays(process: NewProcess, engine: KeyEngine, living: Living) -> None:
    engine.up(process())
    first = engine.token_id
    assert engine.up(process(), rotate_every="90d") == "update"
    assert engine.refresh(process())
    assert engine.up(process(), rotate_every="90d") == "same"
    assert engine.up(process(), rotate_every="30d") == "update"
    assert living() == [engine.token_id] == [first]


def test_a_destroy_takes_the_predecessors_along(process: NewProcess, engine: KeyEngine, row: Row) -> None:
    engine.up(process(), alias=f"mine-{engine.name}")
    first = engine.token_id
    engine.up(process(), alias=f"mine-{engine.name}", rotation={"a": 1})
    second = engine.token_id
    assert row(first)["key_alias"] == f"mine-{engine.name}-{first[:7]}"
    engine.destroy(process())
    assert [row(token_id)["status"] for token_id in (first, second)] == ["deleted", "deleted"]


def test_a_rotation_takes_few_calls(process: NewProcess, engine: KeyEngine) -> None:
    engine.up(process())
    faults = Faults()
    engine.up(process(faults), rotation={"a": 1})
    del faults.calls["/key/list"]
    assert faults.calls == {"/health/readiness": 1, "/key/info": 3, "/key/generate": 1, "/key/update": 1}


def test_a_delivered_key_that_is_replaced_by_force_has_another_value(
    *,
    process: NewProcess,
    engine: KeyEngine,
    living: Living,
    row: Row,
    use: Use,
    client: hvac.Client,
    vault_environment: None,
) -> None:
    del vault_environment
    deliver = {"mount": MOUNT, "path": f"keys/{secrets.token_hex(4)}"}

    def live() -> dict[str, str]:
        found = client.secrets.kv.v2.read_secret_version(
            deliver["path"], mount_point=MOUNT, raise_on_deleted_version=True
        )
        return dict(found["data"]["data"])

    engine.up(process(), deliver=deliver)
    predecessor, spent = engine.token_id, use(live()["api-key"])
    engine.force_replacement(process(), deliver=deliver)
    assert living() == [engine.token_id] != [predecessor]
    assert hashlib.sha256(live()["api-key"].encode()).hexdigest() == engine.token_id
    assert row(engine.token_id)["spend"] == pytest.approx(spent)
    assert row(predecessor)["metadata"]["pulumi-superseded-by"] == engine.token_id


# --- what the gateway does by itself ---------------------------------------------------------------------


def test_a_key_that_was_refused_before_it_was_known_is_accepted_at_once(
    admin: httpx.Client, gateway_url: str
) -> None:
    """A consumer that is told too early gets over it: a refusal isn't remembered."""
    value = f"sk-{secrets.token_urlsafe(32)}"
    assert chat(gateway_url, value, "gpt-4o") == 401
    admin.post("/key/generate", json={"key": value}).raise_for_status()
    assert chat(gateway_url, value, "gpt-4o") == 200
    admin.post("/key/delete", json={"keys": [value]}).raise_for_status()


def test_the_usage_of_budget_limits_can_not_be_carried(
    process: NewProcess, engine: KeyEngine, use: Use, row: Row
) -> None:
    limits = {"budget_limits": [{"budget_duration": "1d", "max_budget": 5}]}
    engine.up(process(), **limits)
    use(value_of(engine))
    predecessor = engine.token_id
    assert row(predecessor)["budget_limits_usage"]["1d"]["current_spend"] > 0
    engine.up(process(), **limits, rotation={"a": 1})
    assert row(engine.token_id)["budget_limits_usage"]["1d"]["current_spend"] == 0
    assert row(engine.token_id)["budget_limits"] == row(predecessor)["budget_limits"]


def test_the_end_of_a_budget_window_can_not_be_set(admin: httpx.Client, row: Row) -> None:
    value = f"sk-{secrets.token_urlsafe(32)}"
    token_id = hashlib.sha256(value.encode()).hexdigest()
    earlier = (datetime.now(UTC) + timedelta(days=4)).isoformat()
    body = {"key": value, "budget_duration": "45d", "budget_reset_at": earlier}
    admin.post("/key/generate", json=body).raise_for_status()
    ends = row(token_id)["budget_reset_at"]
    admin.post("/key/update", json={"key": value, "budget_reset_at": earlier}).raise_for_status()
    assert row(token_id)["budget_reset_at"] == ends != earlier
    admin.post("/key/delete", json={"keys": [value]}).raise_for_status()


def next_slot(length: timedelta) -> Callable[[datetime], datetime]:
    def ends(now: datetime) -> datetime:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + ((now - midnight) // length + 1) * length

    return ends


def after_today(days: int) -> Callable[[datetime], datetime]:
    return lambda now: now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=days)


def next_month(now: datetime) -> datetime:
    return (after_today(32)(now.replace(day=1))).replace(day=1)


@pytest.mark.parametrize(
    ("duration", "ends"),
    [
        ("1d", after_today(1)),
        ("24h", after_today(1)),
        ("7d", lambda now: after_today(7 - now.weekday())(now)),
        ("30d", next_month),
        ("1mo", next_month),
        ("6h", next_slot(timedelta(hours=6))),
        ("15m", next_slot(timedelta(minutes=15))),
        ("10d", after_today(10)),
        ("45d", after_today(45)),
        ("2w", after_today(14)),
        ("hourly", next_slot(timedelta(hours=1))),
        ("Daily", after_today(1)),
        (" weekly ", lambda now: after_today(7 - now.weekday())(now)),
        ("monthly", next_month),
    ],
)
def test_windows_end_by_the_calendar_or_so_many_days_from_today(
    admin: httpx.Client, row: Row, duration: str, ends: Callable[[datetime], datetime]
) -> None:
    value = f"sk-{secrets.token_urlsafe(32)}"
    before = datetime.now(UTC)
    admin.post("/key/generate", json={"key": value, "budget_duration": duration}).raise_for_status()
    after = datetime.now(UTC)
    found = datetime.fromisoformat(row(hashlib.sha256(value.encode()).hexdigest())["budget_reset_at"])
    assert found in (ends(before), ends(after))
    assert ends_by_the_calendar(duration) is (duration not in ("10d", "45d", "2w"))
    admin.post("/key/delete", json={"keys": [value]}).raise_for_status()
