"""How long a key lives: the times in its inputs, when its expiry is set anew, and where that ends."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from providers.inputs import UNKNOWN
from providers.litellm import clock, renewal
from providers.litellm.checks import check_inputs
from providers.litellm.kinds import parse_instant
from tests.unit.providers.engine import GATEWAY, KeyEngine, urn
from tests.unit.providers.fake_gateway import FakeGateway

START = datetime.now(UTC).replace(microsecond=0)
Travel = Callable[[float], None]


@pytest.fixture
def travel(monkeypatch: pytest.MonkeyPatch) -> Travel:
    """Set the clock to some days after the start."""

    def travel(days: float) -> None:
        monkeypatch.setattr(clock, "now", lambda: START + timedelta(days=days))

    travel(0)
    return travel


@pytest.fixture
def gateway(travel: Travel) -> FakeGateway:
    """Give a gateway that lives at the same time."""
    del travel

    def now() -> datetime:
        return clock.now()  # as it is set by then

    return FakeGateway(now)


def day_of(instant: str) -> float:
    return round((parse_instant(instant) - START) / timedelta(days=1), 2)


def expiry(gateway: FakeGateway, engine: KeyEngine) -> float:
    return day_of(gateway.rows[engine.token_id]["expires"])


def test_only_keys_that_need_them_have_times_in_their_inputs() -> None:
    inputs, _ = check_inputs({}, {"gateway": GATEWAY, "owner": urn("app"), "duration": "30d"})
    assert not {"minted", "renewed"} & inputs.keys()


def test_a_key_is_renewed_when_less_than_a_third_is_left(gateway: FakeGateway, travel: Travel) -> None:
    client, engine, declared = gateway.client(), KeyEngine("app"), {"duration": "30d", "renew": True}
    engine.up(client, **declared)
    travel(20)
    assert engine.preview(**declared) == []
    assert engine.up(client, **declared) == "same"
    travel(20.1)
    assert engine.preview(**declared) == ["duration", "renewed"]
    assert engine.up(client, **declared) == "update"
    assert expiry(gateway, engine) == 50.1
    assert engine.preview(**declared) == []
    assert engine.refresh(client)
    assert engine.preview(**declared) == []


def test_a_key_that_expired_meanwhile_is_renewed(gateway: FakeGateway, travel: Travel) -> None:
    client, engine = gateway.client(), KeyEngine("app")
    engine.up(client, duration="30d", renew=True)
    travel(31)
    engine.up(client, duration="30d", renew=True)
    assert expiry(gateway, engine) == 61


def test_max_ttl_ends_the_renewals(gateway: FakeGateway, travel: Travel) -> None:
    client, engine = gateway.client(), KeyEngine("app")
    declared = {"duration": "30d", "max_ttl": "60d", "renew": True}
    engine.up(client, **declared)
    for day, end in ((25, 55), (50, 60), (59.9, 60), (61, 60)):
        travel(day)
        engine.up(client, **declared)
        assert expiry(gateway, engine) == end
        assert engine.preview(**declared) == []


def test_an_end_that_is_final_is_said_in_words(gateway: FakeGateway, travel: Travel) -> None:
    client, engine = gateway.client(), KeyEngine("app")
    declared = {"duration": "30d", "max_ttl": "60d", "renew": True}
    engine.up(client, **declared)
    travel(25)
    assert said(engine, **declared) == []
    engine.up(client, **declared)
    travel(50)
    end = clock.written(START + timedelta(days=60))
    assert said(engine, **declared) == [
        (
            f"app expires on {end}, at the end of its max_ttl of 60d, and is renewed no more; "
            "change its `rotation` before"
        )
    ]


def said(engine: KeyEngine, **declared: Any) -> list[str]:
    assert engine.state is not None
    return list(renewal.words(engine.state, engine.check(declared)))


def test_a_longer_max_ttl_renews_again(gateway: FakeGateway, travel: Travel) -> None:
    client, engine = gateway.client(), KeyEngine("app")
    engine.up(client, duration="30d", max_ttl="40d", renew=True)
    travel(25)
    engine.up(client, duration="30d", max_ttl="40d", renew=True)
    assert expiry(gateway, engine) == 40
    travel(38)
    engine.up(client, duration="30d", max_ttl="90d", renew=True)
    assert expiry(gateway, engine) == 68


@pytest.mark.parametrize("renew", [{}, {"renew": True}], ids=["not renewed", "renewed"])
@pytest.mark.parametrize(("day", "end"), [(10, 20), (25, 25)], ids=["before its end", "after its end"])
def test_a_shorter_max_ttl_ends_a_key_sooner(
    gateway: FakeGateway, travel: Travel, renew: dict[str, bool], day: float, end: float
) -> None:
    client, engine = gateway.client(), KeyEngine("app")
    engine.up(client, duration="15d", max_ttl="90d", **renew)
    travel(9)
    engine.up(client, duration="18d", max_ttl="90d", **renew)
    assert expiry(gateway, engine) == 27
    travel(day)
    declared = {"duration": "18d", "max_ttl": "20d", **renew}
    assert {"duration", "max_ttl"} <= set(engine.preview(**declared))
    assert said(engine, **declared)[0].startswith("app expires on ")
    engine.up(client, **declared)
    assert expiry(gateway, engine) == end
    assert engine.preview(**declared) == []


def test_another_duration_stays_within_max_ttl(gateway: FakeGateway, travel: Travel) -> None:
    client, engine = gateway.client(), KeyEngine("app")
    engine.up(client, duration="90d", max_ttl="90d")
    travel(80)
    engine.up(client, duration="30d", max_ttl="90d")
    assert expiry(gateway, engine) == 90
    assert engine.refresh(client)
    assert engine.preview(duration="30d", max_ttl="90d") == []


def test_a_limit_that_is_new_moves_no_expiry(gateway: FakeGateway, travel: Travel) -> None:
    client, engine = gateway.client(), KeyEngine("app")
    engine.up(client, duration="30d")
    travel(10)
    assert engine.preview(duration="30d", max_ttl="90d") == ["max_ttl", "minted"]
    engine.up(client, duration="30d", max_ttl="90d")
    assert expiry(gateway, engine) == 30
    assert engine.preview(duration="30d") == ["max_ttl", "minted"]


def test_an_expiry_that_somebody_moved_is_drift(gateway: FakeGateway, travel: Travel) -> None:
    client, engine, declared = gateway.client(), KeyEngine("app"), {"duration": "30d", "renew": True}
    engine.up(client, **declared)
    gateway.rows[engine.token_id]["expires"] = "2099-01-01T00:00:00+00:00"
    travel(1)
    engine.refresh(client)
    assert engine.inputs["duration"] == "until 2099-01-01T00:00:00+00:00"
    assert engine.preview(**declared) == ["duration", "renewed"]
    engine.up(client, **declared)
    assert expiry(gateway, engine) == 31


def test_a_successor_begins_its_life_anew(gateway: FakeGateway, travel: Travel) -> None:
    client, engine = gateway.client(), KeyEngine("app")
    declared = {"duration": "30d", "max_ttl": "60d", "renew": True}
    engine.up(client, **declared)
    travel(50)
    engine.up(client, **declared, key_type="llm_api")
    assert expiry(gateway, engine) == 80


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        ({"renew": True}, "renew: a key without a duration never expires; set duration"),
        (
            {"renew": True, "max_ttl": "30d"},
            "renew: the duration is all of max_ttl, so nothing is left to renew; shorten it",
        ),
        ({"renew": "yes", "duration": "1d"}, "renew: expected true or false, got 'yes'"),
    ],
)
def test_a_renewal_of_nothing_is_refused(declared: dict[str, Any], problem: str) -> None:
    _, problems = check_inputs({}, {"gateway": GATEWAY, "owner": urn("app"), **declared})
    assert [f"{found.field}: {found.reason}" for found in problems] == [problem]


def test_what_is_unknown_yet_is_not_refused() -> None:
    for unknown in ({"duration": UNKNOWN}, {"duration": "1d", "max_ttl": UNKNOWN}, {"renew": UNKNOWN}):
        declared = {"duration": "1d", "renew": True, **unknown}
        assert check_inputs({}, {"gateway": GATEWAY, "owner": urn("app"), **declared})[1] == []
