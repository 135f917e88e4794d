"""A key gets a successor: when, with what, and how its predecessor ends."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from providers.inputs import UNKNOWN
from providers.litellm import clock, rotation
from providers.litellm.errors import LicenceNeededError
from tests.unit.providers.engine import KeyEngine, RefusedError, urn
from tests.unit.providers.fake_gateway import FakeGateway

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
Travel = Callable[[float], None]


class Time:
    """A clock that the gateway and the provider go by."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(clock, "now", time)
    return time


@pytest.fixture
def gateway(time: Time) -> FakeGateway:
    return FakeGateway(time)


@pytest.fixture
def engine() -> KeyEngine:
    return KeyEngine("app")


def first(gateway: FakeGateway, engine: KeyEngine, **declared: Any) -> str:
    assert engine.up(gateway.client(), **declared) == "create"
    return engine.token_id


# --- when ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"rotation": {"a": 1}}, {"rotation": {"a": 2}}),
        ({"rotation": {"a": 1}}, {"rotation": {"a": 1, "b": 1}}),
        ({"rotation": {"a": {"b": [1]}}}, {"rotation": {"a": {"b": [2]}}}),
        ({}, {"rotation": {"a": 1}}),
        ({"rotation": {"a": 1}}, {}),
    ],
)
def test_another_keeper_is_another_key(
    gateway: FakeGateway, engine: KeyEngine, before: dict[str, Any], after: dict[str, Any]
) -> None:
    predecessor = first(gateway, engine, **before)
    assert engine.preview(**before) == []
    assert engine.preview(**after) == ["rotation"]
    assert engine.up(gateway.client(), **after) == "replace"
    assert gateway.living == {engine.token_id} != {predecessor}
    assert engine.preview(**after) == []


def test_no_keepers_are_as_good_as_none(gateway: FakeGateway, engine: KeyEngine) -> None:
    first(gateway, engine)
    assert engine.preview(rotation={}) == []


def test_a_key_is_due_at_its_age_and_not_before(gateway: FakeGateway, engine: KeyEngine, time: Time) -> None:
    declared = {"rotate_every": "30d"}
    predecessor = first(gateway, engine, **declared)
    assert engine.inputs["minted"] == "2026-01-31T12:00:00Z"
    time.pass_by(days=29, hours=23)
    assert engine.refresh(gateway.client())
    assert engine.preview(**declared) == []
    time.pass_by(hours=1)
    assert engine.preview(**declared) == ["minted"]
    assert engine.up(gateway.client(), **declared) == "replace"
    assert engine.inputs["minted"] == "2026-03-02T12:00:00Z"
    assert engine.token_id != predecessor
    assert engine.preview(**declared) == []


def test_the_age_of_an_older_key_counts_from_its_declaration(
    gateway: FakeGateway, engine: KeyEngine, time: Time
) -> None:
    first(gateway, engine)
    time.pass_by(days=100)
    assert engine.up(gateway.client(), rotate_every="30d") == "update"
    time.pass_by(days=30)
    assert engine.up(gateway.client(), rotate_every="30d") == "replace"


def test_another_period_or_none_is_no_other_key(gateway: FakeGateway, engine: KeyEngine, time: Time) -> None:
    first(gateway, engine, rotate_every="30d")
    time.pass_by(days=10)
    assert engine.up(gateway.client(), rotate_every="20d") == "update"
    assert engine.up(gateway.client(), rotate_every="5d") == "replace"
    assert engine.up(gateway.client()) == "update"
    assert "minted" not in engine.inputs


