"""Keys that are delivered to Vault: exactly one, wherever it is interrupted, and no value in the state."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import count
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from providers.errors import ProviderError
from providers.kubernetes.connection import ClusterConnection
from providers.kubernetes.consumer_input import Consumer
from providers.litellm import delivery
from providers.litellm.delivery import Delivery, PathTakenError
from providers.litellm.errors import KeyNotDeletedError, LicenceNeededError
from providers.vault.errors import VaultMountMissingError
from providers.vault.kv import KvVersion
from tests.unit.providers.engine import KeyEngine, urn
from tests.unit.providers.fake_gateway import FakeGateway
from tests.unit.providers.fake_kv import FakeKv

DELIVER = {"mount": "litellm", "path": "keys/app"}
FACTS = {"base-url", "key-alias", "token-id", "expires", "managed-by-urn"}


class KilledError(BaseException):
    """The process ends: nothing catches it."""


class World:
    """A gateway and a path of Vault, which may kill who calls them right after a call was served."""

    def __init__(self, **properties: str) -> None:
        self.gateway = FakeGateway()
        self.kv = FakeKv(**properties)
        self.engine = KeyEngine("app", delivery_of=self.delivery_of)
        self.kill_after: int | None = None
        self.calls: list[str] = []
        serve = self.gateway._serve

        def handler(request: httpx.Request) -> httpx.Response:
            answer = serve(request)
            self._called(request.url.path)
            return answer

        self.gateway.transport = httpx.MockTransport(handler)
        for name in ("read", "write", "delete"):
            setattr(self.kv, name, self._counted(name, getattr(self.kv, name)))

    def delivery_of(self, props: Mapping[str, Any]) -> Delivery | None:
        if not props.get("deliver"):
            return None
        return Delivery(self.kv, props["deliver"].get("property", "api-key"), props["owner"])

    def _counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            result = call(*arguments, **named)
            self._called(f"vault {name}")
            return result

        return counted

    def _called(self, what: str) -> None:
        self.calls.append(what)
        if self.kill_after is not None and len(self.calls) >= self.kill_after:
            raise KilledError

    def up(self, **declared: Any) -> str:
        return self.engine.up(self.gateway.client(), **({"deliver": DELIVER} | declared))

    def killed(self, after: int, action: Callable[[], Any]) -> bool:
        """Do something that is killed after so many calls; say whether it came to that."""
        self.calls.clear()
        self.kill_after = after
        try:
            action()
        except KilledError:
            return True
        finally:
            self.kill_after = None
        return False

    @property
    def standing(self) -> Mapping[str, Any]:
        return self.kv.version.data

    def assert_whole(self) -> None:
        """Exactly one key: the state's, which the gateway knows and Vault holds."""
        assert self.gateway.living == {self.engine.token_id}
        assert "api-key-next" not in self.standing
        assert _hash(self.standing["api-key"]) == self.engine.token_id == self.standing["token-id"]
        row = self.gateway.rows[self.engine.token_id]
        assert self.standing["key-alias"] == row["key_alias"]
        assert self.standing["expires"] == (row["expires"] or "")
        assert self.engine.state is not None
        assert self.engine.state["vault_version"] == self.kv.version.number
        assert self.standing["api-key"] not in str(self.engine.state)


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def kills() -> Iterator[int]:
    return count(1)


def calls_until(call: str, action: Callable[[World], Any]) -> int:
    """Count the calls of an action up to one of them."""
    world = World()
    action(world)
    return world.calls.index(call) + 1


@pytest.fixture
def world() -> World:
    return World(theirs="kept")


# --- create ----------------------------------------------------------------------------------------------


def test_a_key_goes_to_vault_before_the_gateway_hears_of_it(world: World) -> None:
    assert world.up() == "create"
    world.assert_whole()
    assert world.standing.keys() == {"api-key", "theirs"} | FACTS
    assert world.standing["base-url"] == "http://gateway.test"
    assert world.standing["managed-by-urn"] == urn("app")
    changes = [call for call in world.calls if call in ("vault write", "/key/generate")]
    assert changes == ["vault write", "/key/generate", "vault write"]


def test_no_consumer_reads_a_key_that_the_gateway_does_not_know(world: World) -> None:
    world.up()
    replace = partial(world.up, key_type="llm_api")
    for after in kills():
        if not world.killed(after, replace):
            break
        assert _hash(world.standing["api-key"]) in world.gateway.rows
        if world.engine.waiting:
            break
    world.up(key_type="llm_api")
    world.assert_whole()


