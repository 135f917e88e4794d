"""What can be said of an adoption without a gateway, and what the gateway in memory lets happen."""

from functools import partial
from typing import Any

import pytest

from providers.inputs import UNKNOWN
from providers.litellm import adopt_input
from providers.litellm.checks import check_inputs
from providers.litellm.errors import AdoptionError
from providers.litellm.ownership import SUPERSEDED_BY, URN
from tests.unit.providers.engine import GATEWAY, KeyEngine, urn
from tests.unit.providers.fake_gateway import ADMIN_KEY, FakeGateway
from tests.unit.providers.test_delivery import World, kills

HASH = "0" * 64


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def engine() -> KeyEngine:
    return KeyEngine("app")


def made(gateway: FakeGateway, **fields: Any) -> str:
    """Let somebody else make a key, and give its hash."""
    body = {"key": f"sk-somebody-elses-{len(gateway.rows)}", "metadata": {}, **fields}
    token_id: str = gateway._generate(body)["token"]
    return token_id


@pytest.mark.parametrize(
    ("adopt", "reason"),
    [
        ("", "expected the hash (SHA-256, hex) or the alias of a key"),
        (5, "expected the hash (SHA-256, hex) or the alias of a key"),
        (f"sk-{ADMIN_KEY}", "looks like a key itself, which must not stand in a program"),
    ],
)
def test_what_names_no_key_is_refused_and_not_repeated(adopt: Any, reason: str) -> None:
    _, [problem] = check_inputs({}, {"gateway": GATEWAY, "owner": urn("app"), "adopt": adopt})
    assert (problem.field, reason in problem.reason) == ("adopt", True)
    assert ADMIN_KEY not in problem.reason


def test_an_adopted_key_gets_no_alias_made() -> None:
    base = {"gateway": GATEWAY, "owner": urn("app")}
    inputs, _ = check_inputs({}, base | {"adopt": "theirs"})
    assert "key_alias" not in inputs
    assert "key_alias" not in check_inputs(inputs, base)[0]
    assert check_inputs({}, base | {"adopt": "theirs", "alias": "mine"})[0]["key_alias"] == "mine"


def test_to_adopt_another_key_is_a_replacement_and_to_say_it_no_more_is_nothing() -> None:
    state = {"adopt": "theirs", "token_id": HASH, "key_alias": "renamed"}
    for adopt in ("theirs", HASH, "renamed"):
        assert not adopt_input.names_another(state, {"adopt": adopt})
    assert not adopt_input.names_another(state, {})
    assert adopt_input.names_another(state, {"adopt": "another"})
    assert adopt_input.names_another(state, {"adopt": UNKNOWN})


def test_that_adopt_has_done_its_work_is_said() -> None:
    state = {"adopt": "theirs", "token_id": HASH, "key_alias": "theirs"}
    news = {"owner": urn("app"), "adopt": "theirs"}
    assert list(adopt_input.words(state, news)) == [
        "app: its key is adopted; take `adopt` out of the program"
    ]
    assert list(adopt_input.words(state, {"owner": urn("app")})) == []


@pytest.mark.parametrize(
    ("retained", "end"), [(True, "is given back, and lives on"), (False, "ends after its grace")]
)
def test_what_becomes_of_the_key_before_is_said(*, retained: bool, end: str) -> None:
    state = {"adopt": "theirs", "token_id": HASH, "key_alias": "theirs", "retain_on_delete": retained}
    news = {"owner": urn("app"), "adopt": "another"}
    assert list(adopt_input.words(state, news)) == [f"app: another key is adopted; the one before {end}"]


def test_an_alias_of_several_keys_is_refused(gateway: FakeGateway, engine: KeyEngine) -> None:
    tokens = [made(gateway), made(gateway)]
    for token_id in tokens:  # the gateway's check for duplicates isn't atomic
        gateway.rows[token_id]["key_alias"] = "twice"
    with pytest.raises(AdoptionError, match="is the alias of 2 keys; adopt one by its hash") as caught:
        engine.up(gateway.client(), adopt="twice")
    assert all(token_id in str(caught.value) for token_id in tokens)
    assert all(URN not in gateway.rows[token_id]["metadata"] for token_id in tokens)