def test_a_period_that_is_not_known_yet_rotates_nothing(gateway: FakeGateway, engine: KeyEngine) -> None:
    first(gateway, engine, rotate_every="30d")
    assert engine.preview(rotate_every=UNKNOWN) == ["rotate_every"]


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ({"rotation": "monthly"}, "expected a mapping, got 'monthly'"),
        ({"rotate_every": "30days"}, "'30days' is not a duration that LiteLLM knows"),
        ({"rotate_every": "0s"}, "'0s' is not a duration that LiteLLM knows"),
        ({"grace": 900}, "expected a duration such as 30d, got 900, or 0s to delete the old key at once"),
        ({"minted": "2026-01-01T00:00:00Z"}, "is set by this resource itself; leave it out"),
    ],
)
def test_a_wrong_declaration_is_refused(engine: KeyEngine, declared: dict[str, Any], reason: str) -> None:
    with pytest.raises(RefusedError) as refused:
        engine.check(declared)
    [problem] = refused.value.problems
    assert problem.field == next(iter(declared))
    assert problem.reason.startswith(reason)


# --- what the predecessor becomes ------------------------------------------------------------------------


def rotate(gateway: FakeGateway, engine: KeyEngine, **declared: Any) -> None:
    engine.up(gateway.client(), rotation={"at": clock.now().isoformat()}, **declared)


@pytest.mark.parametrize(("declared", "minutes"), [({}, 15), ({"grace": "2h"}, 120)])
def test_a_predecessor_ends_after_its_grace(
    gateway: FakeGateway, engine: KeyEngine, time: Time, declared: dict[str, Any], minutes: int
) -> None:
    predecessor = first(gateway, engine, metadata={"team": "x"}, **declared)
    rotate(gateway, engine, metadata={"team": "x"}, **declared)
    row = gateway.rows[predecessor]
    ends = datetime.fromisoformat(row["expires"]) - time.now
    assert timedelta(minutes=minutes) <= ends < timedelta(minutes=minutes, seconds=1)
    assert (row["metadata"]["team"], row["metadata"]["pulumi-urn"]) == ("x", urn("app"))
    assert row["metadata"]["pulumi-superseded-by"] == engine.token_id
    supersedes = gateway.rows[engine.token_id]["metadata"]["pulumi-supersedes"]
    assert supersedes["token_id"] == predecessor


def test_the_grace_of_now_counts_and_not_that_of_before(gateway: FakeGateway, engine: KeyEngine) -> None:
    predecessor = first(gateway, engine, grace="10d")
    engine.up(gateway.client(), grace="0s", rotation={"leaked": "today"})
    assert predecessor in gateway.archive


def test_a_predecessor_that_ends_sooner_does_so(gateway: FakeGateway, engine: KeyEngine) -> None:
    predecessor = first(gateway, engine, duration="10m")
    ends = gateway.rows[predecessor]["expires"]
    rotate(gateway, engine, duration="10m")
    assert gateway.rows[predecessor]["expires"] == ends


def test_predecessors_that_have_ended_are_swept_at_the_next_rotation(
    gateway: FakeGateway, engine: KeyEngine, time: Time
) -> None:
    oldest = first(gateway, engine)
    rotate(gateway, engine)
    time.pass_by(minutes=10)
    old = engine.token_id
    rotate(gateway, engine)
    assert gateway.rows.keys() == {oldest, old, engine.token_id}
    time.pass_by(minutes=10)
    older = engine.token_id
    rotate(gateway, engine)
    assert gateway.rows.keys() == {old, older, engine.token_id}


def test_a_predecessor_ends_by_the_clock_of_its_gateway(engine: KeyEngine, time: Time) -> None:
    slow = FakeGateway(lambda: time.now - timedelta(minutes=10))
    oldest = first(slow, engine)
    rotate(slow, engine)
    time.pass_by(minutes=6)
    rotate(slow, engine)
    assert oldest in slow.rows
    time.pass_by(minutes=10)
    rotate(slow, engine)
    assert oldest not in slow.rows


def test_a_destroy_takes_the_predecessors_along(gateway: FakeGateway, engine: KeyEngine) -> None:
    first(gateway, engine)
    rotate(gateway, engine)
    engine.destroy(gateway.client())
    assert gateway.rows == {}


def test_an_update_keeps_the_marks_of_a_succession(gateway: FakeGateway, engine: KeyEngine) -> None:
    first(gateway, engine)
    rotate(gateway, engine)
    marked = gateway.rows[engine.token_id]["metadata"]["pulumi-supersedes"]
    engine.up(gateway.client(), rotation=engine.inputs["rotation"], metadata={"team": "y"})
    metadata = gateway.rows[engine.token_id]["metadata"]
    assert (metadata["team"], metadata["pulumi-supersedes"]) == ("y", marked)


