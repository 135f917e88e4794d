"""A database that Vault would refuse, or that would lock somebody out, is refused by one sentence."""

from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

from schema import SettingsError
from settings import load
from tests.support.declared import Document, configure, dev_config


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LITELLM_DATABASE_URL", "postgresql://x")
    yield
    pulumi.runtime.set_all_config({}, [])


URL = "postgresql://{{username}}:{{password}}@db:5432/shop"
MAKE = "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"
ROLE = {"name": "orders", "creationStatements": [MAKE]}
STATIC = {"name": "litellm", "username": "litellm", "rotationPeriod": "24h"}


def connection(**other: Any) -> Document:
    shop = {
        "name": "shop",
        "connectionUrl": URL,
        "username": "vault",
        "password": {"env": "SHOP_PASSWORD"},
        "roles": [ROLE],
        "staticRoles": [STATIC],
    }
    return {name: value for name, value in (shop | other).items() if value is not None}


def role(**other: Any) -> Document:
    return connection(roles=[{**ROLE, **other}])


def static(**other: Any) -> Document:
    declared = {**STATIC, **other}
    return connection(staticRoles=[{name: value for name, value in declared.items() if value is not None}])


def problems(document: Document) -> tuple[str, ...]:
    configure(document)
    with pytest.raises(SettingsError) as caught:
        load()
    return caught.value.sentences


def problems_of(*connections: Document, **sections: Any) -> tuple[str, ...]:
    return problems({**dev_config(), **sections, "databases": {"connections": list(connections)}})


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (role(creationStatements=[]), "roles[0].creationStatements: List should have at least 1 item"),
        (
            role(creationStatements=["CREATE ROLE x PASSWORD '{{password}}'"]),
            "roles[0].creationStatements: expected {{name}} in them",
        ),
        (
            role(creationStatements=['CREATE ROLE "{{name}}"']),
            "roles[0].creationStatements: expected {{password}} in them",
        ),
        (
            role(revocationStatements=["DROP ROLE x"]),
            "roles[0].revocationStatements: expected {{name}} in them",
        ),
        (role(defaultTtl="2h", maxTtl="1h"), "roles[0]: defaultTtl, 2h, is more than maxTtl, 1h"),
        (role(defaultTtl="500ms"), 'roles[0].defaultTtl: "500ms": expected whole seconds'),
        (role(defaultTtl="1d"), 'roles[0].defaultTtl: "1d": expected a duration such as'),
        (role(name="or/ders"), 'roles[0].name: "or/ders": expected a name that Vault takes'),
        (static(username=None), "staticRoles[0].username: is missing"),
        (static(rotationPeriod=None), "staticRoles[0].rotationPeriod: is missing"),
        (static(rotationPeriod="1s"), "staticRoles[0]: rotationPeriod is 1s: Vault rotates every 5s at most"),
        (
            static(rotationStatements=['ALTER USER "{{name}}"']),
            "staticRoles[0].rotationStatements: expected {{password}} in them",
        ),
        (static(username="vault"), "the static role litellm is of 'vault', as whom Vault itself logs in"),
        (connection(password={}), "password: expected exactly one of env, file, vault or manual: true, got"),
        (connection(password={"value": "hunter2"}), "password.value: is not a known key"),
        (connection(username=None), "username: is missing"),
        (connection(plugin="oracle"), "plugin: \"oracle\": expected 'postgresql' or 'mysql'"),
        (connection(verifyConnection=False), "verifyConnection: false with rotateRoot: true: a rotation"),
        (connection(passwordVersion=0), "passwordVersion: 0: "),
        (connection(options={"maxConnections": 4}), "options.maxConnections: is not a known key"),
        (
            connection(rootRotationStatements=["ALTER USER vault"]),
            "rootRotationStatements: expected {{name}} in them",
        ),
    ],
)
def test_a_wrong_connection_is_named(wrong: Document, sentence: str) -> None:
    [problem] = problems_of(wrong)
    assert problem.startswith("llm-gateway:databases.connections[0]")
    assert sentence in problem


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://vault:hunter2@db:5432/shop",
        "postgresql://{{username}}:hunter2@db:5432/shop",
        "postgresql://{{ username }}:{{ password }}@db:5432/hunter2",
        "postgresql://db:5432/shop?user=vault&password=hunter2",
        "postgresql://{{username}}:{{password}}@db:5432/shop?password=hunter2",
        "vault:hunter2@tcp(db:3306)/",
    ],
)
def test_a_password_in_the_url_is_refused_and_not_repeated(url: str) -> None:
    [problem] = problems_of(connection(connectionUrl=url))
    assert problem.startswith(
        "llm-gateway:databases.connections[0].connectionUrl: expected {{username}}:{{password}}@"
    )
    assert "hunter2" not in problem


