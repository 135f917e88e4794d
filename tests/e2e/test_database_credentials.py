"""A gateway on a static role of Vault's database engine, told in order: up, use, rotation, destroy."""

from collections.abc import Iterator, Mapping

import pytest

from tests.doctor.visitor import run_doctor
from tests.support.gateway import Caller
from tests.support.own_gateway import OwnGateway, answers_for_its_models
from tests.support.postgres import HOST, OwnDatabase
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
    role = {"name": "gateway", "username": own.database.name, "rotationPeriod": "24h"}
    folder = tmp_path_factory.mktemp("gateway") / "project"
    with own.deployed(folder, {"staticRole": "gateway"}, {"staticRoles": [role]}, {}) as project:
        yield project


def password_of(own: OwnGateway, vault: Vault) -> str:
    password: str = vault.data(f"{own.engine}/static-creds/gateway")["password"]
    return password


def url_of(database: OwnDatabase, password: str) -> str:
    return f"postgresql://{database.name}:{password}@{HOST}:5432/{database.name}"


def test_the_gateway_answers_on_credentials_that_vault_has_made(
    gateway: Project, own: OwnGateway, vault: Vault
) -> None:
    database = own.database
    assert answers_for_its_models(gateway)
    assert own.database_url() == url_of(database, password_of(own, vault))
    assert not database.postgres.lets_in(database.name, database.password, database.name)
    tables = database.postgres.sql("select tableowner from pg_tables", database=database.name)
    assert database.name in tables.split()


@pytest.mark.usefixtures("gateway")
def test_its_store_reads_the_credentials_of_its_role_and_of_no_other(own: OwnGateway, vault: Vault) -> None:
    assert readable(vault.client, vault.as_holder(own.store_token(vault))) == {
        f"{own.namespace}/data/api-keys",
        f"{own.engine}/static-creds/gateway",
        "auth/token/lookup-self",
    }


def test_the_doctor_finds_nothing_broken(gateway: Project) -> None:
    said = run_doctor("--brief", folder=gateway.folder, environment=dict(gateway.environment))
    assert said.exit_code == 0, said.output


def test_a_rotation_reaches_the_pods_by_a_reviewed_rollout_without_a_failed_request(
    gateway: Project, own: OwnGateway, vault: Vault
) -> None:
    outputs, before = gateway.outputs(), password_of(own, vault)
    vault.client.write_data(f"{own.engine}/rotate-role/gateway")
    gateway.refresh()
    steps = gateway.preview()
    assert {(step.operation, step.name) for step in steps} == {
        ("update", "litellm-database-external-secret"),
        ("update", "litellm-deployment"),
    }
    key = outputs["keys"]["team-search"]["key"]
    with Caller(outputs["gatewayUrl"], key, "gpt-4o") as caller:
        gateway.up()
    assert set(caller.answers) == {"200"}, caller.answers
    after = password_of(own, vault)
    assert after != before
    assert own.database_url() == url_of(own.database, after)
    assert gateway.preview() == []


def test_no_password_stands_in_the_state_or_the_output(
    gateway: Project, own: OwnGateway, vault: Vault
) -> None:
    for password in (own.database.password, password_of(own, vault)):
        assert password not in gateway.transcript
        assert [path for path, text in gateway.written_files().items() if password.encode() in text] == []