def test_the_state_knows_where_the_key_is_and_no_more(world: World) -> None:
    world.up(duration="1d")
    assert world.engine.state is not None
    assert "key" not in world.engine.state
    assert (world.engine.state["vault_path"], world.engine.state["vault_version"]) == ("litellm/keys/app", 3)
    world.assert_whole()


def test_what_was_delivered_is_no_diff(world: World) -> None:
    world.up(duration="1d")
    assert world.engine.preview(deliver=DELIVER, duration="1d") == []
    assert world.engine.refresh(world.gateway.client())
    assert world.engine.preview(deliver=DELIVER, duration="1d") == []
    assert world.up(duration="1d") == "same"


@pytest.mark.parametrize(
    "second", [{"duration": "1d"}, {"duration": "2d", "max_budget": 5}, {"alias": "other"}, {}]
)
def test_a_create_that_is_killed_anywhere_is_completed(second: dict[str, Any]) -> None:
    for after in kills():
        world = World(theirs="kept")
        if not world.killed(after, partial(world.up, duration="1d", rpm_limit=3)):
            break
        world.up(**second)
        world.assert_whole()
        assert world.standing["theirs"] == "kept"
        row = world.gateway.rows[world.engine.token_id]
        assert (row["rpm_limit"], bool(row["expires"])) == (None, "duration" in second)
        assert world.engine.preview(deliver=DELIVER, **second) == []
    assert after > 8


def test_a_key_that_no_consumer_has_seen_is_taken_up(world: World) -> None:
    assert world.killed(calls_until("/key/generate", World.up), partial(world.up, max_budget=5))
    staged = world.standing["api-key-next"]
    world.up(max_budget=6)
    assert world.standing["api-key"] == staged
    world.assert_whole()


def test_a_key_whose_state_was_never_saved_ends_when_its_successor_is_there(world: World) -> None:
    world.up(alias="mine")
    lost = world.engine.token_id
    world.gateway.use(lost, 0.5)
    world.engine.state = None
    world.up(alias="mine")
    world.assert_whole()
    assert world.gateway.rows[lost]["expires"]
    assert world.gateway.rows[world.engine.token_id]["spend"] == 0.5


def test_a_refusal_takes_the_key_out_again(world: World) -> None:
    with pytest.raises(LicenceNeededError):
        world.up(tags=["a"])
    assert world.standing == {"theirs": "kept"}
    fresh = World()
    with pytest.raises(LicenceNeededError):
        fresh.up(tags=["a"])
    assert fresh.kv.version == KvVersion()


def test_a_refused_successor_leaves_the_predecessor_in_vault(world: World) -> None:
    world.up()
    standing = dict(world.standing)
    with pytest.raises(LicenceNeededError):
        world.up(tags=["a"], key_type="llm_api")
    assert world.standing == standing
    assert world.gateway.rows.keys() == {world.engine.token_id}


@pytest.mark.parametrize("place", ["api-key", "api-key-next"])
def test_a_revoked_key_that_a_rollback_brought_back_is_not_taken_up(world: World, place: str) -> None:
    world.up()
    staged = {place: world.standing["api-key"]}
    standing, revoked = dict(world.standing), world.engine.token_id
    world.engine.destroy(world.gateway.client())
    world.kv.version = KvVersion(7, standing | staged)
    world.up()
    assert world.engine.token_id != revoked
    world.assert_whole()


def test_a_path_of_another_key_is_refused(world: World) -> None:
    world.kv.version = KvVersion(1, {"managed-by-urn": urn("other"), "api-key": "sk-1"})
    with pytest.raises(PathTakenError, match=r"holds the key of .*::other; deliver each key to a path of"):
        world.up()
    assert world.gateway.rows == {}


def test_a_mount_that_is_missing_is_said_before_a_key_is_minted(world: World) -> None:
    world.kv.mount_is_there = False
    with pytest.raises(VaultMountMissingError):
        world.up()
    assert world.gateway.rows == {}


# --- update ----------------------------------------------------------------------------------------------


def test_an_update_leaves_vault_alone_unless_what_stands_there_changes(world: World) -> None:
    world.up(max_budget=5)
    token_id = world.engine.token_id
    world.calls.clear()
    assert world.up(max_budget=6) == "update"
    assert not [call for call in world.calls if call.startswith("vault")]
    assert world.up(max_budget=6, alias="other", duration="1d") == "update"
    assert world.engine.token_id == token_id
    world.assert_whole()


