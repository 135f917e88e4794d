"""The annotations of the agent injector, beside those that its documentation lists."""

from typing import Any

import pytest

from components.vault.agent_injector import injector_annotations
from schema import AppAuthSettings, InjectorSettings, SettingsError, VaultSettings
from settings import load
from tests.support.annotations import WRITTEN
from tests.support.declared import Document, configure, declare

"""https://developer.hashicorp.com/vault/docs/platform/k8s/injector/annotations; a name follows each '-'."""

STATIC = {"name": "db", "path": "database"}
TEMPLATE = '{{ with secret "litellm/data/apps/search/database" }}{{ .Data.data.password }}{{ end }}'
EVERYTHING: Document = {
    "secrets": [
        {
            "name": "db",
            "path": "database",
            "template": TEMPLATE,
            "file": "db/password",
            "perms": "0440",
            "command": "kill -HUP 1",
            "volumePath": "/etc/search",
            "errorOnMissingKey": True,
        },
        {"name": "pg", "dynamic": {"path": "database/creds/search"}},
    ],
    "volumePath": "/run/secrets",
    "containers": ["web", "jobs"],
    "defaultTemplate": "json",
    "renderInterval": "30s",
    "injectToken": True,
    "initFirst": True,
    "cache": {"useAutoAuthToken": "force", "listenerPort": 8300, "exitOnErr": True},
    "resources": {
        "limitsCpu": "250m",
        "limitsMem": "64Mi",
        "limitsEphemeral": "1Gi",
        "requestsCpu": "50m",
        "requestsMem": "32Mi",
        "requestsEphemeral": "16Mi",
    },
    "runAsUser": 10001,
    "runAsGroup": 0,
    "logLevel": "debug",
    "logFormat": "json",
    "revokeOnShutdown": True,
    "revokeGraceSeconds": 7,
}


def written(document: Document) -> dict[str, str]:
    return injector_annotations(
        InjectorSettings.model_validate(document),
        auth=AppAuthSettings(mount="kubernetes/east", audience="vault-east"),
        role="search",
        vault=VaultSettings(internal_address="https://vault.example.com:8200", namespace="team"),
        mount="litellm",
        prefix="apps/search",
        ca_secret="search-agent-ca",
    )


def test_every_setting_is_spelled_as_documented() -> None:
    names = {
        "agent-inject": "true",
        "service": "https://vault.example.com:8200",
        "namespace": "team",
        "auth-path": "auth/kubernetes/east",
        "role": "search",
        "agent-service-account-token-volume-name": "vault-token",
        "tls-secret": "search-agent-ca",
        "ca-cert": "/vault/tls/ca.crt",
        "agent-inject-secret-db": "litellm/data/apps/search/database",
        "agent-inject-template-db": TEMPLATE,
        "agent-inject-file-db": "db/password",
        "agent-inject-perms-db": "0440",
        "agent-inject-command-db": "kill -HUP 1",
        "secret-volume-path-db": "/etc/search",
        "error-on-missing-key-db": "true",
        "agent-inject-secret-pg": "database/creds/search",
        "secret-volume-path": "/run/secrets",
        "agent-inject-containers": "web,jobs",
        "agent-inject-default-template": "json",
        "template-static-secret-render-interval": "30s",
        "agent-inject-token": "true",
        "agent-init-first": "true",
        "agent-cache-enable": "true",
        "agent-cache-use-auto-auth-token": "force",
        "agent-cache-listener-port": "8300",
        "agent-cache-exit-on-err": "true",
        "agent-limits-cpu": "250m",
        "agent-limits-mem": "64Mi",
        "agent-requests-cpu": "50m",
        "agent-requests-mem": "32Mi",
        "agent-limits-ephemeral": "1Gi",
        "agent-requests-ephemeral": "16Mi",
        "agent-run-as-user": "10001",
        "agent-run-as-group": "0",
        "log-format": "json",
        "log-level": "debug",
        "agent-revoke-on-shutdown": "true",
        "agent-revoke-grace": "7",
        "agent-json-patch": (
            '[{"op": "add", "path": "/env/-", "value": {"name": "HOME", "value": "/home/vault"}}]'
        ),
    }
    assert written(EVERYTHING) == {f"vault.hashicorp.com/{name}": value for name, value in names.items()}


def test_no_annotation_is_written_that_is_not_known_to_be() -> None:
    names = set()
    for document in (EVERYTHING, {"secrets": [STATIC], "prePopulateOnly": True}):
        names |= {name.rpartition("/")[2] for name in written(document)}
    names |= {name.rpartition("/")[2] for name in written({"secrets": [STATIC], "prePopulate": False})}
    general = {name.removesuffix("db").removesuffix("pg") for name in names}
    assert general == WRITTEN


@pytest.mark.parametrize(
    ("default", "template"),
    [
        (
            "map",
            (
                '{{ with secret "litellm/data/apps/search/database" }}'
                "{{ range $k, $v := .Data.data }}{{ $k }}: {{ $v }}\n{{ end }}{{ end }}"
            ),
        ),
        ("json", '{{ with secret "litellm/data/apps/search/database" }}{{ .Data.data | toJSON }}\n{{ end }}'),
    ],
)
def test_a_file_without_a_template_holds_the_properties_and_not_what_kv_says_beside(
    default: str, template: str
) -> None:
    names = written({"secrets": [STATIC], "defaultTemplate": default})
    assert names["vault.hashicorp.com/agent-inject-template-db"] == template


