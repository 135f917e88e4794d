"""A gateway on users that Vault makes and takes away again, told in order: up, revocation, another user."""

from collections.abc import Iterator, Mapping
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.own_gateway import OwnGateway, answers_for_its_models
from tests.support.project import Project
from tests.support.vault import Vault
from tests.support.walk import readable

# The Kubernetes client leaves the sockets of exec sessions to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")


@pytest.fixture(scope="module")
def own(platform: Mapping[str, str]) -> Iterator[OwnGateway]:
    with OwnGateway.with_database(platform) as own:
        yield own


@pytest.fixture(scope="module")
def gateway(own: OwnGateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    role = {
        "name": "gateway",
        "creationStatements": own.database.creation_statements,
        "revocationStatements": own.database.revocation_statements,
        "defaultTtl": "1h",
    }
    credentials = {"role": "gateway", "refreshInterval": "15m"}
    folder = tmp_path_factory.mktemp("gateway") / "project"
    with own.deployed(folder, credentials, {"roles": [role]}, {"tokenTtlSeconds": 3600}) as project:
        yield project


def user_of(url: str) -> tuple[str, str]:
    """Give user and password of a database URL."""
    parts = urlsplit(url)
    return unquote(parts.username or ""), unquote(parts.password or "")


def test_the_gateway_answers_as_a_user_that_vault_has_made(gateway: Project, own: OwnGateway) -> None:
    database = own.database
    user, password = user_of(own.database_url())
    assert user.startswith("v-")
    assert database.postgres.lets_in(user, password, database.name)
    assert answers_for_its_models(gateway)
    connected = database.postgres.sql(
        "select distinct usename from pg_stat_activity "
        "where datname = current_database() and usename like 'v-%'",
        database=database.name,
    )
    assert connected.split() == [user]


def test_its_tables_belong_to_the_group_and_outlive_the_user(gateway: Project, own: OwnGateway) -> None:
    del gateway
    owners = own.database.postgres.sql(
        "select distinct tableowner from pg_tables where schemaname = 'public'", database=own.database.name
    )
    assert owners.split() == [own.database.name]


@pytest.mark.usefixtures("gateway")
def test_the_old_root_password_no_longer_works(own: OwnGateway) -> None:
    assert not own.database.postgres.lets_in(own.database.root, own.database.password)


@pytest.mark.usefixtures("gateway")
def test_its_store_draws_from_its_role_and_from_no_other(own: OwnGateway, vault: Vault) -> None:
    assert readable(vault.client, vault.as_holder(own.store_token(vault))) == {
        f"{own.namespace}/data/api-keys",
        f"{own.engine}/creds/gateway",
        "auth/token/lookup-self",
    }


def test_a_second_preview_shows_no_change_and_makes_no_user(gateway: Project, own: OwnGateway) -> None:
    made = "select count(*) from pg_roles where rolname like 'v-%-gateway-%'"
    before = own.database.postgres.sql(made)
    assert gateway.preview() == []
    assert own.database.postgres.sql(made) == before


def test_a_revoked_lease_takes_the_user_away_and_a_restart_comes_back_as_another(
    gateway: Project, own: OwnGateway, vault: Vault
) -> None:
    before, _ = user_of(own.database_url())
    vault.client.adapter.put(f"/v1/sys/leases/revoke-prefix/{own.engine}/creds/gateway", json={"sync": True})
    assert not own.database.postgres.has_role(before)
    # Who has Stakater's Reloader need not do the second.
    own.cluster.sync("litellm-database")
    own.cluster.restart_gateway()
    after, password = user_of(own.database_url())
    assert after != before
    assert own.database.postgres.lets_in(after, password, own.database.name)
    assert answers_for_its_models(gateway)


def test_a_key_is_minted_as_the_other_user(gateway: Project) -> None:
    gateway.configure(
        lambda config: config["llm-gateway:keys"].append({"name": "later", "models": ["gpt-4o"]})
    )
    gateway.up()
    assert answers_for_its_models(gateway)


def test_no_password_stands_in_the_state_or_the_output(gateway: Project, own: OwnGateway) -> None:
    for password in (own.database.password, user_of(own.database_url())[1]):
        assert password not in gateway.transcript
        assert [path for path, text in gateway.written_files().items() if password.encode() in text] == []


def test_destroy_leaves_no_user_that_vault_has_made(gateway: Project, own: OwnGateway) -> None:
    user, _ = user_of(own.database_url())
    gateway.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")
    assert not own.database.postgres.has_role(user)