def test_an_update_that_is_killed_anywhere_is_completed() -> None:
    change = {"alias": "other", "duration": "1d"}
    for after in kills():
        world = World(theirs="kept")
        world.up()
        if not world.killed(after, partial(world.up, **change)):
            break
        world.up(**change)
        world.assert_whole()
    assert after > 3


# --- replacement -----------------------------------------------------------------------------------------


def test_a_replacement_that_is_killed_before_the_state_is_saved_is_completed() -> None:
    for after in kills():
        world = World(theirs="kept")
        world.up(alias="kept", key_type="llm_api")
        predecessor = world.engine.token_id
        replace = partial(world.up, alias="kept", key_type="read_only")
        if not world.killed(after, replace):
            break
        replace()
        assert world.engine.token_id != predecessor
        assert world.gateway.rows[world.engine.token_id]["key_alias"] == "kept"
        world.assert_whole()
    assert after > 12


def test_a_replacement_by_force_mints_another_key(world: World) -> None:
    world.up()
    predecessor = world.engine.token_id
    world.gateway.use(predecessor, 0.5)
    world.engine.force_replacement(world.gateway.client(), deliver=DELIVER)
    assert world.engine.token_id != predecessor
    world.assert_whole()
    assert world.gateway.rows[predecessor]["metadata"]["pulumi-superseded-by"] == world.engine.token_id
    assert world.gateway.rows[world.engine.token_id]["spend"] == 0.5


def test_a_replacement_by_force_that_is_killed_anywhere_is_completed_by_force() -> None:
    for after in kills():
        world = World(theirs="kept")
        world.up(alias="kept")
        predecessor = world.engine.token_id
        by_force = partial(
            world.engine.force_replacement, world.gateway.client(), deliver=DELIVER, alias="kept"
        )
        if not world.killed(after, by_force):
            break
        if world.engine.waiting:
            world.up(alias="kept")
        else:
            world.engine.force_replacement(world.gateway.client(), deliver=DELIVER, alias="kept")
        assert world.engine.token_id != predecessor
        assert world.gateway.rows[predecessor]["expires"]
        assert world.gateway.rows[world.engine.token_id]["key_alias"] == "kept"
        world.assert_whole()
    assert after > 12


@pytest.mark.parametrize("other", [{"property": "other"}, {"path": "keys/other"}])
def test_another_place_is_another_key(world: World, other: dict[str, str]) -> None:
    world.up()
    predecessor = world.engine.token_id
    assert world.up(deliver=DELIVER | other) == "replace"
    assert world.gateway.living == {world.engine.token_id}
    assert world.engine.token_id != predecessor
    facts = {name: world.standing[name] for name in FACTS}
    assert facts == delivery.facts(world.engine.inputs, world.engine.token_id, None)


def test_the_same_place_in_more_words_is_no_change(world: World) -> None:
    world.up()
    assert world.engine.preview(deliver=DELIVER | {"property": "api-key"}) == []


def test_delivery_begins_and_ends_with_a_new_key(world: World) -> None:
    world.up(deliver=None)
    assert world.engine.state is not None
    assert world.engine.state["key"].startswith("sk-")
    assert world.up() == "replace"
    world.assert_whole()
    assert world.up(deliver=None) == "replace"
    assert world.standing == {"theirs": "kept"}


CONSUMER = {"external_secret": "apps/llm-key", "timeout_seconds": 5}


class NotFollowedError(ProviderError):
    """What the cluster's part raises when the time is over."""


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch, world: World) -> list[tuple[Any, ...]]:
    """Note who was awaited with which key, and what stood in Vault and at the gateway then."""
    seen: list[tuple[Any, ...]] = []

    def follow(
        _: ClusterConnection, consumer: Consumer, value: SecretStr, report: Callable[[str], None]
    ) -> None:
        seen.append((consumer.external_secret, value.get_secret_value(), dict(world.standing)))
        assert _hash(value.get_secret_value()) in world.gateway.rows
        report("waiting for ExternalSecret apps/llm-key (3 s of at most 5 s): it holds another value")
        if len(seen) == 1:
            raise NotFollowedError

    monkeypatch.setattr("providers.kubernetes.consumers.follow", follow)
    return seen


