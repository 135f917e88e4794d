"""A replacement is interrupted, and the program wants the key of before: there is one key all the same."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest

from providers.litellm.delivery import Delivery
from providers.litellm.errors import AliasTakenError
from providers.vault.kv import KvVersion
from tests.unit.providers.engine import KeyEngine, urn
from tests.unit.providers.fake_gateway import FakeGateway
from tests.unit.providers.fake_kv import FakeKv
from tests.unit.providers.test_delivery import DELIVER, KilledError, World, kills

ROTATION = {"rotation": {"a": 1}}
ELSEWHERE = {"mount": "litellm", "path": "keys/elsewhere"}
ALIASES = pytest.mark.parametrize("alias", [{}, {"alias": "mine"}])


class TwoPaths(World):
    """A world with another path of Vault, at which nobody is killed."""

    def __init__(self) -> None:
        super().__init__(theirs="kept")
        self.elsewhere = FakeKv()

    def delivery_of(self, props: Mapping[str, Any]) -> Delivery | None:
        if props.get("deliver") == ELSEWHERE:
            return Delivery(self.elsewhere, "api-key", props["owner"])
        return super().delivery_of(props)

    def stop_before_the_end(self, **declared: Any) -> None:
        """Do an `up` that fails at some other resource before it gets to delete what was replaced."""
        self.engine.is_cut_short = True
        self.up(**declared)
        self.engine.is_cut_short = False


def kill_at(world: World, call: str, number: int, action: Callable[[], Any]) -> None:
    """Do something that is killed right after one of its calls was served."""
    called = world._called

    def calling(what: str) -> None:
        called(what)
        if world.calls.count(call) == number:
            raise KilledError

    world.calls.clear()
    with patch.object(world, "_called", calling), pytest.raises(KilledError):
        action()


def refreshed_up(world: World, **declared: Any) -> str:
    assert world.engine.refresh(world.gateway.client())
    return world.up(**declared)


@ALIASES
def test_a_delivered_rotation_that_is_killed_anywhere_and_taken_back_is_one_key(
    alias: dict[str, str],
) -> None:
    for after in kills():
        world = World(theirs="kept")
        world.up(**alias)
        if not world.killed(after, partial(world.up, **alias, **ROTATION)):
            break
        refreshed_up(world, **alias)
        world.assert_whole()
        row = world.gateway.rows[world.engine.token_id]
        assert row["key_alias"] == world.engine.inputs["key_alias"]
        assert refreshed_up(world, **alias) == "same"
    assert after > 12


@pytest.mark.parametrize("deliver", [DELIVER, None])
def test_to_take_it_back_can_be_killed_anywhere_too(deliver: dict[str, str] | None) -> None:
    for after in kills():
        world = World(theirs="kept")
        up = partial(world.up, alias="mine", deliver=deliver)
        up()
        kill_at(world, "/key/generate", 1, partial(up, **ROTATION))
        assert world.engine.refresh(world.gateway.client())
        was_killed = world.killed(after, up)
        if was_killed:
            assert world.engine.refresh(world.gateway.client())
            up()
        assert world.gateway.living == {world.engine.token_id}
        assert world.gateway.rows[world.engine.token_id]["key_alias"] == "mine"
        if deliver:
            world.assert_whole()
        if not was_killed:
            break
    assert after > 5


def test_a_rotation_that_is_killed_anywhere_and_taken_back_gives_the_alias_back() -> None:
    for after in kills():
        world = World()
        up = partial(world.up, alias="mine", deliver=None)
        up()
        if not world.killed(after, partial(up, **ROTATION)):
            break
        assert world.engine.refresh(world.gateway.client())
        up()
        assert world.gateway.living == {world.engine.token_id}
        assert world.gateway.rows[world.engine.token_id]["key_alias"] == "mine"
    assert after > 6


def test_a_successor_that_nobody_has_goes_with_the_next_rotation() -> None:
    """Its value was in a state that was never saved, and its alias is nobody else's: no refresh sees it."""
    world = World()
    world.up(deliver=None)
    kill_at(world, "/key/generate", 1, partial(world.up, deliver=None, **ROTATION))
    assert refreshed_up(world, deliver=None) == "same"
    assert len(world.gateway.living) == 2
    world.up(deliver=None, rotation={"a": 2})
    assert world.gateway.living == {world.engine.token_id}


