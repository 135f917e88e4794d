"""A database that Vault looks after, by the example: one root password, two kinds of credentials, an app."""

import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from tests.support.cluster import Cluster
from tests.support.postgres import HOST, OwnDatabase, Postgres, own_database
from tests.support.project import CommandError, Project, Step
from tests.support.vault import Vault
from tests.support.walk import readable, writable

RUN = secrets.token_hex(3)
ENGINE, AUTH, APP = f"database-{RUN}", f"kubernetes-{RUN}", f"orders-{RUN}"
PASSWORD = "ORDERS_DATABASE_PASSWORD"
TOKEN_TTL_SECONDS = 60


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Iterator[OwnDatabase]:
    with own_database(Postgres(cluster)) as own:
        yield own


@pytest.fixture(scope="module")
def auth(vault: Vault) -> Iterator[None]:
    client = vault.client
    client.sys.enable_auth_method("kubernetes", path=AUTH)
    client.write_data(f"auth/{AUTH}/config", data={"kubernetes_host": "https://kubernetes.default.svc"})
    yield
    client.delete(f"sys/auth/{AUTH}")


def databases_of(database: OwnDatabase) -> dict[str, Any]:
    connection = {
        "name": "orders",
        "connectionUrl": database.connection_url,
        "username": database.root,
        "password": {"env": PASSWORD},
        "roles": [
            {
                "name": "reader",
                "creationStatements": database.creation_statements,
                "revocationStatements": database.revocation_statements,
                "defaultTtl": "10m",
            },
            # Nobody's: neighbour of the app's own.
            {"name": "admin", "creationStatements": database.creation_statements},
        ],
        "staticRoles": [{"name": "owner", "username": database.name, "rotationPeriod": "24h"}],
    }
    return {"mount": ENGINE, "retainOnDestroy": False, "connections": [connection]}


def app_of(database: OwnDatabase) -> dict[str, Any]:
    url = f"postgresql://{{{{ .username }}}}:{{{{ .password }}}}@{HOST}:5432/{database.name}"
    return {
        "name": APP,
        "tokenTtlSeconds": TOKEN_TTL_SECONDS,
        "secrets": [
            {
                "name": "reader",
                "dynamic": {"path": f"{ENGINE}/creds/reader"},
                "refreshInterval": "20s",
            },
            {
                "name": "owner",
                "dynamic": {"path": f"{ENGINE}/static-creds/owner"},
                "refreshInterval": "2s",
                "files": {"DATABASE_URL": {"template": url}, "password": {"template": "{{ .password }}"}},
            },
        ],
    }


@pytest.fixture(scope="module")
def program(
    platform: Mapping[str, str],
    auth: None,
    database: OwnDatabase,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Project]:
    """Deploy the example with the database of this run."""
    del auth
    configuration = {
        "authMount": AUTH,
        "databases": databases_of(database),
        "apps": [app_of(database)],
    }
    environment = {**platform, PASSWORD: database.password}
    folder = tmp_path_factory.mktemp("databases") / "databases"
    project = Project.of_example("databases", folder, environment, configuration)
    try:
        project.up()
        yield project
    finally:
        project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")


@pytest.fixture(scope="module")
def first_reader(program: Project, cluster: Cluster) -> str:
    """Name the user that the operator has drawn first."""
    del program
    return cluster.secret("reader", APP)["username"]


def until(expected: object, look: Any, *arguments: object, timeout_seconds: float = 60) -> None:
    """Look until something is as expected; fails by running out of time."""
    Retrying(
        retry=retry_if_result(lambda found: found != expected),
        stop=stop_after_delay(timeout_seconds),
        wait=wait_fixed(0.3),
    )(look, *arguments)


# --- the root password -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("first_reader")
def test_the_old_root_password_no_longer_works(database: OwnDatabase) -> None:
    assert not database.postgres.lets_in(database.root, database.password)


def test_a_second_up_changes_nothing_whatever_the_source_says(program: Project) -> None:
    program.environment[PASSWORD] = "stale"
    assert changes(program.up("--json", "--refresh")) == {}
    program.environment.pop(PASSWORD)
    assert program.preview() == []


def changes(events: str) -> dict[str, int]:
    """Give the operations of an `up --json` that change something, with their number."""
    summaries = [json.loads(line).get("summaryEvent") for line in events.splitlines()]
    [counted] = [summary["resourceChanges"] for summary in summaries if summary]
    return {operation: count for operation, count in counted.items() if operation != "same"}


