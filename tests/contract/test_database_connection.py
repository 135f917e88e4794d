"""Connections of a real Vault or OpenBao to a real PostgreSQL: whose password is whose, whatever happens."""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import hvac
import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from components.vault import reading_policy
from providers.vault.database import inputs, life
from providers.vault.database.engine import ConnectionPath
from providers.vault.database.rotation import StaticRoleRotationProvider
from providers.vault.errors import (
    VaultConnectionTakenError,
    VaultDatabaseError,
    VaultDeniedError,
    VaultMountMissingError,
    VaultNotThereError,
)
from providers.vault.sources import fingerprint
from schema import AppSettings
from tests.contract.conftest import MOUNT as KV
from tests.support.cluster import Cluster
from tests.support.postgres import OwnDatabase, Postgres, own_database
from tests.support.project import ROOT

MOUNT = f"database-{secrets.token_hex(4)}"
PASSWORD = "CONTRACT_DATABASE_PASSWORD"


@pytest.fixture(scope="module")
def database(platform: Mapping[str, str]) -> Iterator[OwnDatabase]:
    with own_database(Postgres(Cluster(platform["KUBECONFIG"]))) as own:
        yield own


@pytest.fixture(scope="module")
def engine_mount(client: hvac.Client, database: OwnDatabase) -> Iterator[None]:
    del database  # goes after the mount
    client.sys.enable_secrets_engine("database", path=MOUNT)
    yield
    client.adapter.put(f"/v1/sys/leases/revoke-force/{MOUNT}")
    client.delete(f"sys/mounts/{MOUNT}")


class ConnectionEngine:
    """What Pulumi's engine does with one connection."""

    def __init__(self, client: hvac.Client, database: OwnDatabase) -> None:
        self.client: Any = client
        self.database = database
        self.name = f"c-{secrets.token_hex(3)}"
        self.state: dict[str, Any] | None = None

    def inputs(self, **others: Any) -> dict[str, Any]:
        declared = {
            "mount": MOUNT,
            "name": self.name,
            "plugin": "postgresql",
            "connection_url": self.database.connection_url,
            "username": self.database.root,
            "password": {"env": PASSWORD},
            "password_version": 1.0,
            "rotate_root": True,
            "verify_connection": True,
            "roles": [],
            "static_roles": [],
            "root_rotation_statements": [],
            "options": {},
            "vault": {},
            "retain_on_delete": False,
            "owner": "urn:pulumi:dev::llm-gateway::DatabaseConnection::ours",
            **others,
        }
        assert inputs.check_inputs(declared) == []
        return declared

    def preview(self, **others: Any) -> list[str]:
        return inputs.changed_inputs(self.state or {}, self.inputs(**others))

    def up(self, **others: Any) -> dict[str, Any]:
        declared = self.inputs(**others)
        if not self.state or inputs.changed_inputs(self.state, declared):
            self.state = life.write(life.open_path(declared), declared, self.state or {})
        return self.state

    def refresh(self) -> dict[str, Any] | None:
        assert self.state is not None
        self.state = life.read(life.open_path(self.state), self.state)
        return self.state

    def destroy(self) -> None:
        assert self.state is not None
        life.delete(life.open_path(self.state), self.state)

    def live(self) -> dict[str, Any]:
        answer = self.client.secrets.database.read_connection(self.name, mount_point=MOUNT)
        return dict(answer["data"])

    def make_role(self, name: str) -> None:
        self.client.secrets.database.create_role(
            name,
            db_name=self.name,
            creation_statements=self.database.creation_statements,
            revocation_statements=self.database.revocation_statements,
            default_ttl="1h",
            max_ttl="2h",
            mount_point=MOUNT,
        )

    def credentials(self, role: str) -> tuple[str, str]:
        """Draw credentials, and give user and password."""
        data = self.client.secrets.database.generate_credentials(role, mount_point=MOUNT)["data"]
        return data["username"], data["password"]


@pytest.fixture
def engine(
    client: hvac.Client,
    engine_mount: None,
    database: OwnDatabase,
    vault_environment: None,
    monkeypatch: pytest.MonkeyPatch,
) -> ConnectionEngine:
    """Give a connection of its own, and the database's user its first password again."""
    del engine_mount, vault_environment
    database.postgres.sql(f"alter role {database.root} password '{database.password}'")
    monkeypatch.setenv(PASSWORD, database.password)
    return ConnectionEngine(client, database)


