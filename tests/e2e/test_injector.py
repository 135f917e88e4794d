"""Two apps whose Pods the real agent injector changes: what its agents write, and for whom nothing."""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from hvac.exceptions import Forbidden
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from local.instance import Instance
from tests.conftest import INSTANCE
from tests.support.cluster import Cluster
from tests.support.injector import APP_USER, InjectedApp, running_injector
from tests.support.postgres import OwnDatabase, Postgres, own_database
from tests.support.project import Project
from tests.support.vault import Vault

RUN = secrets.token_hex(3)
MOUNT, AUTH, ENGINE = f"apps-{RUN}", f"kubernetes-{RUN}", f"database-{RUN}"
SEARCH, SUPPORT = f"search-{RUN}", f"support-{RUN}"

DATABASE = {"user": "search", "password": 'pass "word": $HOME'}
SETTINGS = {"api-key": "grüße ✓", "lines": "one\ntwo\n", "empty": ""}
URL = (
    f'{{{{ with secret "{MOUNT}/data/apps/{SEARCH}/database" }}}}'
    "postgresql://{{ .Data.data.user }}:{{ .Data.data.password | urlquery }}@db{{ end }}"
)
GROUP = 20001
"""Group of the Pod of the app that leaves the agent's user to the injector."""
APPS: list[dict[str, Any]] = [
    {
        "name": SEARCH,
        "injector": {
            "secrets": [
                {"name": "database", "path": "database"},
                {"name": "url", "path": "database", "template": URL, "file": "config/url", "perms": "0440"},
                {"name": "reader", "dynamic": {"path": f"{ENGINE}/creds/reader"}},
            ],
            "renderInterval": "2s",
        },
    },
    {
        "name": SUPPORT,
        "injector": {
            "secrets": [
                {
                    "name": "settings",
                    "path": "settings",
                    "perms": "0400",
                    "command": "cp /run/agent/settings /run/agent/copied",
                }
            ],
            "volumePath": "/run/agent",
            "containers": ["web"],
            "defaultTemplate": "json",
            "injectToken": True,
            "cache": {"listenerPort": 8300},
            "runAsUser": APP_USER,
            "runAsGroup": APP_USER,
            "resources": {"requestsCpu": "10m", "requestsMem": "32Mi"},
            "logFormat": "json",
            "revokeOnShutdown": True,
            "revokeGraceSeconds": 1,
        },
    },
]


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Iterator[OwnDatabase]:
    with own_database(Postgres(cluster)) as own:
        yield own


@pytest.fixture(scope="module")
def places(vault: Vault, database: OwnDatabase) -> Iterator[None]:
    """Make the mount, the auth method and the engine that the apps find, with values of both."""
    client = vault.client
    client.sys.enable_secrets_engine("kv", path=MOUNT, options={"version": "2"})
    client.sys.enable_auth_method("kubernetes", path=AUTH)
    client.write_data(f"auth/{AUTH}/config", data={"kubernetes_host": "https://kubernetes.default.svc"})
    client.sys.enable_secrets_engine("database", path=ENGINE)
    connection = {
        "plugin_name": "postgresql-database-plugin",
        "connection_url": database.connection_url,
        "username": database.root,
        "password": database.password,
        "allowed_roles": "reader",
    }
    client.write_data(f"{ENGINE}/config/orders", data=connection)
    role = {
        "db_name": "orders",
        "creation_statements": database.creation_statements,
        "revocation_statements": database.revocation_statements,
        "default_ttl": "10m",
    }
    client.write_data(f"{ENGINE}/roles/reader", data=role)
    for path, values in ((f"{SEARCH}/database", DATABASE), (f"{SUPPORT}/settings", SETTINGS)):
        client.secrets.kv.v2.create_or_update_secret(f"apps/{path}", values, mount_point=MOUNT)
    yield
    for mount in (f"mounts/{MOUNT}", f"mounts/{ENGINE}", f"auth/{AUTH}"):
        client.delete(f"sys/{mount}")


@pytest.fixture(scope="module")
def outputs(
    places: None, platform: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """Deploy the example with the two apps, and give what it says of them."""
    del places
    configuration = {
        "mount": MOUNT,
        "authMount": AUTH,
        # No app has a key.
        "gatewayUrl": "https://gateway.invalid",
        "apps": APPS,
    }
    project = Project.of_example("apps", tmp_path_factory.mktemp("apps") / "apps", platform, configuration)
    try:
        project.up()
        yield project.outputs()["apps"]
    finally:
        project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")


@pytest.fixture(scope="module")
def injector(outputs: dict[str, Any], cluster: Cluster) -> Iterator[dict[str, Any]]:
    """Run the webhook, and give what the apps take over."""
    with running_injector(Instance.named(INSTANCE), cluster, f"injector-{RUN}", (SEARCH, SUPPORT)):
        yield {name: app["injector"] for name, app in outputs.items()}


@pytest.fixture(scope="module")
def started(injector: dict[str, Any], cluster: Cluster) -> Iterator[dict[str, InjectedApp]]:
    """Start both at once: the one whose files belong to a group, and the one whose user is the agent's."""
    of_a_group = {
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": APP_USER,
            "runAsGroup": APP_USER,
            "fsGroup": GROUP,
        },
    }
    with ExitStack() as stack:
        apps = {}
        for name, pod in ((SEARCH, of_a_group), (SUPPORT, {})):
            apps[name] = InjectedApp(cluster, name, "web", injector[name], **pod)
            stack.callback(apps[name].delete)
        yield apps