def test_openbaos_own_injector_has_another_prefix_and_another_home() -> None:
    names = written({"secrets": [STATIC], "annotations": "openbao.openbao.org", "revokeOnShutdown": True})
    assert {name.partition("/")[0] for name in names} == {"openbao.openbao.org"}
    assert "openbao.openbao.org/agent-json-patch" not in names


def test_an_apps_agent_logs_in_as_the_app_and_reads_what_it_needs(config: Document) -> None:
    config["apps"] = [{"name": "search", "injector": EVERYTHING}]
    recorder = declare(config)
    policy = recorder.one("policy:Policy", "search-policy").inputs["policy"]
    assert 'path "litellm/data/apps/search/database"' in policy
    assert 'path "database/creds/search" {\n  capabilities = ["read"]' in policy
    given = recorder.outputs["apps"]["search"]["injector"]
    assert given["annotations"]["vault.hashicorp.com/role"] == "search"
    assert given["annotations"]["vault.hashicorp.com/tls-secret"] == "search-agent-ca"
    role = recorder.one("authBackendRole:AuthBackendRole", "search-role").inputs
    assert role["boundServiceAccountNames"] == [given["serviceAccountName"]]
    (source,) = given["volume"]["projected"]["sources"]
    assert source["serviceAccountToken"]["audience"] == role["audience"]
    secret = recorder.one(":Secret", "search-agent-ca").inputs
    assert secret["stringData"]["ca.crt"].startswith("-----BEGIN CERTIFICATE-----")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"secrets": []}, "secrets: List should have at least 1 item"),
        (
            {"secrets": [{"name": "db", "template": "x"}]},
            "secrets[0]: expected exactly one of path and dynam",
        ),
        ({"secrets": [STATIC | {"perms": "0999"}]}, 'secrets[0].perms: "0999": expected the permissions'),
        ({"secrets": [STATIC | {"file": "../x"}]}, 'secrets[0].file: "../x": expected a file below'),
        ({"secrets": [STATIC | {"volumePath": "etc"}]}, 'secrets[0].volumePath: "etc": expected a folder'),
        ({"secrets": [STATIC], "renderInterval": "30"}, 'renderInterval: "30": expected a duration'),
        (
            {"secrets": [STATIC, {"name": "x", "path": "x", "file": "db"}]},
            "secrets: '/vault/secrets/db' is the file of two",
        ),
        (
            {"secrets": [{"name": "token", "path": "x"}], "injectToken": True},
            "secrets: '/vault/secrets/token' is the file of two",
        ),
        ({"secrets": [STATIC | {"name": "A b"}]}, 'secrets[0].name: "A b": expected what an annotation'),
        ({"secrets": [{"name": "db", "path": "data/x"}]}, 'secrets[0].path: "data/x": leave out data/'),
        ({"secrets": [STATIC, STATIC]}, "secrets: 'db' is the name of two"),
        (
            {"secrets": [{"name": "db", "dynamic": {"path": "database/roles/x"}}]},
            "secrets[0].dynamic: path is 'database/roles/x': with GET expected one of MOUNT/creds/ROLE",
        ),
        (
            {"secrets": [{"name": "db", "dynamic": {"path": "litellm/creds/x"}}]},
            (
                "secrets[0].dynamic.path: 'litellm/creds/x' is in the KV mount litellm, not a role of a "
                "secrets engine; use path"
            ),
        ),
        (
            {"secrets": [{"name": "db", "dynamic": {"path": "pki/issue/x", "method": "POST"}}]},
            "secrets[0]: dynamic.method: POST needs a template",
        ),
        (
            {"secrets": [STATIC], "prePopulateOnly": True, "cache": {}},
            "prePopulateOnly: true leaves no sidecar, which cache is for",
        ),
        (
            {"secrets": [STATIC], "prePopulateOnly": True, "prePopulate": False},
            "prePopulateOnly: true with prePopulate: false leaves no agent",
        ),
        (
            {"secrets": [{"name": "pg", "dynamic": {"path": "database/creds/x"}}], "prePopulateOnly": True},
            "prePopulateOnly: true leaves nobody who renews the credentials of pg",
        ),
        ({"secrets": [STATIC | {"name": "file-db"}]}, "secrets[0]: name is 'file-db': the injector reads"),
        ({"secrets": [STATIC], "revokeGraceSeconds": 5}, "revokeGraceSeconds is for revokeOnShutdown"),
        (
            {"secrets": [STATIC], "resources": {"limitsCpu": "a lot"}},
            'resources.limitsCpu: "a lot": expected a Kubernetes quantity',
        ),
        ({"secrets": [STATIC], "logLevel": "loud"}, "logLevel: \"loud\": expected 'trace'"),
    ],
)
def test_a_wrong_injector_is_named(config: Document, wrong: dict[str, Any], sentence: str) -> None:
    configure(config | {"apps": [{"name": "search", "injector": wrong}]})
    with pytest.raises(SettingsError) as caught:
        load()
    said = caught.value.sentences
    assert any(line.startswith("llm-gateway:apps[0].injector") and sentence in line for line in said), said


def test_a_reviewer_that_needs_two_audiences_is_refused(config: Document) -> None:
    config["vault"]["auth"] |= {"reviewer": "client", "fromKubeconfig": True}
    configure(config | {"apps": [{"name": "search", "injector": {"secrets": [STATIC]}}]})
    with pytest.raises(SettingsError, match=r"apps\[0\].injector: .*reviewer client"):
        load()
