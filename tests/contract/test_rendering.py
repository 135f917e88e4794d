"""The real API server takes what is rendered, and nothing secret of a running stack stands in it."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from kubernetes.dynamic import DynamicClient
from typer.testing import CliRunner

from gitops.cli import app
from tests.support.cluster import Cluster
from tests.support.declared import dev_config
from tests.support.namespace import new_namespace
from toolchain import ensure

MANAGER = "tests"


@pytest.fixture
def rendered(
    platform: Mapping[str, str], cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Render a stack with an app and the operator, for namespaces that there are."""
    monkeypatch.setenv("VAULT_CACERT", platform["VAULT_CACERT"])
    with ExitStack() as stack:
        own, apps, operators = (stack.enter_context(new_namespace(cluster)).name for _ in range(3))
        config = dev_config()
        config["gateway"] |= {"namespace": own, "createNamespace": False}
        push = {"name": "copy", "secret": "llm-key", "path": "copy"}
        dynamic = {
            "name": "tls",
            "dynamic": {"path": "pki/issue/search", "method": "POST"},
            "refreshInterval": "1h",
        }
        of_app = {"namespace": apps, "createNamespace": False, "key": {"models": ["gpt-4o"]}}
        config["apps"] = [{"name": "search", "secrets": [dynamic], "push": [push], **of_app}]
        crds = [str(ensure("external-secrets") / "crds")]
        of_operator = {"namespace": operators, "createNamespace": False}
        install = {"mode": "manifests", "crds": crds, "image": "eso:1", **of_operator}
        config["externalSecrets"] = {"install": install}
        file = tmp_path / "Pulumi.dev.yaml"
        file.write_text(yaml.safe_dump({"config": {f"llm-gateway:{key}": v for key, v in config.items()}}))
        done = CliRunner().invoke(app, ["render", str(tmp_path / "out"), "--config-file", str(file)])
        assert done.exit_code == 0, done.stderr
        yield tmp_path / "out"
    pulumi.runtime.set_all_config({}, [])


def test_the_api_server_takes_every_rendered_object(rendered: Path, cluster: Cluster) -> None:
    server = DynamicClient(cluster.core.api_client)
    documents: list[dict[str, Any]] = [
        yaml.load(file.read_bytes(), yaml.CSafeLoader) for file in rendered.rglob("*.yaml")
    ]
    kinds = {document["kind"] for document in documents}
    assert kinds >= {"CustomResourceDefinition", "Deployment", "SecretStore", "PushSecret", "Job", "Ingress"}
    assert kinds >= {"ExternalSecret", "VaultDynamicSecret", "ClusterRoleBinding", "ConfigMap"}
    for document in documents:
        resource = server.resources.get(api_version=document["apiVersion"], kind=document["kind"])
        metadata = document["metadata"]
        taken = resource.server_side_apply(
            body=document,
            name=metadata["name"],
            namespace=metadata.get("namespace"),
            field_manager=MANAGER,
            force_conflicts=True,
            query_params=[("dryRun", "All"), ("fieldValidation", "Strict")],
        )
        assert taken.metadata.name == metadata["name"]
