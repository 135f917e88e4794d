"""How the operator is installed: what each mode declares, and what its settings take."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from schema import SettingsError
from tests.support.declared import Declared, Document, Recorder, declare

ADVICE = "llm-gateway:externalSecrets.install"


def installed(config: Document, **install: Any) -> Recorder:
    config["externalSecrets"] = {"install": install}
    return declare(config)


def manifests(config: Document, folder: Path, **install: Any) -> Recorder:
    image = "registry.example.com/external-secrets@sha256:0"
    return installed(config, mode="manifests", crds=[str(folder)], image=image, **install)


def of_the_operator(recorder: Recorder) -> dict[str, Declared]:
    """Give the operator's objects by their kind."""
    return {
        resource.type.rpartition(":")[2]: resource
        for resource in recorder.resources
        if resource.type.startswith("kubernetes:")
        and resource.inputs["metadata"].get("labels", {}).get("app.kubernetes.io/name") == "external-secrets"
    }


def test_somebody_elses_operator_is_only_looked_for(config: Document) -> None:
    recorder = declare(config)
    assert of_the_operator(recorder) == {}
    served = recorder.one("kubernetes:ServedApi").inputs
    assert (served["api"], served["timeout_seconds"], served["guarded"]) == ("external-secrets.io/v1", 0, [])
    assert ADVICE in served["advice"]


def test_the_api_that_is_looked_for_is_the_one_that_is_used(config: Document) -> None:
    config["externalSecrets"] = {"apiVersion": "v1beta1"}
    assert declare(config).one("kubernetes:ServedApi").inputs["api"] == "external-secrets.io/v1beta1"


def test_plain_objects_are_the_controller_with_its_rights(config: Document, tmp_path: Path) -> None:
    recorder = manifests(config, tmp_path)
    found = of_the_operator(recorder)
    assert found.keys() == {"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Deployment"}
    assert recorder.one(":Namespace", "external-secrets").inputs["metadata"]["name"] == "external-secrets"
    assert found["ClusterRoleBinding"].inputs["subjects"] == [
        {"kind": "ServiceAccount", "name": "external-secrets", "namespace": "external-secrets"}
    ]
    spec = found["Deployment"].inputs["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"].items() <= labels.items()
    [container] = spec["template"]["spec"]["containers"]
    assert "--enable-leader-election=false" in container["args"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert recorder.one("kubernetes:ServedApi").inputs["guarded"] == [
        "external-secrets.io",
        "generators.external-secrets.io",
    ]


def test_several_replicas_elect_a_leader_and_may_do_so(config: Document, tmp_path: Path) -> None:
    found = of_the_operator(manifests(config, tmp_path, replicas=2))
    [container] = found["Deployment"].inputs["spec"]["template"]["spec"]["containers"]
    assert "--enable-leader-election=true" in container["args"]
    assert found["Role"].inputs["metadata"]["namespace"] == "external-secrets"
    assert found["RoleBinding"].inputs["roleRef"]["name"] == found["Role"].inputs["metadata"]["name"]


def test_definitions_stand_in_the_state_by_their_digest(config: Document, tmp_path: Path) -> None:
    (tmp_path / "bundle.yaml").write_text(yaml.safe_dump({"kind": "CustomResourceDefinition"}))
    inputs = manifests(config, tmp_path).one("kubernetes:Definitions").inputs
    assert inputs.keys() >= {"files", "sha256"}
    assert "CustomResourceDefinition" not in repr(inputs)
    (tmp_path / "bundle.yaml").write_text("---")
    assert manifests(config, tmp_path).one("kubernetes:Definitions").inputs["sha256"] != inputs["sha256"]


def test_a_namespace_of_somebody_else_is_left_to_them(config: Document, tmp_path: Path) -> None:
    recorder = manifests(config, tmp_path, createNamespace=False, namespace="platform")
    assert [each.name for each in recorder.of_type(":Namespace")] == ["litellm"]
    assert of_the_operator(recorder)["Deployment"].inputs["metadata"]["namespace"] == "platform"


def test_a_helm_release_has_the_values_of_the_configuration(config: Document) -> None:
    values = {"webhook": {"create": False}, "resources": {"limits": {"memory": "512Mi"}}}
    recorder = installed(config, mode="helm", version="0.20.4", replicas=2, values=values)
    release = recorder.one("helm.sh/v3:Release").inputs
    assert (release["chart"], release["version"]) == ("external-secrets", "0.20.4")
    assert release["repositoryOpts"] == {"repo": "https://charts.external-secrets.io"}
    assert (release["namespace"], release["createNamespace"], release["atomic"]) == (
        "external-secrets",
        True,
        True,
    )
    assert release["values"] == {
        "installCRDs": True,
        "replicaCount": 2,
        "leaderElect": True,
        "serviceAccount": {"create": True, "name": "external-secrets"},
        "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
        "webhook": {"create": False},
    }
    assert recorder.one("kubernetes:ServedApi").inputs["guarded"] != []


def test_what_argo_cd_installs_is_waited_for(config: Document) -> None:
    recorder = installed(config, mode="argocd", version="0.20.4")
    assert of_the_operator(recorder) == {}
    served = recorder.one("kubernetes:ServedApi").inputs
    assert (served["timeout_seconds"], served["guarded"]) == (180, [])
    assert "Argo CD hasn't installed" in served["advice"]


# --- mistakes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("install", "sentence"),
    [
        ({"mode": "kustomize"}, ".install: Input tag 'kustomize' found using 'mode' does not match"),
        ({"mode": "manifests", "image": "x"}, ".install.crds: is missing"),
        ({"mode": "manifests", "image": "x", "crds": []}, ".install.crds: List should have at least 1 item"),
        (
            {"mode": "manifests", "image": "x", "crds": ["/nowhere.yaml"]},
            '.install.crds[0]: "/nowhere.yaml": there is no such file or folder, or it may not be read',
        ),
        ({"mode": "helm"}, ".install.version: is missing"),
        (
            {"mode": "helm", "version": ">=0.20"},
            '.install.version: ">=0.20": expected one version of the chart',
        ),
        (
            {"mode": "argocd", "version": "0.20.4", "xyz": 1},
            ".install.xyz: is not a known key (known: application, argocdNamespace, cluster,",
        ),
        ({"mode": "helm", "version": "0.20.4", "replicas": 0}, ".install.replicas: 0: expected "),
    ],
)
def test_a_mistake_names_its_key(config: Document, install: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        installed(config, **install)
    assert f"llm-gateway:externalSecrets{sentence}" in str(caught.value)
