"""What the real gateway makes of a key's life: renewed, ended by `max_ttl`, blocked."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from providers.litellm import clock
from providers.litellm.kinds import parse_instant
from tests.contract.conftest import NewProcess
from tests.contract.gateways import Fault, Faults
from tests.unit.providers.engine import KeyEngine

_GRAIN = timedelta(minutes=1)
"""More than a call takes."""
Travel = Callable[[float], datetime]


@pytest.fixture
def travel(monkeypatch: pytest.MonkeyPatch) -> Travel:
    """Make the plugin believe that it is some minutes later than the gateway knows."""
    start = clock.now()

    def travel(minutes: float) -> datetime:
        monkeypatch.setattr(clock, "now", lambda: start + timedelta(minutes=minutes))
        return start + timedelta(minutes=minutes)

    return travel


def expires(engine: KeyEngine) -> datetime:
    assert engine.state is not None
    return parse_instant(engine.state["expires"])


def test_a_renewal_sets_the_expiry_anew(process: NewProcess, engine: KeyEngine, travel: Travel) -> None:
    declared: dict[str, Any] = {"duration": "30m", "renew": True}
    start = travel(-25)
    engine.up(process(), **declared)
    before = expires(engine)
    travel(0)
    assert engine.preview(**declared) == ["duration", "renewed"]
    assert engine.up(process(), **declared) == "update"
    assert expires(engine) > before
    assert abs(expires(engine) - start - timedelta(minutes=55)) < _GRAIN
    assert engine.refresh(process())
    assert engine.preview(**declared) == []


def test_a_renewal_ends_with_max_ttl(process: NewProcess, engine: KeyEngine, travel: Travel) -> None:
    declared: dict[str, Any] = {"duration": "30m", "max_ttl": "40m", "renew": True}
    start = travel(-25)
    engine.up(process(), **declared)
    travel(0)
    engine.up(process(), **declared)
    assert abs(expires(engine) - start - timedelta(minutes=40)) < _GRAIN
    assert engine.refresh(process())
    travel(14)
    assert engine.preview(**declared) == []


def test_a_renewal_whose_answer_is_lost_is_done_once(
    process: NewProcess, engine: KeyEngine, travel: Travel
) -> None:
    declared: dict[str, Any] = {"duration": "30m", "renew": True}
    travel(-25)
    engine.up(process(), **declared)
    travel(0)
    faults = Faults({"/key/update": [Fault.LOST_ANSWER]})
    engine.up(process(faults), **declared)
    assert faults.calls["/key/update"] == 1
    assert engine.refresh(process())
    assert engine.preview(**declared) == []


def test_a_key_older_than_its_new_max_ttl_ends_at_once(
    process: NewProcess, engine: KeyEngine, travel: Travel, gateway_url: str
) -> None:
    travel(-25)
    engine.up(process(), duration="30m", max_ttl="60m")
    assert engine.state is not None
    key = engine.state["key"]
    assert status(gateway_url, key) == httpx.codes.OK
    travel(0)
    engine.up(process(), duration="10m", max_ttl="20m")
    assert expires(engine) <= clock.now() + _GRAIN
    assert status(gateway_url, key) == httpx.codes.UNAUTHORIZED


def test_a_blocked_key_is_refused_until_it_is_unblocked(
    process: NewProcess, engine: KeyEngine, gateway_url: str
) -> None:
    engine.up(process(), blocked=True)
    assert engine.state is not None
    key = engine.state["key"]
    assert status(gateway_url, key) == httpx.codes.UNAUTHORIZED
    assert engine.refresh(process())
    assert engine.preview(blocked=True) == []
    engine.up(process(), blocked=False)
    assert status(gateway_url, key) == httpx.codes.OK
    engine.up(process(), blocked=True)
    assert status(gateway_url, key) == httpx.codes.UNAUTHORIZED
    engine.up(process())
    assert status(gateway_url, key) == httpx.codes.OK


def status(gateway_url: str, key: str) -> int:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.get(f"{gateway_url}/v1/models", headers=headers, timeout=30).status_code
