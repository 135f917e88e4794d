"""What stands in the rendered files, and what may not."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.declared import ROOT
from tests.unit.components.test_databases import with_credentials
from tests.unit.gitops.conftest import CA, Command

WAVE = "argocd.argoproj.io/sync-wave"
MADE_UP = "s3cr3t-of-the-tests"
APP = {"name": "search", "key": {"models": ["gpt-4o"]}}
ARGOCD: dict[str, Any] = {
    "mode": "argocd",
    "version": "0.20.4",
    "replicas": 2,
    "values": {"webhook": {"create": False}, "serviceAccount": {"annotations": {"team": "platform"}}},
}


def wave(command: Command, path: str) -> int:
    return int(command.object(path)["metadata"]["annotations"][WAVE])


def test_every_object_of_the_stack_has_a_file(command: Command) -> None:
    assert command("render").exit_code == 0
    names = [path.partition("-migration-")[0] for path in command.written()]
    assert names == [
        "cluster/namespace-litellm.yaml",
        "litellm/configmap-litellm-vault-ca.yaml",
        "litellm/configmap-litellm.yaml",
        "litellm/deployment-litellm.yaml",
        "litellm/externalsecret-litellm-env.yaml",
        "litellm/ingress-litellm.yaml",
        "litellm/job-litellm",
        "litellm/secretstore-litellm-vault.yaml",
        "litellm/service-litellm.yaml",
        "litellm/serviceaccount-litellm-store.yaml",
    ]


def test_a_file_holds_what_up_would_apply_but_for_pulumis_own_annotations(command: Command) -> None:
    command("render")
    service = command.object("litellm/service-litellm.yaml")
    assert service["spec"]["ports"] == [
        {"name": "http", "port": 4000, "targetPort": "http", "protocol": "TCP"}
    ]
    assert service["metadata"]["annotations"] == {WAVE: "1"}
    assert command.object("litellm/configmap-litellm-vault-ca.yaml")["data"] == {"ca.crt": CA}
    template = command.object("litellm/deployment-litellm.yaml")["spec"]["template"]
    assert list(template["metadata"]["annotations"]) == ["checksum/config"]


def test_what_an_object_needs_is_in_an_earlier_wave(command: Command) -> None:
    command.config["apps"] = [APP]
    command("render")
    migration = next(path for path in command.written() if "job-" in path)
    gateway = [
        "cluster/namespace-litellm.yaml",
        "litellm/serviceaccount-litellm-store.yaml",
        "litellm/secretstore-litellm-vault.yaml",
        "litellm/externalsecret-litellm-env.yaml",
        migration,
        "litellm/deployment-litellm.yaml",
    ]
    assert [wave(command, path) for path in gateway] == [0, 1, 2, 3, 4, 5]
    app = ["cluster/namespace-search.yaml", "search/secretstore-search.yaml"]
    assert [wave(command, path) for path in app] == [0, 2]
    # The key is minted by the gateway.
    assert wave(command, "search/externalsecret-llm-key.yaml") == 6


def test_two_renderings_are_equal(command: Command) -> None:
    command.config["apps"] = [APP]
    command("render")
    first = command.written()
    for file in command.folder.rglob("*.yaml"):
        file.unlink()
    command("render")
    assert command.written() == first


def test_another_migration_is_another_job(command: Command) -> None:
    command("render")
    before = {path for path in command.written() if "job-" in path}
    command.config["gateway"]["image"] = "registry.example.com/litellm:2"
    shown = command("render").stdout
    after = {path for path in command.written() if "job-" in path}
    assert len(before) == len(after) == 1
    assert f"remove {command.folder / before.pop()}" in shown
    assert f"create {command.folder / after.pop()}" in shown


# --- secrets ---------------------------------------------------------------------------------------------


def test_no_secret_of_the_configuration_stands_in_any_file(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LITELLM_DATABASE_URL", f"postgresql://u:{MADE_UP}@db/x")
    monkeypatch.setenv("VAULT_TOKEN", MADE_UP)
    command.config["apps"] = [APP]
    command.config["providerKeys"]["OPENAI_API_KEY"] = {
        "property": "openai-key",
        "value": {"secure": f"v1:{MADE_UP}"},
    }
    assert command("render").exit_code == 0
    for path, content in command.written().items():
        assert MADE_UP not in content, path
        assert "kind: Secret\n" not in content, path
        assert "sk-" not in content, path


def test_credentials_that_vault_makes_are_drawn_and_not_written(command: Command) -> None:
    with_credentials(command.config, staticRole="litellm")
    assert command("render").exit_code == 0
    [path] = [path for path in command.written() if "/vaultdynamicsecret-" in path]
    drawn = path.replace("/vaultdynamicsecret-", "/externalsecret-")
    assert wave(command, path) < wave(command, drawn) < wave(command, "litellm/deployment-litellm.yaml")
    assert "kind: Secret\n" not in "".join(command.written().values())


@pytest.mark.parametrize(
    ("section", "spoilt", "secret"),
    [
        ("vault", {"auth": {"method": "token", "period": "24h"}}, "Secret litellm/litellm-vault-token"),
        ("externalSecrets", {"caSource": "Secret"}, "Secret litellm/litellm-vault-ca"),
    ],
)
def test_an_object_that_holds_values_is_refused_and_nothing_is_written(
    command: Command, section: str, spoilt: dict[str, Any], secret: str
) -> None:
    command.config.setdefault(section, {}).update(spoilt)
    done = command("render")
    assert done.exit_code == 2
    assert secret in done.stderr
    assert "let an ExternalSecret bring them" in done.stderr
    assert not command.folder.exists()


def test_a_reviewers_token_is_left_to_kubernetes_to_fill_in(command: Command) -> None:
    reviewer = {"kubernetesHost": "https://api.example.com:6443", "kubernetesCaCert": CA}
    command.config["vault"]["auth"] |= {"reviewer": "service-account"} | reviewer
    assert command("render").exit_code == 0
    [path] = [path for path in command.written() if path.startswith("kube-system/secret-")]
    assert command.object(path).keys() == {"apiVersion", "kind", "metadata", "type"}


# --- the operator ----------------------------------------------------------------------------------------


def test_the_application_of_the_operator_is_this(command: Command) -> None:
    command.config["externalSecrets"] = {"install": ARGOCD}
    assert command("application").exit_code == 0
    [(path, content)] = command.written().items()
    assert path == "argocd/application-external-secrets.yaml"
    assert content == (ROOT / "tests" / "unit" / "gitops" / "application.yaml").read_text()


def test_the_application_alone_leaves_the_other_objects_where_they_are(command: Command) -> None:
    command.config["externalSecrets"] = {"install": ARGOCD}
    command("render")
    assert command("application").stdout == ""
    assert len(command.written()) == 11


def test_the_application_comes_before_everything_that_uses_the_operator(command: Command) -> None:
    command.config["externalSecrets"] = {"install": ARGOCD}
    command.config["apps"] = [APP]
    command("render")
    own = wave(command, "argocd/application-external-secrets.yaml")
    users = [path for path in command.written() if "/externalsecret-" in path or "/secretstore-" in path]
    assert len(users) == 4
    assert all(wave(command, path) > own for path in users)


def test_plain_objects_of_the_operator_come_with_its_definitions(command: Command, tmp_path: Path) -> None:
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "externalsecrets.external-secrets.io", "annotations": {"from": "the release"}},
        "spec": {"group": "external-secrets.io", "conversion": {"strategy": "Webhook"}, "versions": []},
    }
    bundle = tmp_path / "bundle.yaml"
    bundle.write_text(yaml.safe_dump_all([{"kind": "Deployment", "metadata": {"name": "x"}}, definition]))
    install = {"mode": "manifests", "crds": [str(bundle)], "image": "registry.example.com/eso:1"}
    command.config["externalSecrets"] = {"install": install}
    assert command("render").exit_code == 0
    written = command.object("cluster/customresourcedefinition-externalsecrets.external-secrets.io.yaml")
    assert written["metadata"]["annotations"] == {
        "from": "the release",
        WAVE: "0",
        "argocd.argoproj.io/sync-options": "ServerSideApply=true",
    }
    assert written["spec"]["conversion"] == {"strategy": "None"}
    deployment = "external-secrets/deployment-external-secrets.yaml"
    assert wave(command, deployment) < wave(command, "litellm/secretstore-litellm-vault.yaml")
    assert not any(path.endswith("deployment-x.yaml") for path in command.written())


def test_a_helm_release_is_no_object(command: Command) -> None:
    command.config["externalSecrets"] = {"install": {"mode": "helm", "version": "0.20.4"}}
    done = command("render")
    assert done.exit_code == 2
    assert "llm-gateway:externalSecrets.install.mode: helm: a release is no object" in done.stderr


def test_an_application_has_to_be_asked_for(command: Command) -> None:
    done = command("application")
    assert done.exit_code == 2
    assert "llm-gateway:externalSecrets.install.mode: none: expected argocd" in done.stderr