def test_a_key_that_is_gone_has_a_successor_all_the_same(gateway: FakeGateway, engine: KeyEngine) -> None:
    predecessor = first(gateway, engine)
    gateway.archive[predecessor] = gateway.rows.pop(predecessor)
    rotate(gateway, engine)
    assert gateway.rows.keys() == {engine.token_id}


def test_a_refused_successor_leaves_the_alias_where_it_was(gateway: FakeGateway, engine: KeyEngine) -> None:
    predecessor = first(gateway, engine, alias="mine")
    with pytest.raises(LicenceNeededError):
        rotate(gateway, engine, alias="mine", tags=["a"])
    assert gateway.rows.keys() == {predecessor}
    assert gateway.rows[predecessor]["key_alias"] == "mine"


def test_the_longest_alias_passes_to_the_successor(gateway: FakeGateway, engine: KeyEngine) -> None:
    longest = "a" * 255
    predecessor = first(gateway, engine, alias=longest)
    rotate(gateway, engine, alias=longest)
    assert gateway.rows[engine.token_id]["key_alias"] == longest
    assert gateway.rows[predecessor]["key_alias"] == f"{'a' * 247}-{predecessor[:7]}"


def test_a_rotation_takes_few_calls(gateway: FakeGateway, engine: KeyEngine) -> None:
    first(gateway, engine, alias="mine")
    client = gateway.client()
    gateway.calls.clear()
    engine.up(client, alias="mine", rotation={"a": 1})
    del gateway.calls["/health/readiness"]
    assert gateway.calls == {"/key/list": 1, "/key/info": 3, "/key/generate": 1, "/key/update": 2}


# --- what the successor inherits -------------------------------------------------------------------------


def spend_of(gateway: FakeGateway, engine: KeyEngine) -> float:
    return float(gateway.rows[engine.token_id]["spend"])


def test_the_successor_starts_with_the_spend_so_far(gateway: FakeGateway, engine: KeyEngine) -> None:
    gateway.use(first(gateway, engine, max_budget=5, spend=1), 0.5)
    rotate(gateway, engine, max_budget=5, spend=1)
    assert spend_of(gateway, engine) == 1.5
    gateway.use(engine.token_id, 0.25)
    clock.now.pass_by(minutes=1)  # type: ignore[attr-defined]
    rotate(gateway, engine, max_budget=5, spend=1)
    assert spend_of(gateway, engine) == 1.75


def test_the_spend_of_a_window_that_is_over_is_not_inherited(
    gateway: FakeGateway, engine: KeyEngine, time: Time
) -> None:
    predecessor = first(gateway, engine, budget_duration="1d")
    gateway.use(predecessor, 0.5)
    gateway.rows[predecessor]["budget_reset_at"] = "2026-02-01T00:00:00+00:00"
    time.pass_by(hours=11)
    rotate(gateway, engine, budget_duration="1d")
    assert spend_of(gateway, engine) == 0.5
    gateway.rows[engine.token_id]["budget_reset_at"] = "2026-02-01T00:00:00+00:00"
    time.pass_by(hours=1)
    rotate(gateway, engine, budget_duration="1d")
    assert spend_of(gateway, engine) == 0.0


