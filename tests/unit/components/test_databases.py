"""The database engine, and LiteLLM on credentials of it, as the program declares them."""

from typing import Any

import pytest

from tests.support.declared import Document, Recorder, declare

MAKE = "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}'"
CONNECTION: Document = {
    "name": "main",
    "connectionUrl": "postgresql://{{username}}:{{password}}@db:5432/litellm",
    "username": "vault",
    "password": {"env": "ROOT_PASSWORD"},
    "options": {"maxOpenConnections": 3},
    "roles": [{"name": "short", "creationStatements": [MAKE], "defaultTtl": "1h30m"}],
    "staticRoles": [{"name": "litellm", "username": "litellm", "rotationPeriod": "24h"}],
}
PLACE = {"host": "db.example.com", "name": "litellm", "parameters": {"sslmode": "require"}}


@pytest.fixture
def on_static(config: Document) -> Recorder:
    return declare(with_credentials(config, staticRole="litellm"))


def with_credentials(config: Document, **credentials: str) -> Document:
    config["databases"] = {"connections": [CONNECTION]}
    config["database"] = {"credentials": PLACE | credentials}
    return config


def test_without_connections_there_is_no_engine(config: Document) -> None:
    recorder = declare(config)
    assert recorder.of_type("vault:DatabaseConnection") == []
    assert [mount.inputs["type"] for mount in recorder.of_type("mount:Mount")] == ["kv"]


def test_the_root_password_is_a_reference(on_static: Recorder) -> None:
    inputs = on_static.one("vault:DatabaseConnection", "databases-main").inputs
    assert inputs["password"] == {"env": "ROOT_PASSWORD"}
    assert (inputs["mount"], inputs["name"], inputs["username"]) == ("database", "main", "vault")
    assert (inputs["roles"], inputs["static_roles"]) == (["short"], ["litellm"])
    assert inputs["options"] == {"max_open_connections": 3}
    assert inputs["retain_on_delete"] is True
    assert inputs["rotate_root"] is True


def test_roles_are_in_seconds_and_of_their_connection(on_static: Recorder) -> None:
    role = on_static.one("SecretBackendRole", "databases-role-short").inputs
    assert (role["dbName"], role["defaultTtl"], role["maxTtl"]) == ("main", 5400, 86400)
    assert role["creationStatements"] == [MAKE]
    static = on_static.one("SecretBackendStaticRole", "databases-static-role-litellm").inputs
    assert (static["dbName"], static["username"], static["rotationPeriod"]) == ("main", "litellm", 86400)


def test_an_engine_of_somebody_else_is_only_named(config: Document) -> None:
    config = with_credentials(config, staticRole="litellm")
    config["databases"] |= {"createMount": False, "mount": "theirs"}
    recorder = declare(config)
    assert [mount.inputs["type"] for mount in recorder.of_type("mount:Mount")] == ["kv"]
    assert recorder.one("vault:DatabaseConnection").inputs["mount"] == "theirs"


# --- LiteLLM on it ---------------------------------------------------------------------------------------


def spec(recorder: Recorder, kind: str, name: str | None = None) -> Any:
    return recorder.one(kind, name).inputs["spec"]


def test_the_url_is_made_of_the_credentials_by_the_operator(on_static: Recorder) -> None:
    generator = spec(on_static, ":VaultDynamicSecret")
    assert generator["path"] == "database/static-creds/litellm"
    external = spec(on_static, ":ExternalSecret", "litellm-database-external-secret")
    assert external["dataFrom"][0]["sourceRef"]["generatorRef"]["name"] == "litellm-database"
    assert external["target"]["template"]["data"] == {
        "DATABASE_URL": 'postgresql://{{ .username | urlquery | replace "+" "%20" }}:'
        '{{ .password | urlquery | replace "+" "%20" }}@db.example.com:5432/litellm?sslmode=require'
    }
    assert external["refreshInterval"] == "15s"


def test_the_store_may_read_these_credentials_and_no_others(on_static: Recorder) -> None:
    policy = on_static.one("policy:Policy").inputs["policy"]
    assert [line for line in policy.splitlines() if line.startswith("path") and "auth/token" not in line] == [
        'path "litellm/data/api-keys" {',
        'path "database/static-creds/litellm" {',
    ]


def test_no_url_is_kept_in_vault(on_static: Recorder) -> None:
    assert [each.name for each in on_static.of_type("vault:KvSecret")] == ["secrets-api-keys"]
    data = spec(on_static, ":ExternalSecret", "litellm-env-external-secret")["data"]
    assert "DATABASE_URL" not in [item["secretKey"] for item in data]


def test_pods_and_migration_take_the_url_from_its_secret(on_static: Recorder) -> None:
    pod = spec(on_static, ":Deployment")["template"]["spec"]["containers"][0]
    assert [source["secretRef"]["name"] for source in pod["envFrom"]] == ["litellm-env", "litellm-database"]
    migration = spec(on_static, ":Job")["template"]
    [url] = [each for each in migration["spec"]["containers"][0]["env"] if each["name"] == "DATABASE_URL"]
    assert url["valueFrom"]["secretKeyRef"] == {"name": "litellm-database", "key": "DATABASE_URL"}
    assert migration["metadata"]["annotations"] == {
        "llm-gateway/database-version": "db.example.com:5432/litellm"
    }


def test_a_rotation_rolls_the_pods_out_and_syncs_the_secret(on_static: Recorder) -> None:
    rotation = "static-creds/litellm=2026-01-02T03:04:05Z"
    deployment = on_static.one(":Deployment").inputs
    annotations = deployment["spec"]["template"]["metadata"]["annotations"]
    assert annotations["llm-gateway/vault-versions"] == f"api-keys=3,{rotation}"
    secret = on_static.one(":ExternalSecret", "litellm-database-external-secret").inputs
    assert secret["metadata"]["annotations"]["llm-gateway/vault-versions"] == rotation
    assert (
        deployment["metadata"]["annotations"]["secret.reloader.stakater.com/reload"]
        == "litellm-env,litellm-database"
    )


def test_a_role_that_makes_users_is_drawn_at_its_own_interval(config: Document) -> None:
    recorder = declare(with_credentials(config, role="short", refreshInterval="5m"))
    assert spec(recorder, ":VaultDynamicSecret")["path"] == "database/creds/short"
    secret = spec(recorder, ":ExternalSecret", "litellm-database-external-secret")
    assert secret["refreshInterval"] == "5m"
    assert recorder.of_type("vault:StaticRoleRotation") == []


def test_an_app_draws_what_it_names_and_nothing_else(config: Document) -> None:
    secret = {"name": "db", "dynamic": {"path": "database/creds/short"}, "refreshInterval": "5m"}
    config["databases"] = {"connections": [CONNECTION]}
    config["apps"] = [{"name": "search", "secrets": [secret]}]
    policy = declare(config).one("policy:Policy", "search-policy").inputs["policy"]
    assert policy.startswith('path "database/creds/short" {\n  capabilities = ["read"]\n}\n')
    assert policy.count("database/") == 1
