"""The auth method of one cluster: what is declared for each reviewer, and what is refused."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.rpc import _special_secret_sig, _special_sig_key

from components.vault import KubernetesAuth
from schema import KubernetesAuthSettings, KubernetesSettings, SettingsError
from tests.support.certificates import made_up_ca
from tests.support.declared import Document, Recorder, declare, dev_config

CA = made_up_ca()
SERVER = "https://api.example.com:6443"
API_SERVER = "store-access-kubernetes-trust"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    (tmp_path / "vault-ca.crt").write_text(made_up_ca())
    monkeypatch.setenv("LITELLM_DATABASE_URL", "postgresql://u:hunter2@db/x")
    monkeypatch.setenv("VAULT_CACERT", str(tmp_path / "vault-ca.crt"))
    yield
    pulumi.runtime.set_all_config({}, [])


@pytest.fixture
def kubeconfig(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Path]:
    """Write a kubeconfig and let KUBECONFIG name it."""

    def write(**cluster: Any) -> Path:
        data = base64.b64encode(CA.encode()).decode()
        document = {
            "current-context": "prod",
            "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [
                {"name": "c", "cluster": {"server": SERVER, "certificate-authority-data": data} | cluster}
            ],
            "users": [{"name": "u", "user": {"token": "hunter3"}}],
        }
        file = tmp_path / "kubeconfig"
        file.write_text(json.dumps(document))
        monkeypatch.setenv("KUBECONFIG", str(file))
        return file

    return write


def declared(preview: bool = False, **auth: Any) -> Recorder:
    document: Document = dev_config()
    document["vault"]["auth"] |= auth
    return declare(document, preview=preview)


def config_of(recorder: Recorder) -> Any:
    return recorder.one("authBackendConfig:AuthBackendConfig").inputs


def reviewer_token(recorder: Recorder) -> str:
    """Give it as it crosses to the engine: marked secret."""
    marked: dict[str, str] = config_of(recorder)["tokenReviewerJwt"]
    assert marked[_special_sig_key] == _special_secret_sig
    return marked["value"]


def audiences(recorder: Recorder) -> list[str]:
    vault = recorder.one(":SecretStore", "litellm-vault-store").inputs["spec"]["provider"]["vault"]
    named: list[str] = vault["auth"]["kubernetes"]["serviceAccountRef"]["audiences"]
    return named


# --- as it was before there was a reviewer to choose ---------------------------------------------------


def test_without_anything_new_vaults_own_pod_reviews_as_it_always_did() -> None:
    recorder = declared()
    assert config_of(recorder) == {
        "backend": "kubernetes",
        "kubernetesHost": "https://kubernetes.default.svc",
        "disableLocalCaJwt": False,
    }
    assert audiences(recorder) == ["openbao"]
    assert not recorder.of_type("ClusterRoleBinding")
    assert [trust.name for trust in recorder.of_type("tls:ServerTrust")] == ["vault-trust"]


def test_whoever_had_disabled_the_local_token_gets_nothing_new() -> None:
    recorder = declared(disableLocalCaJwt=True, kubernetesHost=SERVER, kubernetesCaCert=CA)
    assert config_of(recorder)["disableLocalCaJwt"] is True
    assert audiences(recorder) == ["openbao"]
    assert not recorder.of_type("ClusterRoleBinding")


# --- the API server ------------------------------------------------------------------------------------


def test_host_and_ca_come_from_the_kubeconfig_and_are_seen_first(
    kubeconfig: Callable[..., Path],
) -> None:
    kubeconfig()
    recorder = declared(fromKubeconfig=True, reviewer="client")
    assert config_of(recorder)["kubernetesHost"] == SERVER
    assert config_of(recorder)["kubernetesCaCert"] == CA
    trust = recorder.one("tls:ServerTrust", API_SERVER).inputs
    assert (trust["address"], trust["ca"], trust["server_name"]) == (SERVER, CA, "api.example.com")
    assert "hunter3" not in repr(recorder.resources)


def test_vault_may_reach_the_api_server_by_another_name(kubeconfig: Callable[..., Path]) -> None:
    kubeconfig(server="https://127.0.0.1:6443")
    recorder = declared(fromKubeconfig=True, reviewer="client", kubernetesHost="https://inside.example.com")
    assert config_of(recorder)["kubernetesHost"] == "https://inside.example.com"
    trust = recorder.one("tls:ServerTrust", API_SERVER).inputs
    assert (trust["address"], trust["server_name"]) == ("https://127.0.0.1:6443", "inside.example.com")


def test_a_ca_beside_the_kubeconfig_is_found_by_its_relative_path(kubeconfig: Callable[..., Path]) -> None:
    file = kubeconfig(**{"certificate-authority-data": None, "certificate-authority": "ca.crt"})
    (file.parent / "ca.crt").write_text(CA)
    assert config_of(declared(fromKubeconfig=True, reviewer="client"))["kubernetesCaCert"] == CA


def test_the_context_of_the_program_is_the_one_that_is_read(
    kubeconfig: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = kubeconfig()
    other = json.loads(first.read_text().replace("prod", "other").replace("api.", "other."))
    other["clusters"][0]["name"] = other["contexts"][0]["context"]["cluster"] = "d"
    (tmp_path / "second").write_text(json.dumps(other))
    monkeypatch.setenv("KUBECONFIG", f"{first}:{tmp_path / 'second'}:{tmp_path / 'not-there'}")
    document = dev_config()
    document["kubernetes"] = {"context": "other"}
    document["vault"]["auth"] |= {"fromKubeconfig": True, "reviewer": "client"}
    assert config_of(declare(document))["kubernetesHost"] == "https://other.example.com:6443"


def test_a_preview_can_do_without_the_kubeconfig(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "not-there"))
    recorder = declared(preview=True, fromKubeconfig=True, reviewer="client")
    assert recorder.one("tls:ServerTrust", API_SERVER)
    with pytest.raises(SettingsError, match="there is no kubeconfig"):
        declared(fromKubeconfig=True, reviewer="client")


# --- who reviews ---------------------------------------------------------------------------------------


def test_a_client_that_reviews_itself_may_ask_and_is_meant_for_the_api_server() -> None:
    recorder = declared(reviewer="client", kubernetesHost=SERVER, kubernetesCaCert=CA)
    assert config_of(recorder)["disableLocalCaJwt"] is True
    assert audiences(recorder) == ["openbao", "https://kubernetes.default.svc.cluster.local"]
    binding = recorder.one("ClusterRoleBinding").inputs
    assert binding["roleRef"]["name"] == "system:auth-delegator"
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": "litellm-store", "namespace": "litellm"}
    ]


def test_an_apps_tokens_review_themselves_where_all_do() -> None:
    document = dev_config()
    document["vault"]["auth"] |= {"reviewer": "client", "kubernetesHost": SERVER, "kubernetesCaCert": CA}
    document["apps"] = [{"name": "search"}]
    recorder = declare(document)
    assert recorder.one("ClusterRoleBinding", "search-reviews-itself").inputs["subjects"] == [
        {"kind": "ServiceAccount", "name": "search-store", "namespace": "search"}
    ]
    store = recorder.one(":SecretStore", "search-store").inputs["spec"]["provider"]["vault"]
    assert store["auth"]["kubernetes"]["serviceAccountRef"]["audiences"] == [
        "openbao",
        "https://kubernetes.default.svc.cluster.local",
    ]


def test_a_service_account_reviews_with_a_token_that_lasts() -> None:
    recorder = declared(reviewer="service-account", kubernetesHost=SERVER, kubernetesCaCert=CA)
    account = recorder.one("ServiceAccount", "store-access-kubernetes-reviewer").inputs["metadata"]
    assert account["namespace"] == "kube-system"
    secret = recorder.one("Secret", "store-access-kubernetes-reviewer-token").inputs
    assert secret["type"] == "kubernetes.io/service-account-token"
    assert secret["metadata"]["annotations"]["kubernetes.io/service-account.name"].startswith("store-access")
    assert recorder.one("ClusterRoleBinding").inputs["subjects"][0]["namespace"] == "kube-system"
    assert reviewer_token(recorder) == "made-up-token"
    assert audiences(recorder) == ["openbao"]


def test_a_service_account_reviews_with_a_token_that_ends() -> None:
    recorder = declared(
        reviewer="token-request",
        reviewerTokenTtlSeconds=3600,
        reviewerNamespace="vault",
        kubernetesHost=SERVER,
        kubernetesCaCert=CA,
    )
    token = recorder.one("kubernetes:ServiceAccountToken").inputs
    assert (token["namespace"], token["ttl_seconds"]) == ("vault", 3600)
    assert reviewer_token(recorder) == "made-up-token"
    assert not recorder.of_type("core/v1:Secret")


def test_vault_in_the_cluster_may_take_its_ca_and_another_reviewer() -> None:
    recorder = declared(reviewer="service-account", disableLocalCaJwt=False)
    assert config_of(recorder)["disableLocalCaJwt"] is False
    assert "kubernetesCaCert" not in config_of(recorder)


def test_an_issuer_is_looked_at_only_because_vault_is_told_to() -> None:
    recorder = declared(issuer="https://issuer.example.com")
    assert config_of(recorder)["issuer"] == "https://issuer.example.com"
    assert config_of(recorder)["disableIssValidation"] is False


def test_a_mount_of_somebody_elses_gets_a_role_and_nothing_more() -> None:
    recorder = declared(createMount=False, mount="theirs")
    assert not recorder.of_type("AuthBackendConfig")
    assert recorder.one("AuthBackendRole").inputs["backend"] == "theirs"


def test_what_the_store_made_itself_before_is_taken_over() -> None:
    aliases: dict[str, Any] = {}

    class Store(pulumi.ComponentResource):
        def __init__(self) -> None:
            super().__init__("llm-gateway:vault:StoreAccess", "store-access")
            KubernetesAuth(
                "store-access-kubernetes",
                auth=KubernetesAuthSettings(),
                cluster=KubernetesSettings(),
                opts=pulumi.ResourceOptions(parent=self),
            )

    def note(args: pulumi.ResourceTransformationArgs) -> None:
        aliases[args.name] = args.opts.aliases

    pulumi.runtime.set_mocks(Recorder())

    @pulumi.runtime.test  # type: ignore[untyped-decorator]  # Pulumi's own has no types
    def run() -> None:
        pulumi.runtime.register_stack_transformation(note)
        Store()

    run()
    assert [alias.parent._name for alias in aliases["store-access-kubernetes-config"]] == ["store-access"]


# --- other clusters --------------------------------------------------------------------------------------


def test_another_cluster_gets_a_mount_and_a_provider_of_its_own(kubeconfig: Callable[..., Path]) -> None:
    kubeconfig()
    document = dev_config()
    auth = {"mount": "kubernetes/east", "fromKubeconfig": True, "reviewer": "service-account"}
    document["clusters"] = [{"name": "east", "context": "prod", "auth": auth}]
    recorder = declare(document)
    config = recorder.one("AuthBackendConfig", "east-auth-config").inputs
    assert (config["backend"], config["kubernetesHost"]) == ("kubernetes/east", SERVER)
    providers = {each.name: each.inputs for each in recorder.of_type("pulumi:providers:kubernetes")}
    assert providers["east-cluster"]["context"] == "prod"
    account = recorder.one("ServiceAccount", "east-auth-reviewer")
    assert "east-cluster" in str(account.provider)


def test_clusters_that_would_share_identities_are_refused() -> None:
    document = dev_config()
    east = {"name": "east", "context": "east", "auth": {}}
    document["clusters"] = [east, {"name": "east", "auth": {"mount": "other"}}]
    with pytest.raises(SettingsError, match=r"clusters\[1\]: context and kubeconfig are missing"):
        declare(document, preview=True)
    document["clusters"][1]["context"] = "west"
    with pytest.raises(SettingsError) as caught:
        declare(document, preview=True)
    mount, name = caught.value.sentences
    assert mount.startswith("llm-gateway:clusters[0].auth.mount: 'kubernetes' is the mount of vault.auth too")
    assert name == "llm-gateway:clusters[1].name: 'east' is the name of clusters[0] too"


# --- what is refused -----------------------------------------------------------------------------------

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no audience": ({"audience": ""}, "audience is empty: without one a role takes every token"),
    "plain http": ({"kubernetesHost": "http://api.example.com"}, "kubernetesHost is plain http"),
    "a CA that isn't PEM": ({"kubernetesCaCert": "hello"}, "kubernetesCaCert is not PEM"),
    "no CA for a Vault outside": (
        {"reviewer": "client"},
        "kubernetesCaCert is missing: with reviewer client",
    ),
    "no CA with the local one disabled": ({"disableLocalCaJwt": True}, "kubernetesCaCert is missing"),
    "no CA for a reviewer of its own": (
        {"reviewer": "service-account"},
        "kubernetesCaCert is missing: with reviewer service-account",
    ),
    "Vault's own Pod without its token": (
        {"reviewer": "vault", "disableLocalCaJwt": True},
        "reviewer vault is Vault's own Pod, and disableLocalCaJwt: true takes its token away",
    ),
    "a client before which Vault reviews": (
        {"reviewer": "client", "disableLocalCaJwt": False},
        "reviewer client needs disableLocalCaJwt: true",
    ),
    "a reviewer for somebody else's mount": (
        {"reviewer": "token-request", "createMount": False, "kubernetesCaCert": CA},
        "reviewer token-request has a token that goes into the mount's configuration",
    ),
    "a reviewer that there isn't": ({"reviewer": "nobody"}, 'auth.reviewer: "nobody": expected'),
    "a token that ends too soon": (
        {"reviewerTokenTtlSeconds": 60},
        "auth.reviewerTokenTtlSeconds: 60: expected",
    ),
}


@pytest.mark.parametrize(("auth", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_what_can_not_work_is_refused_at_preview(auth: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        declared(preview=True, **auth)
    assert sentence in str(caught.value)


BAD_KUBECONFIGS: dict[str, tuple[dict[str, Any], str]] = {
    "it leads Vault to itself": ({"server": "https://127.0.0.1:6443"}, "would lead Vault to itself"),
    "plain http": ({"server": "http://api.example.com"}, "expected one with https"),
    "no CA": ({"certificate-authority-data": None}, "names no CA: give kubernetesCaCert"),
    "a CA that isn't base64": ({"certificate-authority-data": "%"}, "has a CA that can't be read"),
    "a CA that isn't PEM": ({"certificate-authority-data": "aGVsbG8="}, "has a CA that is not PEM"),
    "a file that isn't there": (
        {"certificate-authority-data": None, "certificate-authority": "gone.crt"},
        "has a CA that can't be read (FileNotFoundError)",
    ),
}


@pytest.mark.parametrize(("cluster", "sentence"), BAD_KUBECONFIGS.values(), ids=BAD_KUBECONFIGS.keys())
def test_a_kubeconfig_that_can_not_serve_is_refused(
    kubeconfig: Callable[..., Path], cluster: dict[str, Any], sentence: str
) -> None:
    kubeconfig(**cluster)
    with pytest.raises(SettingsError) as caught:
        declared(preview=True, fromKubeconfig=True, reviewer="client")
    assert sentence in str(caught.value)
    assert "fromKubeconfig of the auth mount kubernetes" in str(caught.value)


def test_a_context_that_is_not_there_is_answered_with_those_that_are(kubeconfig: Callable[..., Path]) -> None:
    kubeconfig()
    document = dev_config()
    document["kubernetes"] = {"context": "staging"}
    document["vault"]["auth"] |= {"fromKubeconfig": True, "reviewer": "client"}
    with pytest.raises(SettingsError, match=r"has no context 'staging' \(it has: prod\)"):
        declare(document, preview=True)


def test_a_kubeconfig_that_can_not_be_parsed_is_not_quoted(kubeconfig: Callable[..., Path]) -> None:
    kubeconfig().write_text("token: hunter3\n\t-")
    with pytest.raises(SettingsError, match="can't be read") as caught:
        declared(preview=True, fromKubeconfig=True, reviewer="client")
    assert "hunter3" not in str(caught.value)