class Busy(FakeGateway):
    """A gateway whose replicas write down spend between two calls.

    Attributes
    ----------
    flushes
        Path of a call, and which of those -> what is written down right before it: hash, or None for the
        newest key; and USD.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(now)
        self.flushes: dict[tuple[str, int], tuple[str | None, float]] = {}

    def _serve(self, request: Any) -> Any:
        flush = self.flushes.get((request.url.path, self.calls[request.url.path] + 1))
        if flush:
            token_id, usd = flush
            self.use(token_id or list(self.rows)[-1], usd)
        return super()._serve(request)


@pytest.mark.parametrize("usd", [0.0, 0.125])
def test_what_is_spent_during_the_switch_is_handed_over(time: Time, usd: float) -> None:
    """The second read is that of the retirement, the update after it that of the successor's spend."""
    gateway, engine = Busy(time), KeyEngine("app")
    predecessor = first(gateway, engine)
    gateway.use(predecessor, 1.0)
    client = gateway.client()
    gateway.calls.clear()
    gateway.flushes = {("/key/info", 3): (predecessor, 0.5), ("/key/update", 1): (None, usd)}
    engine.up(client, rotation={"a": 1})
    assert spend_of(gateway, engine) == 1.5 + usd
    assert gateway.rows[engine.token_id]["total_spend"] == usd
    inherited = gateway.rows[engine.token_id]["metadata"]["pulumi-supersedes"]
    assert inherited == {"token_id": predecessor, "total_spend": 1.5}
    engine.waiting.append((predecessor, engine.state or {}))
    engine.up(gateway.client(), rotation={"a": 1})
    assert spend_of(gateway, engine) == 1.5 + usd


def test_what_was_spent_in_a_window_that_is_over_is_not_handed_over(time: Time) -> None:
    """The window of both ends after the successor was minted, and before its predecessor is retired."""
    gateway, engine = Busy(time), KeyEngine("app")
    predecessor = first(gateway, engine, budget_duration="1d")
    gateway.use(predecessor, 1.0)
    client = gateway.client()
    info, reads = gateway._info, [0]

    def reset_before_the_third_read(query: Mapping[str, str]) -> dict[str, Any]:
        reads[0] += 1
        if reads[0] == 3:
            gateway.use(predecessor, 0.5)
            for row in gateway.rows.values():
                row["spend"] = 0.0
            gateway.use(predecessor, 0.25)
        return info(query)

    gateway._info = reset_before_the_third_read  # type: ignore[method-assign]
    engine.up(client, budget_duration="1d", rotation={"a": 1})
    assert gateway.rows[predecessor]["total_spend"] == 1.75
    assert spend_of(gateway, engine) == 0.25


class Older(FakeGateway):
    """A gateway that doesn't tell what a key has spent itself."""

    def _info(self, query: Mapping[str, str]) -> dict[str, Any]:
        found = super()._info(query)
        del found["info"]["total_spend"]
        return found

    def _list(self, query: Mapping[str, str]) -> dict[str, Any]:
        found = super()._list(query)
        for row in found["keys"]:
            del row["total_spend"], row["last_active"]
        return found


def test_an_older_gateway_lets_us_carry_the_spend_of_the_moment(time: Time, engine: KeyEngine) -> None:
    gateway = Older(time)
    predecessor = first(gateway, engine)
    gateway.use(predecessor, 0.5)
    engine.force_replacement(gateway.client())
    assert (spend_of(gateway, engine), gateway.living) == (0.5, {engine.token_id})


# --- interruptions ---------------------------------------------------------------------------------------


class KilledError(BaseException):
    """The process ends: nothing catches it."""


def killed(gateway: FakeGateway, after: int, action: Callable[[], Any]) -> bool:
    """Do something that is killed after so many calls to the gateway; say whether it came to that."""
    serve, calls = gateway.transport.handler, [0]

    def serving(request: Any) -> Any:
        answer = serve(request)
        calls[0] += 1
        if calls[0] >= after:
            raise KilledError
        return answer

    gateway.transport.handler = serving
    try:
        action()
    except KilledError:
        return True
    finally:
        gateway.transport.handler = serve
    return False


