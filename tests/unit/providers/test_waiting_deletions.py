"""Deletions that wait for an `up` that comes to them, while the program goes on or takes a change back."""

from functools import partial
from typing import Any

import pytest

from providers.litellm import key
from providers.litellm.delivery import PathTakenError
from providers.vault.kv import KvVersion
from providers.vault.sources import fingerprint
from tests.unit.providers.engine import KeyEngine, urn
from tests.unit.providers.fake_gateway import FakeGateway
from tests.unit.providers.test_delivery import DELIVER, World, kills
from tests.unit.providers.test_key_line import cut_short
from tests.unit.providers.test_taken_back import ELSEWHERE, TwoPaths

ORDERS = pytest.mark.parametrize("is_last_first", [False, True])
USES = pytest.mark.parametrize("is_used", [False, True])
PLACES = pytest.mark.parametrize("place", [{}, {"deliver": None}])


def rotated(number: int) -> dict[str, Any]:
    return {"rotation": {"number": number}}


def theirs(gateway: FakeGateway) -> str:
    """Make somebody else's key."""
    return str(gateway._generate({"key": "sk-theirs", "key_alias": "theirs", "metadata": {}})["token"])


@USES
def test_each_of_two_that_wait_gets_its_grace(*, is_used: bool) -> None:
    world = World()
    up = partial(world.up, grace="1h")
    up()
    waiting = []
    for number in (1, 2):
        waiting.append(world.engine.token_id)
        cut_short(world.engine, partial(up, **rotated(number)))
        if is_used:
            world.gateway.use(world.engine.token_id, 0.5)
    up(**rotated(2))
    assert not world.engine.waiting
    assert world.gateway.living == {world.engine.token_id}
    assert all(world.gateway.rows[token_id]["expires"] for token_id in waiting)


@PLACES
@ORDERS
@USES
@pytest.mark.parametrize("is_at_once", [False, True])
def test_a_key_that_is_to_be_kept_from_now_on_outlives_the_deletion_of_its_predecessor(
    *, place: dict[str, None], is_last_first: bool, is_used: bool, is_at_once: bool
) -> None:
    world = World()
    up = partial(world.up, grace="1h", **place)
    up()
    former = world.engine.token_id
    cut_short(world.engine, partial(up, retain_on_delete=is_at_once, **rotated(1)))
    kept = world.engine.token_id
    if is_used:
        world.gateway.use(kept, 0.5)
    cut_short(world.engine, partial(up, retain_on_delete=True, **rotated(1)))
    world.engine.destroy(world.gateway.client(), is_last_first=is_last_first)
    assert world.gateway.living == {kept}
    assert world.gateway.rows[kept]["metadata"] == {}
    assert world.gateway.rows[former]["expires"]


@pytest.mark.parametrize("how", ["up", "first", "last"])
@pytest.mark.parametrize("retain", [{}, {"retain_on_delete": True}])
def test_a_rename_that_came_to_no_deletion_leaves_what_waits_its_heir(
    retain: dict[str, bool], how: str
) -> None:
    world = World()
    up = partial(world.up, grace="1h", **retain)
    up()
    former = world.engine.token_id
    cut_short(world.engine, partial(up, **rotated(1)))
    heir = world.engine.token_id
    world.gateway.use(heir, 0.5)
    renamed = partial(up, **rotated(1), owner=urn("two"))
    cut_short(world.engine, renamed)
    if how == "up":
        assert renamed() == "same"
    else:
        world.engine.destroy(world.gateway.client(), is_last_first=how == "last")
    is_left = how == "up" or bool(retain)
    assert world.gateway.living == ({heir} if is_left else set())
    if is_left:
        assert world.gateway.rows[former]["metadata"]["pulumi-superseded-by"] == heir


def test_a_renamed_key_comes_back_to_the_place_of_one_that_waits() -> None:
    world = TwoPaths()
    up = partial(world.up, grace="1h")
    up()
    cut_short(world.engine, partial(up, deliver=ELSEWHERE))
    cut_short(world.engine, partial(up, deliver=ELSEWHERE, owner=urn("two")))
    assert up(owner=urn("two")) == "replace"
    assert world.gateway.living == {world.engine.token_id}
    assert fingerprint(world.standing["api-key"]) == world.engine.token_id
    assert world.standing["managed-by-urn"] == urn("two")
    assert not world.elsewhere.version.data
    with pytest.raises(PathTakenError):
        KeyEngine("another", delivery_of=world.engine.delivery_of).up(world.gateway.client(), deliver=DELIVER)