@pytest.fixture
def rotations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count the rotations that Vault is asked for."""
    asked: list[str] = []
    rotate = ConnectionPath.rotate_root

    def counting(self: ConnectionPath) -> None:
        asked.append(str(self))
        rotate(self)

    monkeypatch.setattr(ConnectionPath, "rotate_root", counting)
    return asked


def root_lets_in(database: OwnDatabase) -> bool:
    return database.postgres.lets_in(database.root, database.password)


# --- once ------------------------------------------------------------------------------------------------


def test_the_password_is_rotated_once_and_no_change_is_shown(
    engine: ConnectionEngine, rotations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    state = engine.up()
    assert not root_lets_in(engine.database)
    assert state["root"] == "rotated"
    for said in (monkeypatch.setenv, lambda name, _: monkeypatch.delenv(name)):
        said(PASSWORD, "another one")  # whatever the source says, it is stale
        assert engine.preview() == []
        assert engine.refresh() is not None
        assert engine.preview() == []
    engine.up(roles=["added"])
    assert len(rotations) == 1
    engine.make_role("added")
    user, password = engine.credentials("added")
    assert engine.database.postgres.lets_in(user, password, engine.database.name)
    engine.destroy()


def test_neither_state_nor_configuration_holds_the_password(engine: ConnectionEngine) -> None:
    state = engine.up()
    assert engine.database.password not in str(state) + str(engine.live())
    assert state["fingerprint"] == ""
    assert engine.live()["connection_details"]["connection_url"] == engine.database.connection_url


def test_a_password_that_is_not_rotated_follows_its_source(
    engine: ConnectionEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = engine.up(rotate_root=False)
    assert root_lets_in(engine.database)
    assert (state["root"], state["fingerprint"]) == ("given", fingerprint(engine.database.password))
    assert engine.preview(rotate_root=False) == []
    engine.database.postgres.sql(f"alter role {engine.database.root} password 'changed'")
    monkeypatch.setenv(PASSWORD, "changed")
    assert engine.preview(rotate_root=False) == ["password"]
    engine.up(rotate_root=False)
    assert engine.preview(rotate_root=False) == []
    assert engine.up()["root"] == "rotated"
    assert not engine.database.postgres.lets_in(engine.database.root, "changed")


def test_the_password_may_stand_in_vault(engine: ConnectionEngine) -> None:
    place = {"mount": KV, "path": engine.name, "property": "root"}
    engine.client.secrets.kv.v2.create_or_update_secret(
        engine.name, secret={"root": engine.database.password}, mount_point=KV
    )
    assert engine.up(password={"vault": place})["root"] == "rotated"


# --- interrupted -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", ["before the rotation", "after the rotation", "after the mark"])
def test_a_run_that_was_interrupted_is_completed_by_the_next(
    at: str, engine: ConnectionEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state knows nothing, and the source's password is stale in all cases but the first."""
    rotate, configure = ConnectionPath.rotate_root, ConnectionPath.configure

    def killed(self: ConnectionPath) -> None:
        if at != "before the rotation":
            rotate(self)
        if at == "after the mark":
            configure(self, {**settings, life.MARK: "1 rotated"}, None)
        raise KeyboardInterrupt

    def remembering(self: ConnectionPath, given: Mapping[str, Any], password: Any) -> None:
        settings.update(given)
        configure(self, given, password)

    settings: dict[str, Any] = {}
    with monkeypatch.context() as patch:
        patch.setattr(ConnectionPath, "rotate_root", killed)
        patch.setattr(ConnectionPath, "configure", remembering)
        with pytest.raises(KeyboardInterrupt):
            engine.up()
    assert engine.state is None
    monkeypatch.setenv(PASSWORD, "stale in any case")
    assert engine.up(roles=["after"])["root"] == "rotated"
    assert not root_lets_in(engine.database)
    engine.make_role("after")
    assert engine.credentials("after")
    assert engine.preview(roles=["after"]) == []