@pytest.fixture(scope="module")
def search(started: dict[str, InjectedApp]) -> InjectedApp:
    started[SEARCH].ready_pod()
    return started[SEARCH]


@pytest.fixture(scope="module")
def support(started: dict[str, InjectedApp]) -> InjectedApp:
    started[SUPPORT].ready_pod()
    return started[SUPPORT]


def lines(text: str) -> dict[str, str]:
    """Read what the default template writes."""
    pairs = (line.partition(": ") for line in text.splitlines())
    return {name: value for name, _, value in pairs}


def until(expected: object, look: Callable[[], object]) -> None:
    """Look until something is as expected; fails by running out of time."""
    Retrying(
        retry=retry_if_result(lambda found: found != expected),
        stop=stop_after_delay(60),
        wait=wait_fixed(0.3),
    )(look)


# --- what comes to each ----------------------------------------------------------------------------------


def test_an_agent_runs_before_the_app_and_beside_it(search: InjectedApp) -> None:
    pod = search.pod()
    assert pod.metadata.annotations["vault.hashicorp.com/agent-inject-status"] == "injected"
    assert [container.name for container in pod.spec.init_containers] == ["vault-agent-init"]
    assert [container.name for container in pod.spec.containers] == ["web", "vault-agent"]


def test_a_file_without_a_template_holds_the_properties(search: InjectedApp) -> None:
    assert lines(search.file("/vault/secrets/database")) == DATABASE


def test_a_file_with_a_template_holds_what_it_says_and_is_the_groups(search: InjectedApp) -> None:
    assert search.file("/vault/secrets/config/url") == "postgresql://search:pass+%22word%22%3A+%24HOME@db"
    assert search.run("stat", "-c", "%a %g", "/vault/secrets/config/url") == (0, f"440 {GROUP}\n")


def test_the_engines_credentials_log_in(search: InjectedApp, database: OwnDatabase) -> None:
    reader = lines(search.file("/vault/secrets/reader"))
    assert database.postgres.lets_in(reader["username"], reader["password"], database.name)


def test_a_changed_value_is_written_anew(search: InjectedApp, vault: Vault) -> None:
    vault.change(f"{MOUNT}/apps/{SEARCH}/database", password="another")
    until("another", lambda: lines(search.file("/vault/secrets/database"))["password"])
    until("postgresql://search:another@db", lambda: search.file("/vault/secrets/config/url"))


def test_a_json_file_is_the_users_own(support: InjectedApp) -> None:
    assert json.loads(support.file("/run/agent/settings")) == SETTINGS
    assert support.run("stat", "-c", "%a %u", "/run/agent/settings") == (0, f"400 {APP_USER}\n")


def test_a_command_runs_after_the_rendering(support: InjectedApp) -> None:
    assert json.loads(support.file("/run/agent/copied")) == SETTINGS


def test_the_agent_answers_for_an_app_without_a_token(support: InjectedApp) -> None:
    path = f"{MOUNT}/data/apps/{SUPPORT}/settings"
    code, said = support.run("env", "BAO_ADDR=http://127.0.0.1:8300", "bao", "read", "-format=json", path)
    assert code == 0, said
    assert json.loads(said)["data"]["data"] == SETTINGS


# --- what neither gets of the other ----------------------------------------------------------------------


def refused(app: InjectedApp, reason: str) -> None:
    """Wait until Vault has refused its agent, and see that the app waits without a file."""
    until(True, lambda: reason in app.log())
    [status] = app.pod().status.init_container_statuses
    assert status.state.running
    assert app.run("ls", "-A", "/vault/secrets", container="vault-agent-init") == (0, "")
    [web] = (each for each in app.pod().status.container_statuses if each.name == "web")
    assert web.state.waiting.reason == "PodInitializing"


def test_another_apps_account_gets_nothing_by_the_apps_annotations(
    injector: dict[str, Any], cluster: Cluster
) -> None:
    ca = "vault.hashicorp.com/tls-secret"
    own, theirs = injector[SUPPORT], injector[SEARCH]
    annotations = theirs["annotations"] | {ca: own["annotations"][ca]}
    with ExitStack() as stack:
        thief = InjectedApp(cluster, SUPPORT, "thief", own | {"annotations": annotations})
        stack.callback(thief.delete)
        refused(thief, "not authorized")


def test_another_account_of_the_apps_namespace_gets_nothing(
    injector: dict[str, Any], cluster: Cluster
) -> None:
    with ExitStack() as stack:
        thief = InjectedApp(cluster, SEARCH, "thief", injector[SEARCH] | {"serviceAccountName": "default"})
        stack.callback(thief.delete)
        refused(thief, "service account name not authorized")


# --- the end ---------------------------------------------------------------------------------------------


def test_the_agents_token_ends_with_the_pod(
    support: InjectedApp, outputs: dict[str, Any], cluster: Cluster, vault: Vault
) -> None:
    holder = vault.as_holder(support.file("/run/agent/token"))
    assert outputs[SUPPORT]["policy"] in holder.auth.token.lookup_self()["data"]["policies"]
    cluster.apps.patch_namespaced_deployment_scale("web", SUPPORT, {"spec": {"replicas": 0}})

    def ended() -> bool:
        try:
            holder.auth.token.lookup_self()
        except Forbidden:
            return True
        return False

    until(True, ended)
