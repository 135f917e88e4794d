from typing import Any

import pytest

from toolchain.plugins.differences import Path
from toolchain.plugins.kubernetes.kinds import (
    api_version_and_kind,
    group,
    is_built_in,
    is_namespaced,
    is_replaced,
    is_unsupported,
)


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("kubernetes:core/v1:Secret", ("v1", "Secret")),
        ("kubernetes:apps/v1:Deployment", ("apps/v1", "Deployment")),
        ("kubernetes:external-secrets.io/v1:SecretStore", ("external-secrets.io/v1", "SecretStore")),
    ],
)
def test_type_tokens(token: str, expected: tuple[str, str]) -> None:
    assert api_version_and_kind(token) == expected


def test_groups() -> None:
    assert group("v1") == ""
    assert group("apps/v1") == "apps"
    assert is_built_in("rbac.authorization.k8s.io/v1")
    assert not is_built_in("gateway.networking.k8s.io/v1"), "the Gateway API is a custom resource"


@pytest.mark.parametrize(
    ("api_version", "kind", "expected"),
    [
        ("v1", "ConfigMap", True),
        ("v1", "Namespace", False),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", False),
        ("gateway.networking.k8s.io/v1", "GatewayClass", False),
        ("external-secrets.io/v1", "ExternalSecret", False),
    ],
)
def test_only_of_built_in_kinds_it_is_known_that_they_have_namespaces(
    api_version: str, kind: str, expected: bool
) -> None:
    assert is_namespaced(api_version, kind) is expected


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("kubernetes:helm.sh/v3:Release", True),
        ("kubernetes:yaml/v2:ConfigGroup", True),
        ("kubernetes:core/v1:ConfigMapList", True),
        ("kubernetes:apps/v1:DeploymentPatch", True),
        ("kubernetes:example.com/v1:AllowList", False),
        ("kubernetes:core/v1:ConfigMap", False),
    ],
)
def test_what_is_left_to_the_official_plugin(token: str, expected: bool) -> None:
    assert is_unsupported(token) is expected


NOTHING: frozenset[str] = frozenset()
MUTABLE = frozenset({"ConfigMap", "Secret"})


@pytest.mark.parametrize(
    ("api_version", "kind", "path", "mutable", "expected"),
    [
        ("v1", "ConfigMap", ("data", "a"), NOTHING, True),
        ("v1", "ConfigMap", ("data", "a"), MUTABLE, False),
        ("v1", "ConfigMap", ("metadata", "labels", "a"), NOTHING, False),
        ("v1", "ConfigMap", ("metadata", "name"), MUTABLE, True),
        ("v1", "ConfigMap", ("metadata", "namespace"), MUTABLE, True),
        ("v1", "Secret", ("data", "pw"), NOTHING, True),
        ("v1", "Secret", ("data", "pw"), MUTABLE, False),
        ("v1", "Secret", ("type",), MUTABLE, True),
        ("apps/v1", "Deployment", ("spec", "replicas"), NOTHING, False),
        ("apps/v1", "Deployment", ("spec", "template", "spec", "containers", 0, "image"), NOTHING, False),
        ("apps/v1", "Deployment", ("spec", "selector", "matchLabels", "app"), NOTHING, True),
        ("apps/v1", "StatefulSet", ("spec", "volumeClaimTemplates", 0, "spec"), NOTHING, True),
        ("batch/v1", "Job", ("spec", "template", "spec", "containers", 0, "image"), NOTHING, True),
        ("batch/v1", "Job", ("spec", "ttlSecondsAfterFinished"), NOTHING, False),
        ("v1", "Service", ("spec", "clusterIP"), NOTHING, True),
        ("v1", "Service", ("spec",), NOTHING, True),
        ("v1", "Service", ("spec", "selector", "app"), NOTHING, False),
        ("v1", "PersistentVolumeClaim", ("spec", "resources", "requests", "storage"), NOTHING, False),
        ("v1", "PersistentVolumeClaim", ("spec", "accessModes", 0), NOTHING, True),
        ("v1", "Pod", ("spec", "nodeName"), NOTHING, True),
        ("rbac.authorization.k8s.io/v1", "RoleBinding", ("roleRef", "name"), NOTHING, True),
        ("rbac.authorization.k8s.io/v1", "RoleBinding", ("subjects", 0, "name"), NOTHING, False),
        ("storage.k8s.io/v1", "StorageClass", ("provisioner",), NOTHING, True),
        ("example.com/v1", "Deployment", ("spec", "selector"), NOTHING, False),
        ("example.com/v1", "Widget", ("spec", "size"), NOTHING, False),
    ],
)
def test_what_needs_a_new_object(
    api_version: str, kind: str, path: Path, mutable: frozenset[str], expected: bool
) -> None:
    new = {"apiVersion": api_version, "kind": kind}
    assert is_replaced(path, new, new, mutable) is expected


def test_an_immutable_object_is_replaced_in_any_case() -> None:
    old: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "immutable": True}
    assert is_replaced(("data", "pw"), old, old, MUTABLE)