def test_a_connection_that_was_kept_is_taken_up_again(
    engine: ConnectionEngine, rotations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.up(retain_on_delete=True)
    engine.destroy()
    engine.state = None
    monkeypatch.delenv(PASSWORD)
    assert engine.up()["root"] == "rotated"
    assert len(rotations) == 1


def test_a_new_password_is_taken_when_its_version_says_so(
    engine: ConnectionEngine, rotations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.up()
    engine.database.postgres.sql(f"alter role {engine.database.root} password 'set-by-hand'")
    monkeypatch.setenv(PASSWORD, "set-by-hand")
    assert engine.preview(password_version=2.0) == ["password_version"]
    engine.up(password_version=2.0)
    assert len(rotations) == 2
    assert not engine.database.postgres.lets_in(engine.database.root, "set-by-hand")


def test_a_wrong_new_password_does_not_take_the_place_of_a_rotated_one(
    engine: ConnectionEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.up(roles=["kept"])
    engine.make_role("kept")
    monkeypatch.setenv(PASSWORD, "a-wrong-one")
    with pytest.raises(VaultDatabaseError, match="raise passwordVersion") as refused:
        engine.up(password_version=2.0, roles=["kept"])
    assert "a-wrong-one" not in str(refused.value)
    assert engine.credentials("kept")


# --- drift -----------------------------------------------------------------------------------------------


def test_what_somebody_changed_is_seen_and_taken_back(engine: ConnectionEngine) -> None:
    options = {"max_open_connections": 3.0}
    engine.up(roles=["a"], options=options)
    engine.client.secrets.database.configure(
        engine.name,
        "postgresql-database-plugin",
        allowed_roles=["a", "b"],
        max_open_connections=9,
        mount_point=MOUNT,
    )
    assert engine.refresh() is not None
    assert set(engine.preview(roles=["a"], options=options)) == {"roles", "options"}
    engine.up(roles=["a"], options=options)
    assert engine.live()["allowed_roles"] == ["a"]
    assert engine.live()["connection_details"]["max_open_connections"] == 3
    engine.up(roles=["a"])
    assert engine.live()["connection_details"]["max_open_connections"] == 0
    assert engine.refresh() is not None
    assert engine.preview(roles=["a"]) == []


def test_a_connection_that_is_gone_is_made_anew_only_with_a_password_that_works(
    engine: ConnectionEngine,
) -> None:
    engine.up()
    engine.client.secrets.database.delete_connection(engine.name, mount_point=MOUNT)
    assert engine.refresh() is None
    with pytest.raises(
        VaultDatabaseError, match="password that was rotated is known to Vault alone"
    ) as caught:
        engine.up()
    assert engine.database.password not in str(caught.value)
    engine.database.postgres.sql(f"alter role {engine.database.root} password '{engine.database.password}'")
    assert engine.up()["root"] == "rotated"


def test_a_connection_made_anew_by_hand_is_rotated_again(
    engine: ConnectionEngine, rotations: list[str]
) -> None:
    engine.up()
    database = engine.database
    database.postgres.sql(f"alter role {database.root} password '{database.password}'")
    engine.client.secrets.database.delete_connection(engine.name, mount_point=MOUNT)
    by_hand(engine)
    assert engine.refresh() is not None
    assert engine.preview() == ["rotate_root"]
    assert engine.up()["root"] == "rotated"
    assert len(rotations) == 2


# --- whose ----------------------------------------------------------------------------------------------


def by_hand(engine: ConnectionEngine) -> None:
    engine.client.secrets.database.configure(
        engine.name,
        "postgresql-database-plugin",
        mount_point=MOUNT,
        connection_url=engine.database.connection_url,
        username=engine.database.root,
        password=engine.database.password,
    )


def test_a_connection_of_somebody_else_is_refused_unless_it_is_to_be_taken_over(
    engine: ConnectionEngine,
) -> None:
    by_hand(engine)
    with pytest.raises(VaultConnectionTakenError, match="is there already and not of this program"):
        engine.up()
    assert root_lets_in(engine.database)
    assert engine.up(password={"manual": True})["root"] == "rotated"
    assert not root_lets_in(engine.database)


OTHER_STACK = "urn:pulumi:prod::llm-gateway::DatabaseConnection::theirs"


def test_a_connection_of_another_stack_is_refused_unless_it_is_equal(engine: ConnectionEngine) -> None:
    engine.up(owner=OTHER_STACK, roles=["theirs"])
    engine.state = None
    with pytest.raises(VaultConnectionTakenError, match=f"is there already and belongs to {OTHER_STACK}"):
        engine.up(roles=["ours"])
    assert engine.live()["allowed_roles"] == ["theirs"]
    assert engine.up(roles=["theirs"])["root"] == "rotated"


def test_a_connection_of_another_stack_is_taken_over_by_name(engine: ConnectionEngine) -> None:
    engine.up(owner=OTHER_STACK, roles=["theirs"])
    engine.state = None
    engine.up(roles=["ours"], password={"manual": True})
    assert engine.live()["allowed_roles"] == ["ours"]
    assert engine.live()["connection_details"][life.OWNER].endswith("::ours")


def test_what_was_to_be_put_by_hand_and_is_not_there_is_named(engine: ConnectionEngine) -> None:
    with pytest.raises(VaultNotThereError, match=f"{MOUNT}/config/{engine.name} isn't in Vault"):
        engine.up(password={"manual": True})


@pytest.mark.parametrize(("mount", "kind"), [("nowhere", "no mount nowhere"), (f"{KV}-v1", "KV v1")])
def test_no_password_is_written_to_another_kind_of_mount(
    mount: str, kind: str, engine: ConnectionEngine
) -> None:
    with pytest.raises(VaultMountMissingError, match=f"{kind}.*expected a database mount"):
        engine.up(mount=mount)
    assert engine.client.read(f"{mount}/config/{engine.name}") is None


# --- leases ----------------------------------------------------------------------------------------------


def test_credentials_go_with_their_lease_their_role_and_their_connection(engine: ConnectionEngine) -> None:
    postgres, roles = engine.database.postgres, ["first", "second"]
    engine.up(roles=roles)
    for role in roles:
        engine.make_role(role)
    lease = engine.client.secrets.database.generate_credentials("first", mount_point=MOUNT)
    of_first, of_second = engine.credentials("first")[0], engine.credentials("second")[0]
    assert postgres.has_role(lease["data"]["username"])
    engine.client.sys.revoke_lease(lease["lease_id"])
    assert gone(postgres, lease["data"]["username"])
    engine.up(roles=["second"])
    assert not postgres.has_role(of_first)
    assert postgres.has_role(of_second)
    engine.destroy()
    assert not postgres.has_role(of_second)
    assert engine.client.read(f"{MOUNT}/config/{engine.name}") is None
    engine.destroy()  # a second time is no failure


def gone(postgres: Postgres, user: str) -> bool:
    looking = Retrying(retry=retry_if_result(bool), stop=stop_after_delay(30), wait=wait_fixed(0.2))
    return not looking(postgres.has_role, user)


def test_an_apps_agent_draws_credentials_and_renews_their_lease(
    engine: ConnectionEngine, vault_env: Mapping[str, str]
) -> None:
    engine.up(roles=["agent"])
    engine.make_role("agent")
    path = f"{MOUNT}/creds/agent"
    app = AppSettings.model_validate(
        {"name": "web", "injector": {"secrets": [{"name": "db", "dynamic": {"path": path}}]}}
    )
    policy = f"{MOUNT}-agent"
    engine.client.sys.create_or_update_policy(policy, reading_policy(app, KV))
    token = engine.client.auth.token.create(policies=[policy], no_default_policy=True)["auth"]["client_token"]
    agent: Any = hvac.Client(vault_env["VAULT_ADDR"], token, verify=vault_env["VAULT_CACERT"])
    try:
        lease = agent.read(path)
        assert agent.sys.renew_lease(lease["lease_id"])["renewable"]
        with pytest.raises(hvac.exceptions.Forbidden):
            agent.sys.revoke_lease(lease["lease_id"])
    finally:
        agent.auth.token.revoke_self()
        agent.adapter.close()
        engine.client.sys.delete_policy(policy)


def test_the_time_of_a_static_roles_rotation_is_followed(engine: ConnectionEngine) -> None:
    engine.up(static_roles=["app"])
    provider, place = StaticRoleRotationProvider(), {"mount": MOUNT, "role": "app", "vault": {}}
    with pytest.raises(VaultNotThereError, match=f"{MOUNT}/static-roles/app isn't in Vault"):
        provider.create(place)
    static_role = {"db_name": engine.name, "username": engine.database.name, "rotation_period": "1h"}
    engine.client.write_data(f"{MOUNT}/static-roles/app", data=static_role)
    made = provider.create(place)
    state = dict(made.outs or {})
    first = state["last_rotation"]
    assert first
    assert provider.read(made.id, state).outs == state
    engine.client.secrets.database.rotate_static_role_credentials("app", mount_point=MOUNT)
    assert (provider.read(made.id, state).outs or {})["last_rotation"] > first
    engine.client.secrets.database.delete_static_role("app", mount_point=MOUNT)
    assert provider.read(made.id, state).id == ""


@pytest.fixture
def documented_token(client: hvac.Client) -> Iterator[str]:
    """Give a token with the rights of the documentation and no others, for the mount of this run."""
    rules = (ROOT / "docs" / "vault-policy.hcl").read_text().replace("database", MOUNT)
    client.write_data(f"sys/policies/acl/{MOUNT}", data={"policy": rules})
    asked = {"policies": [MOUNT], "no_default_policy": True, "ttl": "5m"}
    answer: Any = client.write_data("auth/token/create", data=asked)
    yield answer["auth"]["client_token"]
    client.delete(f"sys/policies/acl/{MOUNT}")


def test_the_rights_of_the_documentation_are_enough(
    engine: ConnectionEngine, documented_token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", documented_token)
    engine.up(roles=["kept", "gone"], static_roles=["app"])
    for role in ("kept", "gone"):
        engine.make_role(role)
    of_gone = engine.credentials("gone")[0]
    engine.up(roles=["kept"], static_roles=["app"])
    assert not engine.database.postgres.has_role(of_gone)
    assert engine.refresh() is not None
    engine.destroy()
    assert engine.client.read(f"{MOUNT}/config/{engine.name}") is None


def test_a_wrong_token_is_named(engine: ConnectionEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.up()
    monkeypatch.setenv("VAULT_TOKEN", "s.wrong")
    with pytest.raises(VaultDeniedError, match="VAULT_TOKEN"):
        engine.refresh()
