"""A platform admin's life: one user, one key in Vault, and the keys that are managed with it."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any

import httpx
import pytest
from tenacity import stop_after_attempt

from providers.litellm import connection
from providers.litellm.admin_input import ROUTES, check_admin, for_keys
from providers.litellm.client import GatewayClient
from providers.litellm.errors import AdminKeyRefusedError
from providers.litellm.platform_admin import PlatformAdminProvider
from providers.litellm.virtual_key import VirtualKeyProvider
from providers.reference import SecretMissingError
from providers.vault.kv import KvPath
from tests.unit.providers.engine import urn
from tests.unit.providers.fake_gateway import ADMIN_KEY
from tests.unit.providers.fake_users import FakeGatewayWithUsers
from tests.unit.providers.fake_vault import TOKEN, FakeVault
from tests.unit.providers.http_server import serving
from tests.unit.providers.provider_engine import ProviderEngine, new_process

ADMIN_URN = "urn:pulumi:dev::llm-gateway::pulumi-python:dynamic/litellm:PlatformAdmin::platform-admin"
DELIVER = {"mount": "kv", "path": "platform-admin"}


class KilledError(BaseException):
    """The process ends: nothing catches it."""


class World:
    """A gateway, a Vault, an admin and a key that is managed with it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.gateway = FakeGatewayWithUsers()
        self.vault = FakeVault("kv")
        self.admin = ProviderEngine(PlatformAdminProvider(), ADMIN_URN)
        self.key = ProviderEngine(VirtualKeyProvider(), urn("app"))
        self.addresses: dict[str, str] = {}
        self._monkeypatch = monkeypatch

    @property
    def input(self) -> dict[str, Any]:
        return {
            "url": self.addresses["gateway"],
            "admin_key": {"env": "MASTER_KEY"},
            "vault": {"address": self.addresses["vault"]},
            "ready_timeout_seconds": 0,
        }

    @property
    def for_keys(self) -> dict[str, Any]:
        return for_keys(self.input, DELIVER, ADMIN_URN)

    def up(self, **declared: Any) -> str:
        """Bring up the admin alone, in a process of its own."""
        new_process()
        return self.admin.up(gateway=self.input, deliver=DELIVER, **declared)

    def up_with_key(self, **fields: Any) -> tuple[str, str]:
        """Bring up both, without the master key if the admin needs nothing."""
        new_process()
        done = self.admin.up(gateway=self.input, deliver=DELIVER)
        return done, self.key.up(gateway=self.for_keys, **fields)

    def refresh(self) -> None:
        """Refresh both without the master key."""
        new_process()
        with self._monkeypatch.context() as without:
            without.delenv("MASTER_KEY", raising=False)
            self.admin.refresh()
            if self.key.state:
                self.key.refresh()

    def preview(self) -> tuple[str, str]:
        admin = self.admin.preview(gateway=self.input, deliver=DELIVER)
        return admin, self.key.preview(gateway=self.for_keys)

    @property
    def user_id(self) -> str:
        assert self.admin.state is not None
        return str(self.admin.state["user_id"])

    def standing(self) -> dict[str, Any]:
        return self.vault.standing("kv", "platform-admin")

    def assert_whole(self) -> None:
        """Exactly one user and one key of it: the state's, which the gateway knows and Vault holds.

        A predecessor that ends by itself may be there beside.
        """
        assert self.gateway.users.keys() == {self.user_id}
        assert self.gateway.users[self.user_id]["user_role"] == "proxy_admin"
        keys = [
            token
            for token, row in self.gateway.rows.items()
            if row["user_id"] == self.user_id and "pulumi-superseded-by" not in row["metadata"]
        ]
        assert keys == [self.admin.id] == [hashlib.sha256(self.standing()["api-key"].encode()).hexdigest()]
        assert self.standing()["api-key"] not in str(self.admin.state)

    def killed(self, after: int, action: Callable[[], object]) -> bool:
        """Do something that is killed after so many calls; say whether it came to that."""
        left = count(after, -1)

        def killing(call: Callable[..., Any]) -> Callable[..., Any]:
            def counted(*arguments: Any, **named: Any) -> Any:
                result = call(*arguments, **named)
                if next(left) <= 1:
                    raise KilledError
                return result

            return counted

        with self._monkeypatch.context() as patched:
            patched.setattr(GatewayClient, "_request", killing(GatewayClient._request))
            for name in ("read", "write", "delete"):
                patched.setattr(KvPath, name, killing(getattr(KvPath, name)))
            try:
                action()
            except KilledError:
                return True
        return False


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with ExitStack() as servers:
        yield start(monkeypatch, servers)
        new_process()


