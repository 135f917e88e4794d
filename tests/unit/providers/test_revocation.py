"""A destroy goes on when the keys that it has revoked are dead at every replica, and no earlier."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from providers.inputs import UNKNOWN
from providers.litellm import revocation
from providers.litellm.revocation_bound import RevocationBoundProvider

PROVIDER = RevocationBoundProvider()
URL = "http://gateway.example"


class Clock:
    """Goes on while somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=clock.sleep))
    revocation.forget()
    yield clock
    revocation.forget()


def waited(clock: Clock, url: str = URL, ttl_seconds: float = 60) -> float:
    began = clock()
    revocation.await_forgotten(url, ttl_seconds, clock)
    return clock() - began


def test_the_time_is_counted_from_the_last_revocation_at_this_gateway(clock: Clock) -> None:
    revocation.note(URL, clock)
    clock.sleep(10)
    revocation.note(URL + "/", clock)
    clock.sleep(20)
    revocation.note("http://other.example", clock)
    assert 41 <= waited(clock) < 44


def test_what_is_over_is_not_waited_for(clock: Clock) -> None:
    revocation.note(URL, clock)
    clock.sleep(61)
    assert waited(clock) == 0


def test_after_an_interrupted_run_nobody_knows_so_the_whole_time_is_waited(clock: Clock) -> None:
    assert 61 <= waited(clock) < 64


def test_a_changed_bound_is_an_update_and_a_missing_one_is_refused() -> None:
    old = {"url": URL, "ttl_seconds": 60.0}
    assert not PROVIDER.diff("", old, old).changes
    found = PROVIDER.diff("", old, {**old, "ttl_seconds": 10.0})
    assert found.changes
    assert not found.replaces
    assert PROVIDER.check({}, {"url": UNKNOWN, "ttl_seconds": 60.0}).failures == []
    for wrong in (None, -1.0, "60", True):
        (failure,) = PROVIDER.check({}, {"url": URL, "ttl_seconds": wrong}).failures
        assert failure.property == "ttl_seconds"
