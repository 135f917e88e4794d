"""A key with what came before and after it, when a run of before was cut short or something else changes."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from providers.vault.sources import fingerprint
from tests.unit.providers.engine import KeyEngine, urn
from tests.unit.providers.fake_gateway import FakeGateway
from tests.unit.providers.test_delivery import DELIVER, World, kills
from tests.unit.providers.test_taken_back import ELSEWHERE, TwoPaths

ROTATED: dict[str, Any] = {"rotation": {"since": "a leak"}}

# --- a deletion that waits for the next `up` -------------------------------------------------------------


def cut_short(engine: KeyEngine, action: Callable[[], object]) -> None:
    """Do what is followed by the failure of another resource."""
    engine.is_cut_short = True
    action()
    engine.is_cut_short = False


@pytest.mark.parametrize("has_listed", [False, True])
def test_a_predecessor_that_waits_is_retired_for_a_key_that_is_renamed_meanwhile(*, has_listed: bool) -> None:
    world = World()
    world.up(grace="1h")
    predecessor = world.engine.token_id
    cut_short(world.engine, partial(world.up, grace="1h", **ROTATED))
    process = world.gateway.client()
    if has_listed:
        KeyEngine("other").up(process)
    world.engine.up(process, deliver=DELIVER, grace="1h", owner=urn("moved"), **ROTATED)
    assert world.engine.token_id in world.gateway.living
    assert fingerprint(world.standing["api-key"]) == world.engine.token_id
    former = world.gateway.rows[predecessor]
    assert former["metadata"]["pulumi-superseded-by"] == world.engine.token_id
    assert former["metadata"]["pulumi-urn"] == urn("moved")
    assert former["expires"]


def test_a_forced_replacement_that_has_adopted_the_same_key_never_deletes_it() -> None:
    gateway, engine = FakeGateway(), KeyEngine("app")
    theirs = gateway._generate({"key": "sk-theirs", "key_alias": "theirs", "metadata": {}})["token"]
    engine.up(gateway.client(), adopt="theirs")
    cut_short(engine, lambda: engine.force_replacement(gateway.client(), adopt="theirs"))
    assert engine.up(gateway.client(), adopt="theirs") == "same"
    assert not engine.waiting
    assert theirs in gateway.living


@pytest.mark.parametrize("is_last_first", [False, True])
@pytest.mark.parametrize("is_delivered", [False, True])
def test_of_a_kept_key_that_was_rotated_the_predecessor_ends(
    *, is_delivered: bool, is_last_first: bool
) -> None:
    world = World()
    up = partial(world.up, retain_on_delete=True, **({} if is_delivered else {"deliver": None}))
    up()
    predecessor = world.engine.token_id
    cut_short(world.engine, partial(up, **ROTATED))
    kept = world.engine.token_id
    world.gateway.use(kept, 0.5)
    world.engine.destroy(world.gateway.client(), is_last_first=is_last_first)
    assert kept in world.gateway.living
    assert "pulumi-urn" not in world.gateway.rows[kept]["metadata"]
    assert world.gateway.rows[kept]["expires"] is None
    assert world.gateway.rows[predecessor]["expires"]


def test_a_kept_key_whose_successor_nobody_has_used_is_given_back_and_the_successor_left() -> None:
    """The state may have it, and nobody can tell: it lives, and its own deletion gives it back."""
    gateway, engine = FakeGateway(), KeyEngine("app")
    engine.up(gateway.client(), retain_on_delete=True)
    cut_short(engine, lambda: engine.up(gateway.client(), retain_on_delete=True, **ROTATED))
    engine.destroy(gateway.client())
    assert len(gateway.living) == 2
    assert not any("pulumi-urn" in row["metadata"] for row in gateway.rows.values())


# --- another URN -----------------------------------------------------------------------------------------


def test_a_renamed_key_takes_its_predecessors_along() -> None:
    world = World()
    world.up(grace="30d")
    world.up(grace="30d", **ROTATED)
    assert world.up(grace="30d", owner=urn("moved"), **ROTATED) == "update"
    assert {row["metadata"]["pulumi-urn"] for row in world.gateway.rows.values()} == {urn("moved")}
    world.engine.destroy(world.gateway.client())
    assert (world.gateway.rows, world.standing) == ({}, {})


def test_a_key_that_is_renamed_and_rotated_at_once_takes_its_predecessors_along() -> None:
    world = World()
    world.up(grace="30d")
    world.up(grace="30d", **ROTATED)
    assert world.up(grace="30d", owner=urn("moved"), rotation={"again": 1}) == "replace"
    assert len(world.gateway.rows) == 3
    world.engine.destroy(world.gateway.client())
    assert (world.gateway.rows, world.standing) == ({}, {})


def test_a_key_that_is_renamed_after_a_killed_replacement_leaves_no_key_when_it_is_destroyed() -> None:
    for after in kills():
        world = World()
        world.up(grace="0s")
        if not world.killed(after, partial(world.up, grace="0s", **ROTATED)):
            break
        world.up(grace="0s", owner=urn("moved"))
        world.engine.destroy(world.gateway.client())
        assert (world.gateway.rows, world.standing) == ({}, {})
    assert after > 10


def test_two_keys_that_change_their_names_keep_what_is_theirs() -> None:
    gateway = FakeGateway()
    one, other = KeyEngine("one"), KeyEngine("other")
    for engine in (one, other):
        engine.up(gateway.client(), grace="30d")
        engine.up(gateway.client(), grace="30d", **ROTATED)
    process = gateway.client()
    one.up(process, grace="30d", owner=urn("other"), **ROTATED)
    other.up(process, grace="30d", owner=urn("one"), **ROTATED)
    assert len(gateway.rows) == 4
    one.destroy(gateway.client())
    assert len(gateway.rows) == 2
    assert other.token_id in gateway.living
    other.destroy(gateway.client())
    assert gateway.rows == {}


# --- gone, but not wholly --------------------------------------------------------------------------------


def test_a_key_that_is_gone_stays_in_the_state_while_vault_holds_it() -> None:
    """Or what a killed replacement has put in its place: a refresh that forgot it would leave that alive."""
    for after in kills():
        world = World(theirs="kept")
        world.up()
        former = world.engine.token_id
        if not world.killed(after, partial(world.up, **ROTATED)):
            break
        world.gateway._delete({"keys": [former]})
        assert world.engine.refresh(world.gateway.client())
        world.engine.destroy(world.gateway.client())
        assert (world.gateway.rows, world.standing) == ({}, {"theirs": "kept"})
    assert after > 10


def test_a_destroy_that_is_killed_is_completed_after_a_refresh() -> None:
    for after in kills():
        world = World(theirs="kept")
        world.up()
        if not world.killed(after, partial(world.engine.destroy, world.gateway.client())):
            break
        if world.engine.refresh(world.gateway.client()):
            world.engine.destroy(world.gateway.client())
        assert (world.gateway.rows, world.standing) == ({}, {"theirs": "kept"})
    assert after > 3


def test_a_key_that_is_gone_but_for_vault_is_replaced_by_the_next_up() -> None:
    world = World(theirs="kept")
    world.up()
    world.gateway._delete({"keys": [world.engine.token_id]})
    assert world.engine.refresh(world.gateway.client())
    assert world.up() == "replace"
    world.assert_whole()


# --- another place ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [None, ELSEWHERE])
@pytest.mark.parametrize("is_used", [False, True])
def test_the_successor_of_a_killed_replacement_ends_when_the_key_goes_elsewhere(
    *, is_used: bool, place: dict[str, str] | None
) -> None:
    for after in kills():
        world = TwoPaths()
        world.up(grace="0s")
        if not world.killed(after, partial(world.up, grace="0s", **ROTATED)):
            break
        for token_id in list(world.gateway.rows) if is_used else ():
            world.gateway.use(token_id, 0.5)
        assert world.up(grace="0s", deliver=place, **ROTATED) == "replace"
        assert (set(world.gateway.rows), world.standing) == ({world.engine.token_id}, {"theirs": "kept"})
        world.engine.destroy(world.gateway.client())
        assert (world.gateway.rows, world.elsewhere.version.data) == ({}, {})
    assert after > 10


def test_a_key_that_goes_elsewhere_carries_what_a_lost_successor_has_spent_though_it_is_killed_again() -> (
    None
):
    for after in kills():
        world, spent = TwoPaths(), {}
        world.up(grace="0s")
        state, inputs = world.engine.state, world.engine.inputs
        for usd in (0.5, 0.25):
            world.gateway.use(world.engine.token_id, usd)
            spent[world.engine.token_id] = usd
            if len(spent) == 1:
                world.stop_before_the_end(grace="0s", **ROTATED)
        world.engine.state, world.engine.inputs = state, inputs  # never saved
        world.engine.waiting.clear()
        move = partial(world.up, grace="0s", deliver=ELSEWHERE, **ROTATED)
        is_killed = world.killed(after, move)
        if is_killed:
            move()
        assert set(world.gateway.rows) == {world.engine.token_id}
        assert world.gateway.rows[world.engine.token_id]["spend"] == pytest.approx(0.75)
        assert world.standing == {"theirs": "kept"}
        if not is_killed:
            break
    assert after > 10