def start(monkeypatch: pytest.MonkeyPatch, servers: ExitStack) -> World:
    world = World(monkeypatch)
    monkeypatch.setenv("MASTER_KEY", ADMIN_KEY)
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    monkeypatch.delenv("VAULT_CACERT", raising=False)
    monkeypatch.setattr("providers.vault.border.stop_after_delay", lambda _: stop_after_attempt(1))
    # Reading the system's CAs takes a tenth of a second, and here is no TLS.
    monkeypatch.setattr(connection, "http_client", lambda url, _: httpx.Client(base_url=url, verify=False))  # noqa: S501
    serve: Any = world.gateway.transport.handler
    world.addresses["gateway"] = servers.enter_context(serving(serve))
    world.addresses["vault"] = servers.enter_context(serving(world.vault.serve))
    return world


# --- create ----------------------------------------------------------------------------------------------


def test_an_admin_is_a_user_with_a_key_for_the_key_api_alone(world: World) -> None:
    assert world.up() == "create"
    world.assert_whole()
    row = world.gateway.rows[world.admin.id]
    assert row["allowed_routes"] == list(ROUTES)
    assert (row["user_id"], row["metadata"]["pulumi-urn"]) == (world.user_id, ADMIN_URN)
    assert world.user_id.startswith("platform-admin-")
    assert world.gateway.users[world.user_id]["metadata"]["pulumi-urn"] == ADMIN_URN
    assert world.up() == "same"