# --- credentials -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("program")
def test_both_kinds_of_credentials_reach_the_app_and_log_in(cluster: Cluster, database: OwnDatabase) -> None:
    reader, owner = cluster.secret("reader", APP), cluster.secret("owner", APP)
    assert database.postgres.lets_in(reader["username"], reader["password"], database.name)
    assert owner.keys() == {"DATABASE_URL", "password"}
    assert owner["DATABASE_URL"].startswith(f"postgresql://{database.name}:{owner['password']}@")
    assert database.postgres.lets_in(database.name, owner["password"], database.name)
    assert not database.postgres.lets_in(database.name, database.password, database.name)


@pytest.mark.usefixtures("program")
def test_the_app_reads_the_credentials_of_its_two_roles_and_nothing_else(
    vault: Vault, cluster: Cluster
) -> None:
    """Of the other role of the same engine nothing, nor who the users are, nor the connection."""
    holder = vault.as_holder(vault.log_in(AUTH, APP, cluster.account_token(APP, f"{APP}-store")))
    assert readable(vault.client, holder) == {
        f"{ENGINE}/creds/reader",
        f"{ENGINE}/static-creds/owner",
        "auth/token/lookup-self",
    }
    assert writable(vault.client, holder) == {"auth/token/renew-self", "auth/token/revoke-self"}


@pytest.mark.usefixtures("program")
def test_a_revoked_lease_takes_the_databases_role_away(vault: Vault, database: OwnDatabase) -> None:
    lease: Any = vault.client.read(f"{ENGINE}/creds/reader")
    user = lease["data"]["username"]
    assert database.postgres.has_role(user)
    assert lease["lease_duration"] == 600
    vault.client.write_data("sys/leases/revoke", data={"lease_id": lease["lease_id"]})
    until(False, database.postgres.has_role, user)


@pytest.mark.usefixtures("program")
def test_a_rotated_static_role_reaches_the_app(vault: Vault, cluster: Cluster, database: OwnDatabase) -> None:
    before = cluster.secret("owner", APP)["password"]
    vault.client.write_data(f"{ENGINE}/rotate-role/owner")
    until(True, lambda: cluster.secret("owner", APP)["password"] != before)
    after = cluster.secret("owner", APP)["password"]
    assert database.postgres.lets_in(database.name, after, database.name)
    assert not database.postgres.lets_in(database.name, before, database.name)


# --- changes ---------------------------------------------------------------------------------------------


def test_a_changed_role_is_one_update(program: Project) -> None:
    def longer(config: dict[str, Any]) -> None:
        config["databases:databases"]["connections"][0]["roles"][0]["defaultTtl"] = "15m"

    program.configure(longer)
    assert program.preview() == [
        Step(
            "update",
            "vault:database/secretBackendRole:SecretBackendRole",
            "databases-role-reader",
            frozenset({"defaultTtl"}),
        )
    ]


def test_a_user_ends_with_the_token_it_was_made_with_and_is_replaced_before(
    first_reader: str, cluster: Cluster, database: OwnDatabase
) -> None:
    """The lease's own ten minutes don't count: this is why a short refreshInterval is demanded."""
    until(False, database.postgres.has_role, first_reader, timeout_seconds=TOKEN_TTL_SECONDS + 30)
    assert database.postgres.has_role(cluster.secret("reader", APP)["username"])


def test_a_lost_connection_is_said_in_a_sentence_and_comes_back_with_a_new_password(
    program: Project, vault: Vault, database: OwnDatabase
) -> None:
    vault.client.delete(f"{ENGINE}/config/orders")
    program.environment[PASSWORD] = database.password
    with pytest.raises(CommandError) as caught:
        program.up("--refresh")
    assert f"couldn't configure {ENGINE}/config/orders: error creating database object" in caught.value.output
    assert "A password that was rotated is known to Vault alone" in caught.value.output
    assert "Traceback" not in caught.value.output
    database.postgres.sql(f"alter role {database.root} password '{database.password}'")
    program.up()
    assert not database.postgres.lets_in(database.root, database.password)
    assert program.preview() == []


# --- nothing leaks ---------------------------------------------------------------------------------------


def test_no_password_stands_in_the_state_the_history_or_the_output(
    program: Project, cluster: Cluster, database: OwnDatabase
) -> None:
    passwords = [database.password, *(cluster.secret(name, APP)["password"] for name in ("reader", "owner"))]
    for password in passwords:
        assert password not in program.transcript
        assert [path for path, text in program.written_files().items() if password.encode() in text] == []


def test_destroy_leaves_no_user_that_vault_has_made(
    program: Project, vault: Vault, cluster: Cluster, database: OwnDatabase
) -> None:
    user = cluster.secret("reader", APP)["username"]
    program.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")
    assert program.resources() == []
    assert not database.postgres.has_role(user)
    assert f"{ENGINE}/" not in vault.mounts()
    assert database.postgres.has_role(database.name)
