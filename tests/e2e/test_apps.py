"""Two apps on the real platform, told in order: what comes to each, and what neither gets of the other."""

import json
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hvac.exceptions import Forbidden

from tests.support.cluster import Cluster
from tests.support.gateway import chat
from tests.support.operator import Operator
from tests.support.project import CommandError, Project
from tests.support.vault import Vault
from tests.support.walk import readable, writable

RUN = secrets.token_hex(3)
MOUNT, AUTH = f"apps-{RUN}", f"kubernetes-{RUN}"
SEARCH, SUPPORT, OTHER = f"search-{RUN}", f"support-{RUN}", f"other-{RUN}"
AUDIENCE = "openbao"

DATABASE = {"user": "search", "password": "pass word"}
# What breaks a file that is put together carelessly.
SETTINGS = {
    "api-key": 'it\'s a "quoted" `key` with $HOME and \\ in it',
    "plain": "no quotes, but $HOME, `key` and \\",
    "lines": "one\ntwo\n",
    "number": "007",
    "truth": "yes",
    "empty": "",
    "unicode": "grüße ✓",
}
APPS: list[dict[str, Any]] = [
    {
        "name": SEARCH,
        "secrets": [
            {"name": "single", "properties": {"PASSWORD": {"path": "database", "property": "password"}}},
            {"name": "whole", "extract": ["database", {"path": "settings", "asVariables": True}]},
            {
                "name": "files",
                "extract": ["settings"],
                "files": {
                    ".env": "env",
                    "config.json": "json",
                    "config.yml": "yaml",
                    "own": {"template": 'number = {{ index . "number" }}'},
                },
            },
            {
                "name": "certificate",
                "dynamic": {
                    "path": f"pki-{RUN}/issue/search",
                    "method": "POST",
                    "parameters": {"common_name": "search.example.com"},
                },
                "refreshInterval": "1h",
            },
        ],
        "key": {"models": ["gpt-4o"], "maxBudget": 5},
        "injector": {"secrets": [{"name": "agent", "path": "agent"}]},
        "push": [{"name": "late", "secret": "not-there", "path": "outbox/late", "wait": False}],
    },
    {
        "name": SUPPORT,
        "read": ["tls/*"],
        "secrets": [
            {"name": "single", "properties": {"PASSWORD": {"path": "database", "property": "password"}}}
        ],
        "store": {"kind": "ClusterSecretStore"},
    },
]


@pytest.fixture(scope="module")
def places(vault: Vault) -> Iterator[None]:
    """Make the mount, the auth method and the engine that the apps find, with values of both."""
    client = vault.client
    client.sys.enable_secrets_engine("kv", path=MOUNT, options={"version": "2"})
    client.sys.enable_auth_method("kubernetes", path=AUTH)
    client.write_data(f"auth/{AUTH}/config", data={"kubernetes_host": "https://kubernetes.default.svc"})
    client.sys.enable_secrets_engine("pki", path=f"pki-{RUN}")
    client.write_data(
        f"pki-{RUN}/root/generate/internal", data={"common_name": "the tests' own CA", "key_type": "ec"}
    )
    client.write_data(
        f"pki-{RUN}/roles/search",
        data={"allowed_domains": "example.com", "allow_subdomains": True, "key_type": "ec", "ttl": "1h"},
    )
    for app in (SEARCH, SUPPORT):
        for path, values in (
            ("database", DATABASE),
            ("settings", SETTINGS),
            *((path, {"x": "y"}) for path in ("agent", "outbox/late", "tls/a/b")),
        ):
            client.secrets.kv.v2.create_or_update_secret(f"apps/{app}/{path}", values, mount_point=MOUNT)
    yield
    for mount in (f"mounts/{MOUNT}", f"mounts/pki-{RUN}", f"auth/{AUTH}"):
        client.delete(f"sys/{mount}")


