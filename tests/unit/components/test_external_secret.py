"""ExternalSecrets, PushSecrets and generators: what is declared for each form, and what is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from components.external_secrets import ExternalSecret, PushSecret, VaultDynamicSecret
from schema import DynamicSettings, ExternalSecretsSettings, PushSettings, SecretSettings
from tests.support.declared import declare_with

STORE = {"kind": "SecretStore", "name": "vault"}
OPERATOR = ExternalSecretsSettings()


def external_secret(**settings: Any) -> Any:
    """Declare one below a prefix and give what the API server gets."""
    recorder = declare_with(
        lambda: ExternalSecret(
            "app",
            secret=SecretSettings.model_validate({"name": "app", **settings}),
            settings=OPERATOR,
            kubernetes_namespace="search",
            store=STORE,
            below="apps/search",
        )
    )
    return recorder.one(":ExternalSecret").inputs


DATABASE = {"properties": {"PASSWORD": {"path": "database", "property": "password"}}}


def test_a_property_is_taken_from_below_the_prefix() -> None:
    spec = external_secret(**DATABASE)["spec"]
    assert spec["data"] == [
        {"secretKey": "PASSWORD", "remoteRef": {"key": "apps/search/database", "property": "password"}}
    ]
    assert spec["secretStoreRef"] == STORE
    assert spec["target"] == {"name": "app", "creationPolicy": "Owner", "deletionPolicy": "Retain"}
    assert "dataFrom" not in spec


def test_every_property_is_taken_without_naming_each() -> None:
    spec = external_secret(extract=["settings"])["spec"]
    assert spec["dataFrom"] == [{"extract": {"key": "apps/search/settings"}}]
    assert "data" not in spec


def test_names_can_be_spelled_as_variables() -> None:
    (source,) = external_secret(extract=[{"path": "settings", "asVariables": True}])["spec"]["dataFrom"]
    assert source["rewrite"] == [
        {"transform": {"template": '{{ regexReplaceAll "[^A-Za-z0-9_]" .value "_" | upper }}'}}
    ]


def test_files_are_made_of_all_values_and_take_their_place() -> None:
    files = {".env": "env", "config.json": "json", "config.yml": "yaml", "url": {"template": "{{ .url }}"}}
    template = external_secret(extract=["settings"], files=files)["spec"]["target"]["template"]
    assert template["mergePolicy"] == "Replace"
    assert set(template["data"]) == set(files)
    assert template["data"]["config.json"] == "{{ . | toPrettyJson }}\n"
    assert template["data"]["config.yml"] == "{{ . | toYaml }}\n"
    assert template["data"]["url"] == "{{ .url }}"


def test_it_is_awaited_unless_its_values_come_later() -> None:
    assert external_secret(**DATABASE)["metadata"]["annotations"] == {"pulumi.com/waitFor": "condition=Ready"}
    assert external_secret(**DATABASE, wait=False)["metadata"]["annotations"] == {}


def test_somebody_elses_secret_is_awaited_until_it_has_been_written() -> None:
    """Without one the operator says Ready, and has done nothing."""
    annotations = external_secret(**DATABASE, creationPolicy="Merge")["metadata"]["annotations"]
    assert annotations["pulumi.com/waitFor"].endswith("=SecretSynced")


def test_dynamic_credentials_are_drawn_from_a_generator() -> None:
    provider = {"server": "https://vault.example.com:8200"}
    secret = SecretSettings.model_validate(
        {"name": "db", "dynamic": {"path": "database/creds/search"}, "refreshInterval": "45m"}
    )

    def program() -> None:
        assert secret.dynamic is not None
        generator = VaultDynamicSecret(
            "db-generator",
            dynamic=secret.dynamic,
            provider=provider,
            kubernetes_namespace="search",
            object_name="db",
        )
        ExternalSecret(
            "db",
            secret=secret,
            settings=OPERATOR,
            kubernetes_namespace="search",
            store=STORE,
            generator=generator,
        )

    recorder = declare_with(program)
    spec = recorder.one(":ExternalSecret").inputs["spec"]
    assert spec["dataFrom"] == [
        {
            "sourceRef": {
                "generatorRef": {
                    "apiVersion": "generators.external-secrets.io/v1alpha1",
                    "kind": "VaultDynamicSecret",
                    "name": "db",
                }
            }
        }
    ]
    assert spec["refreshInterval"] == "45m"
    generator = recorder.one(":VaultDynamicSecret").inputs["spec"]
    assert generator == {"path": "database/creds/search", "method": "GET", "provider": provider}


def push(**settings: Any) -> Any:
    recorder = declare_with(
        lambda: PushSecret(
            "token",
            push=PushSettings.model_validate({"name": "token", "secret": "made-here", **settings}),
            settings=OPERATOR,
            kubernetes_namespace="search",
            store=STORE,
            below="apps/search",
        )
    )
    return recorder.one(":PushSecret").inputs["spec"]


def test_a_whole_secret_is_pushed() -> None:
    spec = push(path="outbox/token")
    assert spec["selector"] == {"secret": {"name": "made-here"}}
    assert spec["secretStoreRefs"] == [STORE]
    assert spec["data"] == [{"match": {"remoteRef": {"remoteKey": "apps/search/outbox/token"}}}]
    assert (spec["updatePolicy"], spec["deletionPolicy"]) == ("Replace", "None")


def test_a_key_of_a_secret_is_pushed_to_a_property() -> None:
    spec = push(path="outbox/token", properties={"token": "value"}, deletionPolicy="Delete")
    assert spec["data"] == [
        {
            "match": {
                "secretKey": "token",
                "remoteRef": {"remoteKey": "apps/search/outbox/token", "property": "value"},
            }
        }
    ]
    assert spec["deletionPolicy"] == "Delete"


# --- mistakes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, "is empty: expected properties, extract or dynamic"),
        ({"extract": ["../support/database"]}, "expected a path that doesn't climb"),
        ({"extract": ["a/./b"]}, "expected a path that doesn't climb"),
        ({"extract": ["/support/database"]}, "without a '/' at its ends"),
        ({"extract": ["settings/*"]}, "expected the path of one secret, without a wildcard"),
        ({"extract": ["+/database"]}, "expected the path of one secret, without a wildcard"),
        ({"extract": ["data/settings"]}, "leave out data/, which KV v2 adds by itself"),
        ({"extract": ["metadata/settings"]}, "leave out metadata/, which KV v2 adds by itself"),
        ({"extract": ['a" { capabilities = ["read"] } path "']}, "expected a path of letters, digits"),
        ({"extract": ["a"], "files": {"x": {}}}, "expected exactly one of format and template"),
        ({"extract": ["a"], "files": {"x": "toml"}}, "Input should be 'env', 'json' or 'yaml'"),
        ({"extract": ["a"], "files": {"etc/x": "env"}}, "expected a key that a Secret takes"),
        (
            {"extract": ["a"], "creationPolicy": "Merge", "deletionPolicy": "Delete"},
            "creationPolicy Merge with deletionPolicy Delete would delete a Secret that somebody else made",
        ),
        (
            {"extract": ["a"], "creationPolicy": "Orphan", "deletionPolicy": "Delete"},
            "creationPolicy Orphan with deletionPolicy Delete would have the operator delete",
        ),
        ({"extract": ["a"], "creationPolicy": "None"}, "Input should be 'Owner', 'Orphan' or 'Merge'"),
        ({"dynamic": {"path": "database/creds/search"}}, "dynamic needs a refreshInterval of its own"),
    ],
)
def test_a_secret_that_would_fail_or_harm_is_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SecretSettings.model_validate({"name": "app", **settings})
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"path": "database/config/search"}, "expected one of MOUNT/creds/ROLE"),
        ({"path": "creds/search"}, "expected one of MOUNT/creds/ROLE"),
        ({"path": "database/creds/*"}, "expected a Vault path"),
        ({"path": "secret/data/creds/search"}, "expected the role of an engine, not a value in KV"),
        ({"path": "a/../creds/search"}, "expected the role of an engine"),
        ({"path": "pki/issue/search"}, "with GET expected one of MOUNT/creds/ROLE"),
        ({"path": "a/creds/b", "parameters": {"ttl": "1h"}}, "parameters are only sent with method: POST"),
    ],
)
def test_credentials_come_from_a_role_of_an_engine_alone(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        DynamicSettings.model_validate(settings)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"path": "data/a"}, "leave out data/"),
        ({"path": "../other"}, "expected a path that doesn't climb"),
    ],
)
def test_a_push_to_elsewhere_is_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        PushSettings.model_validate({"name": "token", "secret": "made-here", **settings})
    assert sentence in str(caught.value)