def test_a_successor_that_is_read_elsewhere_ends_after_its_grace() -> None:
    world = TwoPaths()
    world.up(alias="mine")
    stays = world.engine.token_id
    state, inputs = world.engine.state, world.engine.inputs
    world.stop_before_the_end(alias="mine", deliver=ELSEWHERE)
    successor = world.engine.token_id
    world.gateway.use(successor, 0.5)
    world.engine.state, world.engine.inputs = state, inputs  # never saved
    world.engine.waiting.clear()
    assert refreshed_up(world, alias="mine") == "update"
    world.assert_whole()
    assert world.engine.token_id == stays
    assert world.gateway.rows[stays]["key_alias"] == "mine"
    row = world.gateway.rows[successor]
    assert (row["metadata"]["pulumi-superseded-by"], bool(row["expires"])) == (stays, True)


def test_a_staged_successor_whose_alias_is_wanted_is_not_taken_up_later() -> None:
    """Without a refresh it shows by the alias alone, and is let end: another rotation mints another key."""
    world = World()
    world.up(alias="first", duration="1d")
    second = partial(world.up, alias="second", duration="1d")
    kill_at(world, "/key/generate", 1, partial(second, **ROTATION))
    assert second() == "update"
    world.assert_whole()
    assert second(**ROTATION) == "replace"
    world.assert_whole()
    assert "pulumi-superseded-by" not in world.gateway.rows[world.engine.token_id]["metadata"]


def test_a_successor_that_consumers_read_already_is_not_ended() -> None:
    """Without a refresh nobody sees in Vault that it has taken its place: then its alias alone passes."""
    world = World()
    world.up(alias="first")
    kill_at(world, "vault write", 2, partial(world.up, alias="second", **ROTATION))
    successor = world.standing["token-id"]
    assert successor != world.engine.token_id
    assert world.up(alias="second") == "update"
    assert world.gateway.rows[successor]["expires"] is None
    assert refreshed_up(world, alias="second") == "replace"
    assert world.engine.token_id == successor
    assert world.gateway.rows[successor]["key_alias"] == "second"
    world.assert_whole()


def test_a_key_that_is_staged_twice_over_by_hand_is_not_removed() -> None:
    world = World()
    world.up()
    world.kv.version = KvVersion(5, {**world.standing, "api-key-next": world.standing["api-key"]})
    assert refreshed_up(world) == "same"
    assert world.gateway.rows.keys() == {world.engine.token_id}


def test_the_alias_of_somebody_else_s_key_stays_there() -> None:
    gateway, engine = FakeGateway(), KeyEngine("app")
    engine.up(gateway.client())
    gateway._generate({"key": "sk-theirs", "key_alias": "theirs", "metadata": {"pulumi-urn": urn("app")}})
    with pytest.raises(AliasTakenError):
        engine.up(gateway.client(), alias="theirs")


# --- a move ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deliver", [DELIVER, ELSEWHERE])
def test_a_move_that_was_not_ended_carries_the_spend_of_both_keys(deliver: dict[str, str]) -> None:
    """It is taken back, or another rotation follows: the consumers of the first key go on meanwhile."""
    for after in kills():
        world = TwoPaths()
        world.up(max_budget=100)
        first = world.engine.token_id
        world.gateway.use(first, 5)
        world.stop_before_the_end(max_budget=100, deliver=ELSEWHERE)
        world.gateway.use(world.engine.token_id, 50)
        world.gateway.use(first, 20)
        up = partial(world.up, max_budget=100, deliver=deliver, **ROTATION)
        was_killed = world.killed(after, up)
        if was_killed:
            up()
        assert world.gateway.living == {world.engine.token_id}
        assert world.gateway.rows[world.engine.token_id]["spend"] == 75
        if not was_killed:
            break
    assert after > 6