def test_a_consumer_is_awaited_before_the_predecessor_ends(
    world: World, followed: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    world.up(consumer=CONSUMER)
    assert followed == []  # nobody uses a first key yet
    predecessor = world.engine.token_id
    with pytest.raises(NotFollowedError):
        world.up(consumer=CONSUMER, rotation={"a": 1})
    assert world.gateway.rows[predecessor]["expires"] is None
    [(who, value, standing)] = followed
    assert (who, standing["api-key"]) == ("apps/llm-key", value)
    assert "app: waiting for ExternalSecret apps/llm-key (3 s of" in capsys.readouterr().err
    world.up(consumer=CONSUMER, rotation={"a": 1})
    assert [entry[1] for entry in followed] == [value, value]  # and no other one was minted
    assert world.gateway.rows[predecessor]["expires"]
    world.assert_whole()


# --- drift -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by_hand", "words"),
    [({"api-key": "sk-by-hand"}, "changed in Vault"), ({}, "missing in Vault")],
)
def test_a_value_that_somebody_changed_is_replaced(world: World, by_hand: dict[str, str], words: str) -> None:
    world.up()
    predecessor = world.engine.token_id
    kept = {name: value for name, value in world.standing.items() if name != "api-key"}
    world.kv.version = KvVersion(5, kept | by_hand)
    assert world.engine.refresh(world.gateway.client())
    drifted = world.engine.inputs["deliver"]["drifted"]
    assert drifted == f"{words}; its value is known nowhere else, so the key is replaced"
    assert world.engine.preview(deliver=DELIVER) == ["deliver"]
    assert world.up() == "replace"
    assert world.engine.token_id != predecessor
    world.assert_whole()
    assert world.engine.refresh(world.gateway.client())
    assert world.engine.preview(deliver=DELIVER) == []


@pytest.mark.parametrize(
    ("by_hand", "words"),
    [
        ({"token-id": "other"}, "token-id changed in Vault"),
        ({"base-url": "", "managed-by-urn": ""}, "base-url and managed-by-urn changed in Vault"),
    ],
)
def test_what_somebody_changed_beside_the_key_is_restored(
    world: World, by_hand: dict[str, str], words: str
) -> None:
    world.up()
    token_id = world.engine.token_id
    world.kv.version = KvVersion(
        5, {name: value for name, value in {**world.standing, **by_hand}.items() if value}
    )
    for _ in range(2):
        assert world.engine.refresh(world.gateway.client())
        assert world.engine.inputs["drifted"] == words
        assert world.engine.preview(deliver=DELIVER) == ["drifted"]
    assert world.up() == "update"
    assert world.engine.token_id == token_id
    world.assert_whole()
    assert world.standing["managed-by-urn"] == urn("app")
    assert world.engine.refresh(world.gateway.client())
    assert world.engine.preview(deliver=DELIVER) == []


def test_a_delete_takes_out_what_somebody_changed_beside_the_key(world: World) -> None:
    world.up()
    world.kv.version = KvVersion(5, {**world.standing, "token-id": "other"})
    world.engine.destroy(world.gateway.client())
    assert world.standing == {"theirs": "kept"}


def test_a_moved_version_alone_is_no_change(world: World) -> None:
    world.up()
    world.kv.version = KvVersion(5, {**world.standing, "more": "theirs"})
    assert world.engine.refresh(world.gateway.client())
    assert world.engine.preview(deliver=DELIVER) == []
    world.assert_whole()


def test_a_mount_that_is_gone_is_drift(world: World) -> None:
    world.up()
    world.kv.mount_is_there = False
    assert world.engine.refresh(world.gateway.client())
    assert world.engine.preview(deliver=DELIVER) == ["deliver"]
    world.engine.destroy(world.gateway.client())
    assert world.gateway.rows == {}


# --- delete ----------------------------------------------------------------------------------------------


def test_a_delete_leaves_what_is_not_its_own(world: World) -> None:
    world.up()
    world.engine.destroy(world.gateway.client())
    assert world.standing == {"theirs": "kept"}
    alone = World()
    alone.up()
    alone.engine.destroy(alone.gateway.client())
    assert alone.kv.version == KvVersion()


def test_a_delete_that_is_killed_anywhere_is_completed() -> None:
    for after in kills():
        world = World(theirs="kept")
        world.up()
        if not world.killed(after, partial(world.engine.destroy, world.gateway.client())):
            break
        world.engine.destroy(world.gateway.client())
        assert (world.gateway.rows, world.standing) == ({}, {"theirs": "kept"})
    assert after > 3


def test_a_key_that_is_not_known_to_be_deleted_stays_in_vault(world: World) -> None:
    world.up()
    client = world.gateway.client()
    client._http = httpx.Client(
        base_url="http://gateway.test", transport=httpx.MockTransport(lambda _: httpx.Response(500))
    )
    with pytest.raises(KeyNotDeletedError):
        world.engine.destroy(client)
    world.assert_whole()