def test_keys_are_managed_with_it_and_without_the_master_key(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.up()
    monkeypatch.delenv("MASTER_KEY")
    assert world.up_with_key(max_budget=5) == ("same", "create")
    assert world.up_with_key(max_budget=6) == ("same", "update")
    world.refresh()
    assert world.up_with_key(max_budget=6) == ("same", "same")
    world.key.destroy()
    assert world.gateway.rows.keys() == {world.admin.id}


def test_an_existing_key_passes_to_the_admin_without_a_call(world: World) -> None:
    world.key.up(gateway=world.input, max_budget=5)
    minted = world.key.id
    world.up()
    world.gateway.calls.clear()
    assert world.key.up(gateway=world.for_keys, max_budget=5) == "update"
    assert world.gateway.calls == {}
    assert world.key.id == minted


def test_a_create_that_is_killed_anywhere_is_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    for after in count(1):
        with ExitStack() as servers:
            world = start(monkeypatch, servers)
            if not world.killed(after, world.up):
                break
            world.up()
            world.assert_whole()
            world.refresh()
            assert world.up() == "same"
            new_process()
    assert after > 8


# --- drift -----------------------------------------------------------------------------------------------


def test_without_drift_a_refresh_changes_nothing(world: World) -> None:
    world.up_with_key()
    world.refresh()
    assert world.preview() == ("same", "same")


def test_another_role_is_set_back(world: World) -> None:
    world.up()
    world.gateway.users[world.user_id]["user_role"] = "internal_user"
    world.refresh()
    assert world.up() == "update"
    world.assert_whole()


def test_further_routes_are_taken_away_again(world: World) -> None:
    world.up()
    world.gateway.rows[world.admin.id]["allowed_routes"] = [*ROUTES, "/team/list"]
    world.refresh()
    assert world.up() == "update"
    assert world.gateway.rows[world.admin.id]["allowed_routes"] == list(ROUTES)


def lose_key(world: World) -> None:
    world.gateway.archive[world.admin.id] = world.gateway.rows.pop(world.admin.id)


def lose_user(world: World) -> None:
    world.gateway._delete_users({"user_ids": [world.user_id]})


def block_key(world: World) -> None:
    world.gateway.rows[world.admin.id]["blocked"] = True


def lose_path(world: World) -> None:
    del world.vault.paths["kv"]["platform-admin"]


def change_value(world: World) -> None:
    world.vault.put("kv", "platform-admin", **world.standing() | {"api-key": "sk-by-hand"})


@pytest.mark.parametrize("lose", [lose_key, lose_user, block_key, lose_path, change_value])
def test_a_lost_admin_is_replaced_and_its_keys_stay(
    world: World, lose: Callable[[World], None], capsys: pytest.CaptureFixture[str]
) -> None:
    world.up_with_key()
    lost, minted, value = world.admin.id, world.key.id, world.standing()["api-key"]
    lose(world)
    world.refresh()
    assert capsys.readouterr().err.count("platform-admin: the gateway doesn't take its key, so the keys") == 1
    assert world.preview() == ("replace", "same")
    assert world.up_with_key() == ("replace", "same")
    assert world.admin.id != lost
    assert world.key.id == minted
    world.assert_whole()
    assert world.standing()["api-key"] != value
    world.refresh()
    assert world.preview() == ("same", "same")


def test_a_key_whose_admin_is_lost_says_what_to_do(world: World) -> None:
    world.up_with_key()
    block_key(world)
    with pytest.raises(AdminKeyRefusedError, match="`pulumi up --refresh` gives platform-admin a new one"):
        world.up_with_key(max_budget=5)
    lose_path(world)
    with pytest.raises(
        SecretMissingError, match="in Vault isn't there; `pulumi up --refresh` gives platform-a"
    ):
        world.up_with_key(max_budget=5)


def test_a_rotated_admin_is_followed_by_a_process_that_remembers_the_old_key(world: World) -> None:
    world.up_with_key()
    block_key(world)
    world.admin.refresh()
    assert world.admin.up(gateway=world.input, deliver=DELIVER) == "replace"
    assert world.key.up(gateway=world.for_keys, max_budget=7) == "update"
    assert world.gateway.rows[world.key.id]["max_budget"] == 7


def test_keepers_rotate_it_and_its_keys_go_on(world: World) -> None:
    world.up(rotation={"quarter": 1})
    world.key.up(gateway=world.for_keys)
    predecessor, minted = world.admin.id, world.key.id
    assert world.up(rotation={"quarter": 2}) == "replace"
    assert world.gateway.rows[predecessor]["metadata"]["pulumi-superseded-by"] == world.admin.id
    world.assert_whole()
    assert world.key.up(gateway=world.for_keys, max_budget=7) == "update"
    assert world.key.id == minted
    world.key.destroy()
    new_process()
    world.admin.destroy()
    assert (world.gateway.users, world.gateway.rows) == ({}, {})


# --- delete ----------------------------------------------------------------------------------------------


def test_a_destroy_takes_the_user_along(world: World) -> None:
    world.up_with_key()
    world.key.destroy()
    world.admin.destroy()
    assert (world.gateway.users, world.gateway.rows) == ({}, {})
    assert world.vault.paths["kv"] == {}


def test_a_destroy_that_is_killed_anywhere_is_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    for after in count(1):
        with ExitStack() as servers:
            world = start(monkeypatch, servers)
            world.up()
            if not world.killed(after, world.admin.destroy):
                break
            new_process()
            world.admin.destroy()
            assert (world.gateway.users, world.gateway.rows) == ({}, {})
            assert world.vault.paths["kv"] == {}
            new_process()
    assert after > 5


def test_a_key_that_somebody_made_for_the_user_goes_with_it(world: World) -> None:
    world.up()
    world.gateway._generate(
        {"key": "sk-of-somebody", "user_id": world.user_id, "key_alias": "x", "metadata": {}}
    )
    world.admin.destroy()
    assert world.gateway.rows == {}


# --- inputs ----------------------------------------------------------------------------------------------


def test_an_admin_without_a_place_in_vault_is_refused() -> None:
    gateway = {"url": "http://x", "admin_key": {"env": "A"}}
    _, problems = check_admin({}, {"gateway": gateway, "owner": ADMIN_URN})
    assert [(problem.field, problem.reason) for problem in problems] == [
        ("deliver", "expected mount and path: the admin's key is kept in Vault alone")
    ]


def test_a_moved_admin_keeps_its_user(world: World) -> None:
    world.up()
    user_id = world.user_id
    world.admin.urn = ADMIN_URN.replace("platform-admin", "moved")
    assert world.up() == "update"
    assert world.user_id == user_id
    world.assert_whole()


def test_a_moved_admin_keeps_its_user_when_it_is_rotated_and_takes_it_along(world: World) -> None:
    world.up()
    user_id = world.user_id
    world.admin.urn = ADMIN_URN.replace("::platform-admin", "::moved")
    world.up()
    assert world.up(rotation={"since": "a leak"}) == "replace"
    assert world.user_id == user_id
    world.assert_whole()
    new_process()
    world.admin.destroy()
    assert (world.gateway.users, world.gateway.rows) == ({}, {})