@pytest.mark.parametrize("alias", [{}, {"alias": "mine"}])
@pytest.mark.parametrize("by_force", [False, True])
def test_a_rotation_that_is_killed_anywhere_is_completed(
    time: Time, alias: dict[str, str], *, by_force: bool
) -> None:
    for after in range(1, 20):
        gateway, engine = FakeGateway(time), KeyEngine("app")
        predecessor = first(gateway, engine, **alias)
        gateway.use(predecessor, 0.5)
        if by_force:
            action: Callable[[], Any] = partial(engine.force_replacement, gateway.client(), **alias)
        else:
            action = partial(engine.up, gateway.client(), rotation={"a": 1}, **alias)
        if not killed(gateway, after, action):
            break
        gateway.client()  # another process
        if by_force and not engine.waiting:
            engine.force_replacement(gateway.client(), **alias)
        else:
            engine.up(gateway.client(), **({} if by_force else {"rotation": {"a": 1}}), **alias)
        assert gateway.living == {engine.token_id}
        assert gateway.rows[predecessor]["metadata"]["pulumi-superseded-by"] == engine.token_id
        assert spend_of(gateway, engine) == 0.5
        assert gateway.rows[engine.token_id]["key_alias"] == engine.inputs["key_alias"]
    assert after > 5


def test_a_predecessor_that_waits_for_its_end_is_no_orphan(gateway: FakeGateway, engine: KeyEngine) -> None:
    """Killed before it was retired, and rotated again at once; nobody has used it yet."""
    oldest = first(gateway, engine)
    assert killed(gateway, 6, partial(engine.up, gateway.client(), rotation={"a": 1}))
    assert engine.waiting
    engine.up(gateway.client(), rotation={"a": 2})
    assert gateway.living == {engine.token_id}
    assert gateway.rows[oldest]["expires"]


# --- words -----------------------------------------------------------------------------------------------


def words(olds: Mapping[str, Any], news: Mapping[str, Any], *replacing: str) -> str:
    [sentence] = rotation.words(olds, {"owner": urn("app"), **news}, list(replacing))
    return sentence


def test_a_preview_says_what_a_rotation_will_do() -> None:
    assert words({}, {}, "rotation") == (
        "app: rotation changed: a successor will be minted, which starts with the spend so far; "
        "the old key expires 15m after that"
    )


def test_a_preview_says_where_the_key_goes_and_who_is_awaited() -> None:
    news = {
        "deliver": {"mount": "kv", "path": "keys/app"},
        "consumer": {"external_secret": "apps/key", "deployment": "apps/web"},
        "grace": "0s",
        "budget_duration": "30d",
    }
    assert words({"minted": "2026-01-01T00:00:00Z"}, news | {"rotate_every": "90d"}, "minted") == (
        "app: minted 2026-01-01T00:00:00Z, and due every 90d: a successor will be minted, which starts with "
        "the spend so far (its budget window of 30d ends as the old one's does); kv/keys/app in Vault gets a "
        "new version; apps/key and apps/web must follow; then the old key is deleted at once"
    )


def test_a_preview_says_why_a_drifted_key_is_replaced() -> None:
    olds = {"deliver": {"drifted": "changed in Vault; its value is known nowhere else"}}
    assert words(olds, {}, "deliver").startswith("app: changed in Vault: a successor")


def test_a_preview_says_what_the_gateway_does_not_let_us_carry() -> None:
    said = words({}, {"budget_duration": "45d", "budget_limits": [{}]}, "rotation", "key_type")
    assert said.startswith("app: rotation changed and key_type changed: ")
    assert "(its budget window of 45d begins anew), but with its budget_limits unused;" in said


def test_a_preview_says_nothing_of_what_is_not_known_yet() -> None:
    unknown = dict.fromkeys(("grace", "budget_duration", "deliver", "consumer"), UNKNOWN)
    assert words({}, unknown, "rotation").endswith("spend so far; the old key expires after its grace")
    assert list(rotation.words({}, {"owner": UNKNOWN}, ["rotation"])) == []


@pytest.mark.parametrize(
    "duration", ["1d", "24h", "daily", "7d", "1w", "30d", "monthly", "1mo", "6h", "15m", "20s"]
)
def test_calendar_windows_end_alike(duration: str) -> None:
    assert rotation.ends_by_the_calendar(duration)


@pytest.mark.parametrize("duration", ["10d", "45d", "2w", "36h", "5h", "90m", "7s"])
def test_other_windows_begin_anew(duration: str) -> None:
    assert not rotation.ends_by_the_calendar(duration)