def test_a_key_that_takes_its_former_alias_back_gets_it_from_its_predecessor() -> None:
    gateway, engine = FakeGateway(), KeyEngine("app")
    engine.up(gateway.client(), alias="mine")
    former = engine.token_id
    engine.up(gateway.client(), alias="second", **rotated(1))
    assert engine.up(gateway.client(), alias="mine", **rotated(1)) == "update"
    assert gateway.rows[engine.token_id]["key_alias"] == "mine"
    assert gateway.rows[former]["key_alias"] == f"mine-{former[:7]}"
    assert gateway.living == {engine.token_id}


def test_a_key_gets_its_alias_from_a_lost_successor_of_one_that_waits() -> None:
    world = World()
    up = partial(world.up, grace="1h")
    up(alias="mine")
    state, inputs = world.engine.state, world.engine.inputs
    cut_short(world.engine, partial(up, alias="mine", deliver=None))
    world.engine.state, world.engine.inputs = state, inputs  # never saved
    world.engine.waiting.clear()
    cut_short(world.engine, partial(up, deliver=None))
    assert up(alias="mine", deliver=None) == "update"
    assert world.gateway.rows[world.engine.token_id]["key_alias"] == "mine"
    assert world.gateway.living == {world.engine.token_id}


@pytest.mark.parametrize("then", ["destroyed", "rotated"])
def test_a_successor_that_was_taken_back_is_no_heir(then: str) -> None:
    world = TwoPaths()
    up = partial(world.up, alias="mine", grace="1h", deliver=None)
    up()
    first = world.engine.token_id
    state, inputs = world.engine.state, world.engine.inputs
    world.stop_before_the_end(alias="mine", grace="1h", deliver=ELSEWHERE)
    lost = world.engine.token_id
    world.gateway.use(lost, 0.5)
    world.engine.state, world.engine.inputs = state, inputs  # never saved
    world.engine.waiting.clear()
    world.engine.refresh(world.gateway.client())
    assert up(retain_on_delete=True) == "update"
    assert world.gateway.living == {first}
    if then == "destroyed":
        world.engine.destroy(world.gateway.client())
        assert world.gateway.living == {first}
    else:
        up(**rotated(1))
        assert world.gateway.rows[lost]["expires"]
        assert world.gateway.living == {world.engine.token_id}


def test_somebody_elses_key_beside_ours_is_left_alone() -> None:
    world = World()
    world.up()
    another = theirs(world.gateway)
    world.kv.version = KvVersion(world.kv.version.number + 1, {**world.standing, "api-key-next": "sk-theirs"})
    assert world.engine.refresh(world.gateway.client())
    assert world.engine.state is not None
    assert "drifted" not in world.engine.state
    world.up(max_budget=5)
    assert another in world.gateway.living
    assert world.standing["api-key-next"] == "sk-theirs"


def test_a_destroy_clears_vault_of_a_lost_successor_that_is_dead_too() -> None:
    world = World(theirs="kept")
    world.up()
    state, inputs = world.engine.state, world.engine.inputs
    cut_short(world.engine, partial(world.up, **rotated(1)))
    world.engine.state, world.engine.inputs = state, inputs  # never saved
    world.engine.waiting.clear()
    world.gateway._delete({"keys": list(world.gateway.rows)})
    assert world.engine.refresh(world.gateway.client())
    world.engine.destroy(world.gateway.client())
    assert world.standing == {"theirs": "kept"}


@pytest.mark.parametrize("adopt", [{}, {"adopt": "theirs"}])
def test_an_adoption_that_is_killed_is_ended_or_completed_after_a_rename(adopt: dict[str, str]) -> None:
    for after in kills():
        world = World()
        up = partial(world.up, alias="mine", deliver=None, grace="0s")
        up()
        another = theirs(world.gateway)
        if not world.killed(after, partial(up, adopt="theirs")):
            break
        assert world.engine.refresh(world.gateway.client())
        up(owner=urn("two"), **adopt)
        assert world.gateway.rows[world.engine.token_id]["key_alias"] == "mine"
        assert another in world.gateway.living
        is_adopted = world.engine.token_id == another
        assert is_adopted or not adopt
        world.engine.destroy(world.gateway.client())
        assert world.gateway.living == (set() if is_adopted else {another})
    assert after > 5


def test_an_adopted_key_that_is_deleted_before_its_successor_is_made_goes() -> None:
    """So Pulumi does it to what depends on a resource that is deleted before it is replaced."""
    gateway, engine = FakeGateway(), KeyEngine("app")
    another = theirs(gateway)
    engine.up(gateway.client(), adopt="theirs")
    process = gateway.client()
    engine._note(engine.check({"adopt": "theirs", **rotated(1)}))
    assert engine.state is not None
    key.delete(process, engine.token_id, engine.state, None)
    assert another not in gateway.rows