@pytest.fixture(scope="module")
def apps(
    places: None, platform: Mapping[str, str], gateway_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """Deploy the example with the two apps."""
    del places
    configuration = {
        "mount": MOUNT,
        "authMount": AUTH,
        "audience": AUDIENCE,
        "gatewayUrl": gateway_url,
        "apps": APPS,
    }
    project = Project.of_example("apps", tmp_path_factory.mktemp("apps") / "apps", platform, configuration)
    try:
        project.up()
        yield project
    finally:
        project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")


@pytest.fixture(scope="module")
def operator(cluster: Cluster) -> Operator:
    return Operator(cluster)


def token_of(cluster: Cluster, namespace: str, account: str = "", audience: str = AUDIENCE) -> str:
    return cluster.account_token(namespace, account or f"{namespace}-store", audience)


# --- what comes to each ----------------------------------------------------------------------------------


def test_a_second_preview_shows_no_change(apps: Project) -> None:
    assert apps.preview() == []


@pytest.mark.usefixtures("apps")
def test_single_properties_and_whole_paths_arrive(cluster: Cluster) -> None:
    assert cluster.secret("single", SEARCH) == {"PASSWORD": DATABASE["password"]}
    variables = {name.replace("-", "_").upper(): value for name, value in SETTINGS.items()}
    assert cluster.secret("whole", SEARCH) == DATABASE | variables


@pytest.mark.usefixtures("apps")
def test_files_hold_every_value_as_it_is(cluster: Cluster) -> None:
    files = cluster.secret("files", SEARCH)
    assert set(files) == {".env", "config.json", "config.yml", "own"}
    assert json.loads(files["config.json"]) == SETTINGS
    assert yaml.safe_load(files["config.yml"]) == SETTINGS
    assert files["own"] == "number = 007"


@pytest.mark.usefixtures("apps")
def test_a_shell_reads_every_value_from_the_env_file(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(cluster.secret("files", SEARCH)[".env"])
    names = {name.replace("-", "_").upper(): value for name, value in SETTINGS.items()}
    script = "set -a; . ./.env; " + "".join(f'printf "%s\\0" "${name}"; ' for name in names)
    done = subprocess.run(["sh", "-euc", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert dict(zip(names, done.stdout.split("\0"), strict=False)) == names


@pytest.mark.usefixtures("apps")
def test_an_engine_makes_credentials_for_the_app(cluster: Cluster) -> None:
    certificate = cluster.secret("certificate", SEARCH)
    assert certificate["certificate"].startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE KEY" in certificate["private_key"]


def test_the_apps_key_is_in_its_secret_and_answers_for_its_model(
    apps: Project, cluster: Cluster, vault: Vault
) -> None:
    outputs = apps.outputs()["apps"][SEARCH]["key"]
    secret = cluster.secret(outputs["secret"], SEARCH)
    key, url = secret["OPENAI_API_KEY"], secret["OPENAI_BASE_URL"]
    assert vault.read(outputs["vaultPath"])["api-key"] == key
    assert chat(url, key, "gpt-4o") == 200
    assert chat(url, key, "claude-sonnet") == 403


def test_no_key_stands_in_the_state_or_the_output(apps: Project, cluster: Cluster) -> None:
    key = cluster.secret("llm-key", SEARCH)["OPENAI_API_KEY"].encode()
    assert key not in apps.transcript.encode()
    assert [path for path, content in apps.written_files().items() if key in content] == []


LLM_KEY = ("external-secrets.io", "v1", SEARCH, "externalsecrets", "llm-key")


def take_from_store(cluster: Cluster, name: str) -> None:
    """Let somebody change where the ExternalSecret of the app's key looks."""
    cluster.custom.patch_namespaced_custom_object(*LLM_KEY, {"spec": {"secretStoreRef": {"name": name}}})


def declare_key(apps: Project, **changed: Any) -> None:
    apps.configure(lambda config: config["apps:apps"][0]["key"].update(changed))


def test_a_key_of_an_app_ends_when_its_secret_has_the_next_one(apps: Project, cluster: Cluster) -> None:
    before = cluster.secret("llm-key", SEARCH)
    url = before["OPENAI_BASE_URL"]
    declare_key(apps, rotation={"number": 1}, grace="0s", consumer={"timeoutSeconds": 5})
    take_from_store(cluster, "not-there")
    with pytest.raises(CommandError) as caught:
        apps.up()
    said = f"ExternalSecret {SEARCH}/llm-key hasn't followed to the new key within 5 s"
    assert said in caught.value.output
    assert cluster.secret("llm-key", SEARCH) == before
    assert chat(url, before["OPENAI_API_KEY"], "gpt-4o") == 200

    take_from_store(cluster, apps.outputs()["apps"][SEARCH]["store"]["name"])
    apps.up()
    after = cluster.secret("llm-key", SEARCH)
    assert [chat(url, one["OPENAI_API_KEY"], "gpt-4o") for one in (before, after)] == [401, 200]
    assert apps.preview() == []


def test_a_key_of_an_app_that_moves_is_not_waited_for_in_vain(
    apps: Project, cluster: Cluster, vault: Vault
) -> None:
    for path in ("moved", "llm-key"):
        declare_key(apps, path=path)
        assert "follows after the key, and isn't waited for" in apps.up()
        key = vault.read(f"{MOUNT}/apps/{SEARCH}/{path}")["api-key"]
        cluster.wait_for_secret("llm-key", "OPENAI_API_KEY", key, namespace=SEARCH)


# --- what neither gets of the other ----------------------------------------------------------------------


def test_an_apps_store_does_not_read_another_apps_path(apps: Project, operator: Operator) -> None:
    store = apps.outputs()["apps"][SEARCH]["store"]
    operator.external_secret(SEARCH, "stolen", store, f"apps/{SUPPORT}/database")
    said = operator.warning(SEARCH, "stolen", "Code: 403")
    assert f"{MOUNT}/data/apps/{SUPPORT}/database" in said
    assert operator.status(SEARCH, "externalsecrets", "stolen")["status"] == "False"


def test_an_apps_store_does_not_read_its_own_prefix_where_nothing_is_declared(
    apps: Project, operator: Operator
) -> None:
    store = apps.outputs()["apps"][SEARCH]["store"]
    operator.external_secret(SEARCH, "undeclared", store, f"apps/{SEARCH}/tls/a/b")
    assert "permission denied" in operator.warning(SEARCH, "undeclared", "Code: 403")


def test_another_namespace_can_not_use_an_apps_cluster_store(apps: Project, operator: Operator) -> None:
    store = apps.outputs()["apps"][SUPPORT]["store"]
    assert store["kind"] == "ClusterSecretStore"
    operator.external_secret(SEARCH, "borrowed", store, f"apps/{SUPPORT}/database")
    operator.warning(SEARCH, "borrowed", f'not allowed from namespace "{SEARCH}"')


@pytest.mark.usefixtures("apps")
def test_nobody_else_logs_in_to_an_apps_role(cluster: Cluster, vault: Vault) -> None:
    assert vault.log_in(AUTH, SEARCH, token_of(cluster, SEARCH))
    namesake = {"metadata": {"name": f"{SEARCH}-store"}}
    cluster.core.create_namespaced_service_account(SUPPORT, namesake)
    for jwt, reason in (
        (token_of(cluster, SUPPORT), "service account name not authorized"),
        (token_of(cluster, SUPPORT, f"{SEARCH}-store"), "namespace not authorized"),
        (token_of(cluster, SEARCH, audience="https://kubernetes.default.svc"), "audience"),
    ):
        with pytest.raises(Forbidden, match=reason):
            vault.log_in(AUTH, SEARCH, jwt)


OF_ITS_TOKEN = {"auth/token/lookup-self"}
KEEPS_ITS_TOKEN = {"auth/token/renew-self", "auth/token/revoke-self"}


def below(app: str, *paths: str) -> set[str]:
    return {f"{MOUNT}/{part}/apps/{app}/{path}" for part in ("data", "metadata") for path in paths}


@pytest.mark.usefixtures("apps")
@pytest.mark.parametrize(
    ("app", "declared"),
    [
        (SEARCH, below(SEARCH, "agent", "database", "settings", "llm-key")),
        (
            SUPPORT,
            below(SUPPORT, "database", "tls/a/b")
            | {f"{MOUNT}/metadata/apps/{SUPPORT}/tls/", f"{MOUNT}/metadata/apps/{SUPPORT}/tls/a/"},
        ),
    ],
)
def test_a_role_reads_exactly_what_is_declared(
    app: str, declared: set[str], cluster: Cluster, vault: Vault
) -> None:
    holder = vault.as_holder(vault.log_in(AUTH, app, token_of(cluster, app)))
    assert readable(vault.client, holder) == declared | OF_ITS_TOKEN


@pytest.mark.usefixtures("apps")
def test_a_push_writes_its_path_and_nothing_else(cluster: Cluster, vault: Vault) -> None:
    roles: Any = vault.client.list(f"auth/{AUTH}/role")
    (role,) = (name for name in roles["data"]["keys"] if name.startswith(f"{SEARCH}-push-late-"))
    suffix = role.removeprefix(SEARCH)
    pusher, reader = (
        vault.as_holder(vault.log_in(AUTH, f"{SEARCH}{of}", token_of(cluster, SEARCH, f"{SEARCH}-store{of}")))
        for of in (suffix, "")
    )
    assert readable(vault.client, pusher) == below(SEARCH, "outbox/late") | OF_ITS_TOKEN
    assert writable(vault.client, pusher) == below(SEARCH, "outbox/late") | KEEPS_ITS_TOKEN
    assert writable(vault.client, reader) == {f"pki-{RUN}/issue/search"} | KEEPS_ITS_TOKEN


@pytest.mark.usefixtures("apps")
def test_a_role_writes_nothing(cluster: Cluster, vault: Vault) -> None:
    holder = vault.as_holder(vault.log_in(AUTH, SEARCH, token_of(cluster, SEARCH)))
    with pytest.raises(Forbidden):
        holder.secrets.kv.v2.create_or_update_secret(f"apps/{SEARCH}/database", {"a": "b"}, mount_point=MOUNT)


# --- what would harm -------------------------------------------------------------------------------------


def test_a_secret_of_somebody_else_is_refused_before_anything_changes(
    apps: Project, cluster: Cluster, vault: Vault
) -> None:
    body = {"metadata": {"name": "precious"}, "stringData": {"theirs": "kept"}}
    cluster.core.create_namespaced_secret(SEARCH, body)
    taken = {"name": "precious", "extract": ["settings"]}
    policy = vault.data(f"sys/policies/acl/{apps.outputs()['apps'][SEARCH]['policy']}")
    apps.configure(lambda config: config["apps:apps"][0]["secrets"].append(taken))
    apps.configure(lambda config: config["apps:apps"][0].update(read=["tls/*"]))
    with pytest.raises(CommandError) as caught:
        apps.up()
    assert f"Secret {SEARCH}/precious is there already" in caught.value.output
    assert "Traceback" not in caught.value.output
    assert cluster.secret("precious", SEARCH) == {"theirs": "kept"}
    assert vault.data(f"sys/policies/acl/{apps.outputs()['apps'][SEARCH]['policy']}") == policy

    apps.configure(lambda config: config["apps:apps"][0].pop("read"))
    apps.configure(lambda config: config["apps:apps"][0]["secrets"][-1].update(creationPolicy="Merge"))
    apps.up()
    assert cluster.secret("precious", SEARCH) == {"theirs": "kept"} | SETTINGS


# --- what an app gives -----------------------------------------------------------------------------------


def test_a_secret_is_pushed_to_vault_and_taken_back(apps: Project, cluster: Cluster, vault: Vault) -> None:
    body = {"metadata": {"name": "made-here"}, "stringData": {"token": "t1", "id": "i1"}}
    cluster.core.create_namespaced_secret(SEARCH, body)
    pushes: list[dict[str, Any]] = [
        {"name": "all", "secret": "made-here", "path": "outbox/all", "deletionPolicy": "Delete"},
        {
            "name": "one",
            "secret": "made-here",
            "path": "outbox/one",
            "properties": {"token": "value"},
        },
    ]
    apps.configure(lambda config: config["apps:apps"][0].update(push=pushes))
    apps.up()
    assert vault.read(f"{MOUNT}/apps/{SEARCH}/outbox/all") == {"token": "t1", "id": "i1"}
    assert vault.read(f"{MOUNT}/apps/{SEARCH}/outbox/one") == {"value": "t1"}
    assert apps.preview() == []

    pushes[0]["path"] = "outbox/elsewhere"
    apps.configure(lambda config: config["apps:apps"][0].update(push=pushes))
    apps.up()
    assert vault.read(f"{MOUNT}/apps/{SEARCH}/outbox/elsewhere") == {"token": "t1", "id": "i1"}
    assert gone(vault, "outbox/all")

    apps.configure(lambda config: config["apps:apps"][0].pop("push"))
    apps.up()
    assert gone(vault, "outbox/elsewhere")
    assert vault.read(f"{MOUNT}/apps/{SEARCH}/outbox/one") == {"value": "t1"}


def gone(vault: Vault, path: str) -> bool:
    """Tell whether nothing is left at a path, its versions and metadata included."""
    return vault.client.read(f"{MOUNT}/metadata/apps/{SEARCH}/{path}") is None
