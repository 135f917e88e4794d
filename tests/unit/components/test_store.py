"""Stores: what is declared for each way to log in and to trust, and what the operator would ignore."""

import base64
from typing import Any

import pulumi
import pytest

from components.errors import ArgumentsError
from components.external_secrets import ClusterScope, VaultStore
from components.vault import AppRoleLogin, KubernetesLogin, Login, TokenLogin
from schema import ExternalSecretsSettings, VaultSettings
from tests.support.certificates import made_up_ca
from tests.support.declared import Recorder, declare_with

CA = made_up_ca()
ACCOUNT = KubernetesLogin("kubernetes/east", "search", "vault", "search-store")


def settings(**other: Any) -> VaultSettings:
    given = {"internal_address": "https://vault.example.com:8200", "ca_cert": CA, "namespace": "team-a"}
    return VaultSettings(**{**given, **other})


def store(
    login: Login = ACCOUNT,
    cluster: ClusterScope | None = None,
    vault: VaultSettings | None = None,
    **operator: Any,
) -> Recorder:
    return declare_with(
        lambda: VaultStore(
            "vault",
            vault=vault or settings(),
            external_secrets=ExternalSecretsSettings(**operator),
            kubernetes_namespace="search",
            mount="apps",
            login=login,
            cluster=cluster,
        )
    )


def provider_of(recorder: Recorder, kind: str = ":SecretStore") -> Any:
    return recorder.one(kind).inputs["spec"]["provider"]["vault"]


# --- how it is reached and trusted -----------------------------------------------------------------------


def test_server_mount_and_vault_namespace_are_said() -> None:
    provider = provider_of(store())
    assert (provider["server"], provider["path"], provider["version"], provider["namespace"]) == (
        "https://vault.example.com:8200",
        "apps",
        "v2",
        "team-a",
    )


@pytest.mark.parametrize(("source", "field"), [("ConfigMap", "data"), ("Secret", "stringData")])
def test_the_ca_is_put_where_the_operator_looks_for_it(source: str, field: str) -> None:
    recorder = store(ca_source=source)
    assert provider_of(recorder)["caProvider"] == {"type": source, "name": "vault-ca", "key": "ca.crt"}
    assert recorder.one(f":{source}", "vault-ca").inputs[field] == {"ca.crt": CA}


def test_the_ca_can_stand_in_the_store_itself() -> None:
    recorder = store(ca_source="bundle")
    assert base64.b64decode(provider_of(recorder)["caBundle"]).decode() == CA
    assert recorder.of_type(":ConfigMap") == []


def test_a_publicly_trusted_server_needs_no_ca() -> None:
    provider = provider_of(store(vault=settings(ca_cert=None)))
    assert not {"caBundle", "caProvider"} & set(provider)


def test_the_older_api_can_be_asked_for() -> None:
    assert store(api_version="v1beta1").one("/v1beta1:SecretStore")


# --- how it logs in --------------------------------------------------------------------------------------


def test_it_logs_in_as_a_service_account_that_is_made_for_it() -> None:
    recorder = store()
    assert provider_of(recorder)["auth"] == {
        "kubernetes": {
            "mountPath": "kubernetes/east",
            "role": "search",
            "serviceAccountRef": {"name": "search-store", "audiences": ["vault"]},
        }
    }
    assert recorder.one(":ServiceAccount").inputs["metadata"]["namespace"] == "search"


def test_it_logs_in_with_a_token() -> None:
    recorder = store(TokenLogin(pulumi.Output.secret("s.made-up")))
    assert provider_of(recorder)["auth"] == {"tokenSecretRef": {"name": "vault-token", "key": "token"}}
    assert recorder.one(":Secret").inputs["stringData"]["value"] == {"token": "s.made-up"}


def test_it_logs_in_with_an_approle() -> None:
    recorder = store(AppRoleLogin("approle", "role-1", pulumi.Output.secret("made-up")))
    assert provider_of(recorder)["auth"] == {
        "appRole": {
            "path": "approle",
            "roleId": "role-1",
            "secretRef": {"name": "vault-secret-id", "key": "secret-id"},
        }
    }
    assert recorder.one(":Secret").inputs["stringData"]["value"] == {"secret-id": "made-up"}


# --- a store of the whole cluster ------------------------------------------------------------------------

IN_PLATFORM = KubernetesLogin("kubernetes", "search", "vault", "search-store", "platform")


def test_a_clusters_store_says_for_each_reference_where_it_is() -> None:
    recorder = store(IN_PLATFORM, ClusterScope(namespaces=["search"]))
    declared = recorder.one(":ClusterSecretStore").inputs
    provider = declared["spec"]["provider"]["vault"]
    assert "namespace" not in declared["metadata"]
    assert provider["auth"]["kubernetes"]["serviceAccountRef"]["namespace"] == "platform"
    assert provider["caProvider"]["namespace"] == "search"
    assert recorder.one(":ServiceAccount").inputs["metadata"]["namespace"] == "platform"


def test_a_clusters_store_with_a_token_says_where_it_is() -> None:
    provider = provider_of(
        store(TokenLogin("s.made-up"), ClusterScope(namespaces=["search"])), ":ClusterSecretStore"
    )
    assert provider["auth"]["tokenSecretRef"]["namespace"] == "search"


def test_a_clusters_store_is_for_the_namespaces_that_are_named() -> None:
    scope = ClusterScope(namespaces=["search", "support"], namespace_labels={"team": "a"})
    assert store(IN_PLATFORM, scope).one(":ClusterSecretStore").inputs["spec"]["conditions"] == [
        {"namespaces": ["search", "support"]},
        {"namespaceSelector": {"matchLabels": {"team": "a"}}},
    ]


def test_a_clusters_store_is_for_everybody_only_if_that_is_said() -> None:
    spec = store(IN_PLATFORM, ClusterScope(every_namespace=True)).one(":ClusterSecretStore").inputs["spec"]
    assert spec["conditions"] == []


# --- what the operator takes and ignores -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"login": IN_PLATFORM}, "a SecretStore ignores the namespace of its ServiceAccount"),
        (
            {"cluster": ClusterScope(namespaces=["search"])},
            "a ClusterSecretStore without a namespace for its ServiceAccount",
        ),
        (
            {"login": IN_PLATFORM, "cluster": ClusterScope()},
            "expected either namespaces (or their labels) that may use the ClusterSecretStore",
        ),
        (
            {"login": IN_PLATFORM, "cluster": ClusterScope(namespaces=["a"], every_namespace=True)},
            "expected either namespaces (or their labels) that may use the ClusterSecretStore",
        ),
        ({"login": KubernetesLogin("kubernetes", "search", "", "search")}, "the login has no audience"),
        (
            {"vault": settings(internal_address="http://vault:8200", allow_http=True)},
            "http://vault:8200 is plain http, where a CA is ignored",
        ),
    ],
)
def test_what_would_be_ignored_is_refused(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ArgumentsError) as caught:
        store(**arguments)
    assert str(caught.value).startswith(f"vault: {sentence}")
