"""A gateway on a static role of Vault's database engine, told in order: up, use, rotation, destroy."""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.doctor.visitor import run_doctor
from tests.support.cluster import Cluster
from tests.support.gateway import Caller, chat
from tests.support.postgres import HOST, OwnDatabase, Postgres, own_database
from tests.support.project import Project
from tests.support.vault import Vault

# The Kubernetes client leaves the sockets of exec sessions to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")

RUN = secrets.token_hex(3)
NAMESPACE, ENGINE = f"gateway-{RUN}", f"database-{RUN}"
PASSWORD = "GATEWAY_DATABASE_PASSWORD"


@pytest.fixture(scope="module")
def own_cluster(platform: Mapping[str, str]) -> Cluster:
    return Cluster(platform["KUBECONFIG"], NAMESPACE)


@pytest.fixture(scope="module")
def database(own_cluster: Cluster) -> Iterator[OwnDatabase]:
    with own_database(Postgres(own_cluster)) as own:
        yield own


@pytest.fixture(scope="module")
def gateway(
    platform: Mapping[str, str], database: OwnDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """Deploy the program a second time, with everything in places of its own."""
    folder = tmp_path_factory.mktemp("gateway") / "project"
    project = Project(folder, {**platform, PASSWORD: database.password})

    def own(config: dict[str, Any]) -> None:
        config["llm-gateway:vault"].update(mount=NAMESPACE)
        config["llm-gateway:vault"]["auth"].update(mount=f"kubernetes-{RUN}")
        config["llm-gateway:gateway"].update(namespace=NAMESPACE, ingress={"kind": "none"})
        place = {"host": HOST, "name": database.name}
        config["llm-gateway:database"] = {"credentials": {"staticRole": "gateway", **place}}
        config["llm-gateway:databases"] = {
            "mount": ENGINE,
            "retainOnDestroy": False,
            "connections": [
                {
                    "name": "gateway",
                    "connectionUrl": database.connection_url,
                    "username": database.root,
                    "password": {"env": PASSWORD},
                    "staticRoles": [{"name": "gateway", "username": database.name, "rotationPeriod": "24h"}],
                }
            ],
        }

    project.configure(own)
    try:
        project.up()
        yield project
    finally:
        project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")


def password_of(vault: Vault) -> str:
    password: str = vault.data(f"{ENGINE}/static-creds/gateway")["password"]
    return password


def url_of(database: OwnDatabase, password: str) -> str:
    return f"postgresql://{database.name}:{password}@{HOST}:5432/{database.name}"


def test_the_gateway_answers_on_credentials_that_vault_has_made(
    gateway: Project, own_cluster: Cluster, database: OwnDatabase, vault: Vault
) -> None:
    outputs = gateway.outputs()
    for key in outputs["keys"].values():
        for model in outputs["models"]:
            expected = 200 if model in key["models"] else 403
            assert chat(outputs["gatewayUrl"], key["key"], model) == expected
    [pod] = own_cluster.gateway_pods()
    assert own_cluster.variable_of(pod, "DATABASE_URL") == url_of(database, password_of(vault))
    assert not database.postgres.lets_in(database.name, database.password, database.name)
    tables = database.postgres.sql("select tableowner from pg_tables", database=database.name)
    assert database.name in tables.split()


def test_the_doctor_finds_nothing_broken(gateway: Project) -> None:
    said = run_doctor("--brief", folder=gateway.folder, environment=dict(gateway.environment))
    assert said.exit_code == 0, said.output


def test_a_rotation_reaches_the_pods_by_a_reviewed_rollout_without_a_failed_request(
    gateway: Project, own_cluster: Cluster, database: OwnDatabase, vault: Vault
) -> None:
    outputs, before = gateway.outputs(), password_of(vault)
    vault.client.write_data(f"{ENGINE}/rotate-role/gateway")
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
    after = password_of(vault)
    assert after != before
    [pod] = own_cluster.gateway_pods()
    assert own_cluster.variable_of(pod, "DATABASE_URL") == url_of(database, after)
    assert gateway.preview() == []


def test_no_password_stands_in_the_state_or_the_output(
    gateway: Project, database: OwnDatabase, vault: Vault
) -> None:
    for password in (database.password, password_of(vault)):
        assert password not in gateway.transcript
        assert [path for path, text in gateway.written_files().items() if password.encode() in text] == []