@pytest.fixture
def loose(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the gateway find an alias in every one that holds it."""
    listed = gateway._list
    every = {"size": "100", "page": "1"}

    def holding(query: Any) -> dict[str, Any]:
        rows = [row for row in listed(every)["keys"] if query.get("key_alias", "") in row["key_alias"]]
        return {"keys": rows, "total_pages": 1}

    monkeypatch.setattr(gateway, "_list", holding)


@pytest.mark.usefixtures("loose")
def test_a_key_whose_alias_only_holds_the_one_sought_is_not_it(
    gateway: FakeGateway, engine: KeyEngine
) -> None:
    longer = made(gateway, key_alias="theirs-too")
    with pytest.raises(AdoptionError, match="isn't there"):
        engine.up(gateway.client(), adopt="theirs")
    token_id = made(gateway, key_alias="theirs")
    engine.up(gateway.client(), adopt="theirs")
    assert engine.state is not None
    assert engine.state["token_id"] == token_id
    assert URN not in gateway.rows[longer]["metadata"]


@pytest.mark.usefixtures("loose")
def test_a_key_whose_alias_only_holds_the_new_one_was_not_renamed(
    gateway: FakeGateway, engine: KeyEngine
) -> None:
    token_id = made(gateway, key_alias="ours-2", metadata={URN: urn("app")})
    with pytest.raises(AdoptionError, match="isn't there"):
        engine.up(gateway.client(), adopt="theirs", alias="ours")
    assert gateway.rows[token_id]["key_alias"] == "ours-2"


def test_an_adopted_key_whose_marks_were_wiped_is_marked_again(
    gateway: FakeGateway, engine: KeyEngine
) -> None:
    token_id, client = made(gateway, key_alias="theirs", metadata={"a": 1, "b": 2}), gateway.client()
    engine.up(client, adopt="theirs", metadata={"a": 3})
    gateway.rows[token_id]["metadata"] = {"a": 3, "b": 2}
    engine.refresh(client)
    assert engine.preview(metadata={"a": 3}) == ["owner"]
    engine.up(client, metadata={"a": 3})
    metadata = gateway.rows[token_id]["metadata"]
    assert (metadata["b"], metadata[URN], metadata["pulumi-adopted"]) == (2, urn("app"), True)


def test_an_alias_that_somebody_else_changes_is_no_drift_of_an_adopted_key(
    gateway: FakeGateway, engine: KeyEngine
) -> None:
    token_id, client = made(gateway, key_alias="theirs"), gateway.client()
    engine.up(client, adopt=token_id)
    gateway.rows[token_id]["key_alias"] = "renamed"
    engine.refresh(client)
    assert engine.preview(adopt=token_id) == engine.preview() == []
    assert engine.state is not None
    assert engine.state["key_alias"] == "renamed"
    engine.up(client, max_budget=5)
    assert gateway.rows[token_id]["key_alias"] == "renamed"


def test_what_a_key_starts_with_is_not_forced_on_an_adopted_one(
    gateway: FakeGateway, engine: KeyEngine
) -> None:
    token_id = made(gateway, key_alias="theirs", spend=3)
    engine.up(gateway.client(), adopt="theirs", spend=0)
    assert gateway.rows[token_id]["spend"] == 3


def test_a_replacement_by_force_keeps_the_adopted_key_and_says_so(
    gateway: FakeGateway, engine: KeyEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    token_id = made(gateway, key_alias="theirs")
    engine.up(gateway.client(), adopt="theirs")
    engine.force_replacement(gateway.client(), adopt="theirs")
    assert engine.token_id == token_id
    assert token_id in gateway.rows
    assert "app: the replacement by force has adopted the same key again" in capsys.readouterr().err


# --- an alias of the resource's own ----------------------------------------------------------------------


def alias_of(world: World) -> Any:
    return world.gateway.rows[world.engine.token_id]["key_alias"]


def world_with_another_key() -> tuple[World, str]:
    """Make a key with an alias that isn't delivered, and somebody else's."""
    world = World()
    world.up(deliver=None, alias="ours")
    return world, made(world.gateway, key_alias="theirs", metadata={"a": 1})


def test_an_alias_passes_to_a_key_that_is_adopted() -> None:
    for after in kills():
        world, another = world_with_another_key()
        adopt = partial(world.up, deliver=None, alias="ours", adopt="theirs")
        if not world.killed(after, adopt):
            break
        adopt()
        assert world.engine.token_id == another
        assert alias_of(world) == "ours"
        assert world.gateway.living == {another}
    assert after > 6


def test_an_adoption_that_is_killed_anywhere_and_taken_back_gives_the_alias_back() -> None:
    for after in kills():
        world, another = world_with_another_key()
        up = partial(world.up, deliver=None, alias="ours")
        first = world.engine.token_id
        if not world.killed(after, partial(up, adopt="theirs")) or world.engine.token_id != first:
            break
        world.engine.refresh(world.gateway.client())
        up()
        assert (world.engine.token_id, alias_of(world)) == (first, "ours")
        row = world.gateway.rows[another]
        assert (row["expires"], row["metadata"]) == (None, {"a": 1})
    assert after > 4


@pytest.mark.parametrize("first", [{}, {"adopt": "theirs"}])
def test_a_key_is_not_adopted_in_its_own_place(
    gateway: FakeGateway, engine: KeyEngine, first: dict[str, str]
) -> None:
    made(gateway, key_alias="theirs")
    engine.up(gateway.client(), alias="ours", **first)
    with pytest.raises(AdoptionError, match="isn't there"):
        engine.up(gateway.client(), alias="ours", adopt="nobody-s")
    assert gateway.rows[engine.token_id]["key_alias"] == "ours"


# --- given back ------------------------------------------------------------------------------------------


def test_that_a_key_is_to_be_given_back_is_marked_on_it(gateway: FakeGateway, engine: KeyEngine) -> None:
    client = gateway.client()
    engine.up(client)
    assert engine.up(client, retain_on_delete=True) == "update"
    assert gateway.rows[engine.token_id]["metadata"]["pulumi-retained"] is True
    engine.up(client)
    assert "pulumi-retained" not in gateway.rows[engine.token_id]["metadata"]
    engine.up(client, retain_on_delete=True)
    token_id = engine.token_id
    engine.destroy(client)
    assert gateway.rows[token_id]["metadata"] == {}


def test_a_rotation_ends_a_key_that_would_be_given_back(gateway: FakeGateway, engine: KeyEngine) -> None:
    client = gateway.client()
    engine.up(client, retain_on_delete=True)
    predecessor = engine.token_id
    engine.up(client, retain_on_delete=True, rotation={"since": "a leak"})
    assert SUPERSEDED_BY in gateway.rows[predecessor]["metadata"]
    successor = engine.token_id
    engine.destroy(gateway.client())
    assert gateway.rows.keys() == {successor}


def test_an_adopted_key_ends_when_another_one_is_adopted(gateway: FakeGateway, engine: KeyEngine) -> None:
    first, second = made(gateway, key_alias="first"), made(gateway, key_alias="second")
    engine.up(gateway.client(), adopt="first")
    assert engine.up(gateway.client(), adopt="second") == "replace"
    assert engine.token_id == second
    assert gateway.rows[first]["metadata"][SUPERSEDED_BY] == second
    with pytest.raises(AdoptionError, match="has a successor, and is about to end"):
        engine.up(gateway.client(), adopt="first")


# --- killed ----------------------------------------------------------------------------------------------


def vault_and_gateway_with_a_key() -> World:
    world = World(**{"api-key": "sk-somebody-elses-key", "theirs": "kept"})
    made(world.gateway, key="sk-somebody-elses-key", key_alias="theirs", metadata={"a": 1})
    return world


def test_an_adoption_that_is_killed_anywhere_is_completed() -> None:
    for after in kills():
        world = vault_and_gateway_with_a_key()
        adopt = partial(world.up, adopt="theirs", alias="ours", max_budget=5)
        was_killed = world.killed(after, adopt)
        if was_killed:
            adopt()
        world.assert_whole()
        assert world.gateway.rows[world.engine.token_id]["max_budget"] == 5
        assert world.standing["theirs"] == "kept"
        if not was_killed:
            break


def test_a_key_whose_return_is_killed_anywhere_is_given_back() -> None:
    for after in kills():
        world = vault_and_gateway_with_a_key()
        world.up(adopt="theirs", retain_on_delete=True)
        token_id, value = world.engine.token_id, world.standing["api-key"]
        was_killed = world.killed(after, partial(world.engine.destroy, world.gateway.client()))
        if was_killed:
            world.engine.destroy(world.gateway.client())
        assert world.gateway.rows[token_id]["metadata"] == {"a": 1}
        assert (world.standing["api-key"], world.standing["theirs"]) == (value, "kept")
        assert "managed-by-urn" not in world.standing
        if not was_killed:
            break
