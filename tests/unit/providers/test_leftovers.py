"""What goes with a key that is destroyed: all that came before and after it, whoever has lost sight of it."""

from functools import partial

import pytest

from providers.vault.sources import fingerprint
from tests.unit.providers.engine import KeyEngine
from tests.unit.providers.fake_gateway import FakeGateway
from tests.unit.providers.test_delivery import World, kills


@pytest.mark.parametrize("is_used", [False, True])
def test_a_replacement_that_is_killed_and_then_destroyed_leaves_no_key(*, is_used: bool) -> None:
    for after in kills():
        world = World(theirs="kept")
        world.up(grace="0s")
        if not world.killed(after, partial(world.up, grace="0s", rotation={"a": 1})):
            break
        for token_id in world.gateway.living if is_used else ():
            world.gateway.use(token_id, 0.5)
        world.engine.destroy(world.gateway.client())
        assert (world.gateway.rows, world.standing) == ({}, {"theirs": "kept"})
    assert after > 10


def test_a_key_that_is_given_back_after_a_killed_replacement_gives_back_what_consumers_have() -> None:
    for after in kills():
        world = World()
        up = partial(world.up, retain_on_delete=True)
        up()
        if not world.killed(after, partial(up, rotation={"a": 1})):
            break
        world.engine.destroy(world.gateway.client())
        assert fingerprint(world.standing["api-key"]) in world.gateway.living
        assert "managed-by-urn" not in world.standing
        ours = [row for row in world.gateway.rows.values() if "pulumi-urn" in row["metadata"]]
        assert all(row["expires"] for row in ours)
    assert after > 10


def test_a_destroy_takes_the_predecessors_along_though_the_marks_were_wiped() -> None:
    gateway, engine = FakeGateway(), KeyEngine("app")
    engine.up(gateway.client())
    engine.up(gateway.client(), rotation={"a": 1})
    gateway.rows[engine.token_id]["metadata"] = {}
    engine.refresh(gateway.client())
    engine.destroy(gateway.client())
    assert gateway.rows == {}