def test_a_password_in_the_place_of_its_source_is_refused_and_not_repeated() -> None:
    [problem] = problems_of(connection(password="hunter2"))
    assert problem.startswith("llm-gateway:databases.connections[0].password: ")
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    ("connections", "sentence"),
    [
        (
            [connection(), connection(username="other", roles=[], staticRoles=[])],
            "databases.connections[1].name: 'shop' is the name of databases.connections[0] too",
        ),
        (
            [connection(roles=[ROLE, ROLE])],
            (
                "databases.connections[0].roles[1].name: 'orders' is the name of "
                "databases.connections[0].roles[0] too"
            ),
        ),
        (
            [connection(staticRoles=[{**STATIC, "name": "orders"}])],
            (
                "databases.connections[0].staticRoles[0].name: 'orders' is the name of "
                "databases.connections[0].roles[0] too"
            ),
        ),
        (
            [connection(staticRoles=[STATIC, {**STATIC, "name": "again"}])],
            (
                "databases.connections[0].staticRoles[1].username: 'litellm' is the user of "
                "databases.connections[0].staticRoles[0] too"
            ),
        ),
        (
            [connection(), connection(name="again", roles=[], staticRoles=[])],
            "databases.connections[1].username: 'vault' is the user of connections[0] in the same database",
        ),
    ],
)
def test_what_two_would_share_is_refused(connections: list[Document], sentence: str) -> None:
    [problem] = problems_of(*connections)
    assert problem.startswith(f"llm-gateway:{sentence}")


def test_the_same_user_twice_is_fine_where_nobody_changes_its_password() -> None:
    both = [connection(name=name, rotateRoot=False, roles=[], staticRoles=[]) for name in ("first", "second")]
    configure({**dev_config(), "databases": {"connections": both}})
    assert [each.name for each in load().databases.connections] == ["first", "second"]


@pytest.mark.parametrize(
    ("mount", "holder"), [("litellm", "vault.mount"), ("shared", "apps[0].mount, llm-gateway:apps[1].mount")]
)
def test_an_engine_in_the_place_of_secrets_is_refused(mount: str, holder: str) -> None:
    apps = [{"name": name, "mount": "shared"} for name in ("search", "support")]
    document = dev_config() | {"databases": {"mount": mount, "connections": [connection()]}, "apps": apps}
    (said,) = problems(document)
    assert said == (
        f"llm-gateway:databases.mount: {mount!r} is the KV v2 mount of llm-gateway:{holder} too; "
        "an engine needs its own"
    )


# --- who uses it -----------------------------------------------------------------------------------------

HERE = {"host": "db", "name": "litellm"}


@pytest.mark.parametrize(
    ("credentials", "sentence"),
    [
        ({}, "credentials: expected exactly one of staticRole and role"),
        ({"staticRole": "litellm", "role": "orders"}, "credentials: expected exactly one of staticRole and"),
        ({"role": "orders"}, "credentials: role needs a refreshInterval"),
        (
            {"staticRole": "litelm"},
            (
                "credentials.staticRole: database/static-creds/litelm is no role of llm-gateway:databases "
                "(database/creds/orders, database/static-creds/litellm); "
                "did you mean 'database/static-creds/litellm'?"
            ),
        ),
        ({"staticRole": "orders"}, "credentials.staticRole: database/static-creds/orders is no role"),
        (
            {"role": "orders", "refreshInterval": "40m"},
            "credentials.refreshInterval: 40m is more than half of 600s, the life of the credentials",
        ),
        ({"staticRole": "litellm", "host": "u:p@db"}, 'credentials.host: "u:p@db": '),
    ],
)
def test_wrong_credentials_of_the_gateway_are_named(credentials: Document, sentence: str) -> None:
    [problem] = problems_of(connection(), database={"credentials": {**HERE, **credentials}})
    assert problem.startswith(f"llm-gateway:database.{sentence}")


def test_the_gateway_is_not_given_credentials_of_mysql() -> None:
    mysql = connection(plugin="mysql", connectionUrl="{{username}}:{{password}}@tcp(db:3306)/")
    [problem] = problems_of(mysql, database={"credentials": {**HERE, "staticRole": "litellm"}})
    assert problem == (
        "llm-gateway:database.credentials.staticRole: 'litellm' is of a mysql database; "
        "LiteLLM needs PostgreSQL"
    )


def test_a_url_and_credentials_do_not_go_together() -> None:
    both = {"url": {"env": "LITELLM_DATABASE_URL"}, "credentials": {**HERE, "staticRole": "litellm"}}
    for database in (both, {}):
        [problem] = problems_of(connection(), database=database)
        assert problem == "llm-gateway:database: expected exactly one of url and credentials"


def drawing(path: str, refresh_interval: str) -> list[Document]:
    secret = {"name": "db", "dynamic": {"path": path}, "refreshInterval": refresh_interval}
    return [{"name": "search", "secrets": [secret]}]


@pytest.mark.parametrize(
    ("path", "refresh_interval", "sentence"),
    [
        ("database/creds/order", "5m", "dynamic.path: database/creds/order is no role of llm-gateway"),
        ("database/creds/litellm", "5m", "dynamic.path: database/creds/litellm is no role of llm-gateway"),
        (
            "database/creds/orders",
            "10m",
            (
                "refreshInterval: 10m is not shorter than 600s, the life of the credentials: the shorter of "
                "the role's defaultTtl and the tokenTtlSeconds of the store, whose token they end with"
            ),
        ),
    ],
)
def test_what_an_app_could_not_draw_is_refused(path: str, refresh_interval: str, sentence: str) -> None:
    [problem] = problems_of(connection(), apps=drawing(path, refresh_interval))
    assert problem.startswith(f"llm-gateway:apps[0].secrets[0].{sentence}")


@pytest.mark.parametrize(
    "path", ["database/creds/orders", "database/static-creds/litellm", "elsewhere/creds/unknown"]
)
def test_what_an_app_can_draw_is_taken(path: str) -> None:
    configure({**dev_config(), "databases": {"connections": [connection()]}, "apps": drawing(path, "9m")})
    assert load().apps[0].name == "search"
