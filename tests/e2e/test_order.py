"""The whole life of a stack that brings the operator itself, told in order, on a platform without one.

It goes up from nothing in one go and down in one go: this needs a platform of its own, because whoever takes
the operator's definitions away takes every ExternalSecret of the cluster along.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from local.environment import with_environment
from local.instance import Instance
from local.record import PlatformRecord
from local.stack import Stack
from tests.conftest import KEEP, local
from tests.support.bare import GROUPS, Leftovers, take_operator_away
from tests.support.cluster import Cluster
from tests.support.gateway import chat
from tests.support.project import ROOT, CommandError, Project
from tests.support.vault import Vault
from toolchain import ensure

BARE = os.environ.get("LLM_GATEWAY_BARE_INSTANCE", "bare")
NAMESPACE = "external-secrets"
FOREIGN = {
    "apiVersion": "external-secrets.io/v1",
    "kind": "ExternalSecret",
    "metadata": {"name": "of-somebody-else"},
    "spec": {
        "secretStoreRef": {"kind": "SecretStore", "name": "none"},
        "target": {"name": "of-somebody-else"},
        "dataFrom": [{"extract": {"key": "none"}}],
    },
}
MANIFEST = {"name": "operator", "runtime": {"name": "python", "options": {"virtualenv": ".venv"}}}
OPERATOR_ALONE = """
import pathlib

import pulumi

from components.external_secrets import Operator
from components.kubernetes import Cluster
from schema import ExternalSecretsSettings, KubernetesSettings

cluster = KubernetesSettings()
Operator(
    "external-secrets",
    settings=ExternalSecretsSettings.model_validate_json(pathlib.Path("settings.json").read_text()),
    cluster=cluster,
    opts=pulumi.ResourceOptions(providers=[Cluster("cluster", cluster)]),
)
"""
# What a destroy has to do one after the other: name of a resource, and what has to be gone before it.
DESTROYED_BEFORE = {
    "search-store": ["search-llm-key", "search-push-copy-*"],
    "search-role": ["search-store"],
    "litellm-vault-store": ["litellm-env-external-secret"],
    "store-access-role": ["litellm-vault-store"],
    "store-access-kubernetes": ["store-access-role", "search-role"],
    "secrets-mount": ["store-access-policy", "search-policy", "platform-admin", "search"],
    "platform-admin": ["team-search", "team-support", "search"],
    "revocation-bound": ["team-search", "team-support", "search"],
    "litellm-deployment": ["revocation-bound", "platform-admin"],
    "litellm-env-external-secret": ["litellm-deployment"],
    "external-secrets-api": ["litellm-vault-store", "search-store", "search-llm-key", "search-push-copy-*"],
    "external-secrets-deployment": ["external-secrets-api"],
    "external-secrets-clusterrolebinding": ["external-secrets-deployment"],
    "external-secrets-definitions": ["external-secrets-deployment"],
    "litellm": ["litellm-deployment", "litellm-vault-store"],
}


@pytest.fixture(scope="module")
def bare() -> Iterator[Mapping[str, str]]:
    """Environment of a platform without the operator."""
    if not KEEP:
        local("down", "--purge", "--yes", instance=BARE)
    local("up", instance=BARE)
    environment = with_environment(Stack.ready(Instance.named(BARE)).variables)
    take_operator_away(environment["KUBECONFIG"])
    yield environment
    if not KEEP:
        local("down", "--purge", "--yes", instance=BARE)


@pytest.fixture(scope="module")
def bare_cluster(bare: Mapping[str, str]) -> Cluster:
    return Cluster(bare["KUBECONFIG"])


@pytest.fixture(scope="module")
def bare_vault(bare: Mapping[str, str]) -> Vault:
    return Vault({name: bare[name] for name in ("VAULT_ADDR", "VAULT_TOKEN", "VAULT_CACERT")})


@pytest.fixture(scope="module")
def stack(bare: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Give the dev stack with an app that pushes, which is not deployed yet."""
    project = Project(tmp_path_factory.mktemp("order") / "project", bare)
    project.configure(_with_operator)
    project.configure(_with_app)
    yield project
    if project.resources():
        project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")


def _brought(crds: str) -> dict[str, Any]:
    """Have the program bring the operator, with the image that the platform has."""
    record = PlatformRecord.load(Instance.named(BARE))
    assert record is not None
    return {"install": {"mode": "manifests", "crds": [crds], "image": record.images["external-secrets"]}}


def _with_operator(config: dict[str, Any]) -> None:
    config["llm-gateway:externalSecrets"] = _brought(str(ensure("external-secrets") / "crds"))


def _with_app(config: dict[str, Any]) -> None:
    push = {"name": "copy", "secret": "llm-key", "path": "copy", "deletionPolicy": "Delete"}
    config["llm-gateway:apps"] = [{"name": "search", "key": {"models": ["gpt-4o"]}, "push": [push]}]


# --- up --------------------------------------------------------------------------------------------------


def test_up_from_nothing_makes_the_operator_and_all_that_it_brings_in_one_go(
    stack: Project, bare_cluster: Cluster, bare_vault: Vault
) -> None:
    stack.up()
    outputs = stack.outputs()
    key = outputs["keys"]["team-search"]["key"]
    assert chat(outputs["gatewayUrl"], key, "gpt-4o") == 200
    assert bare_cluster.secret("llm-key", "search")["OPENAI_API_KEY"]
    assert bare_vault.read("litellm/apps/search/copy")["OPENAI_API_KEY"]


def test_nothing_changes_without_a_change(stack: Project) -> None:
    assert stack.preview() == []
    stack.refresh()
    assert stack.preview() == []


def test_the_state_holds_the_definitions_by_their_digest(stack: Project) -> None:
    sizes = {resource["urn"]: len(repr(resource)) for resource in stack.resources()}
    assert max(sizes.values()) < 30_000, sizes


def test_a_definition_changed_by_hand_is_seen_and_set_back(stack: Project, bare_cluster: Cluster) -> None:
    extensions = Leftovers(bare_cluster).extensions
    name = "pushsecrets.external-secrets.io"

    def short_names() -> list[str]:
        found: list[str] = extensions.read_custom_resource_definition(name).spec.names.short_names
        return found

    before = short_names()
    extensions.patch_custom_resource_definition(name, {"spec": {"names": {"shortNames": ["changed"]}}})
    steps = [step for step in stack.preview("--refresh") if step.operation != "refresh"]
    assert [(step.operation, step.name) for step in steps] == [("update", "external-secrets-definitions")]
    stack.up("--refresh")
    assert short_names() == before
    assert stack.preview() == []


# --- destroy ---------------------------------------------------------------------------------------------


def test_destroy_takes_everything_away_in_one_go_and_in_order(stack: Project) -> None:
    shown = stack.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")
    assert stack.resources() == []
    for name, earlier in DESTROYED_BEFORE.items():
        for each in earlier:
            assert _moment(shown, each, "deleted") < _moment(shown, name, "deleting"), (each, name)


def test_nothing_is_left_of_it(stack: Project, bare_cluster: Cluster, bare_vault: Vault) -> None:
    del stack
    left = Leftovers(bare_cluster)
    assert left.definitions() == []
    assert left.of_the_program() == []
    assert not any(bare_cluster.namespace_exists(name) for name in ("litellm", "search", NAMESPACE))
    assert "litellm/" not in bare_vault.mounts()
    assert "kubernetes/" not in bare_vault.data("sys/auth")
    assert [name for name in bare_vault.data("sys/policy")["policies"] if "litellm" in name] == []


def _moment(shown: str, name: str, what: str) -> int:
    """Tell where the CLI says so of a resource; `*` stands for the end of a name."""
    pattern = rf"\S+:\S+ {re.escape(name).replace(re.escape('*'), '[0-9a-f]+')} {what}\b"
    found = re.search(pattern, shown)
    assert found, f"{name} {what} isn't said in:\n{shown}"
    return found.start()


# --- somebody else ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def operator_alone(bare: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Give a program that is the operator and nothing else, not deployed yet."""
    folder = tmp_path_factory.mktemp("operator")
    (folder / ".venv").symlink_to(ROOT / ".venv")
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(MANIFEST))
    (folder / "__main__.py").write_text(OPERATOR_ALONE)
    # A path is meant from the program's folder.
    (folder / "crds").symlink_to(ensure("external-secrets") / "crds")
    (folder / "settings.json").write_text(json.dumps(_brought("crds")))
    (folder / "passphrase").write_text("a passphrase of the tests")
    (folder / "state").mkdir()
    own = {
        "PYTHONPATH": str(ROOT),
        "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(folder / "passphrase"),
    }
    project = Project.existing(folder, {**bare, **own})
    project.pulumi("stack", "init", "dev", "--non-interactive")
    yield project
    project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")


def test_an_operator_that_others_use_is_not_taken_away(
    operator_alone: Project, bare_cluster: Cluster
) -> None:
    operator_alone.up()
    place = (GROUPS[0], "v1", "default", "externalsecrets")
    bare_cluster.custom.create_namespaced_custom_object(*place, FOREIGN)
    try:
        with pytest.raises(CommandError) as caught:
            operator_alone.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")
        assert "ExternalSecret default/of-somebody-else" in caught.value.output
        assert "Traceback" not in caught.value.output
        deployment = bare_cluster.apps.read_namespaced_deployment(NAMESPACE, NAMESPACE)
        assert deployment.status.ready_replicas == 1
    finally:
        bare_cluster.custom.delete_namespaced_custom_object(*place, "of-somebody-else")
    operator_alone.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")
    assert operator_alone.resources() == []


def test_definitions_of_somebody_else_are_not_taken_over(
    operator_alone: Project, bare_cluster: Cluster
) -> None:
    left = Leftovers(bare_cluster)
    name = "fakes.generators.external-secrets.io"
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object"}},
    }
    names = {"plural": "fakes", "kind": "Fake"}
    spec = {"group": GROUPS[1], "names": names, "scope": "Namespaced", "versions": [version]}
    left.extensions.create_custom_resource_definition({"metadata": {"name": name}, "spec": spec})
    try:
        with pytest.raises(CommandError) as caught:
            operator_alone.up()
        assert f"CustomResourceDefinition {name} is there already" in caught.value.output
        assert "Traceback" not in caught.value.output
        assert left.definitions() == [name]
    finally:
        left.delete_definitions()
    operator_alone.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")


def test_an_operator_that_is_not_there_is_said_in_one_sentence(operator_alone: Project) -> None:
    (operator_alone.folder / "settings.json").write_text("{}")
    with pytest.raises(CommandError) as caught:
        operator_alone.up()
    sentence = "doesn't serve external-secrets.io/v1: External Secrets Operator isn't installed"
    assert sentence in caught.value.output
    assert "llm-gateway:externalSecrets.install" in caught.value.output
    assert "Traceback" not in caught.value.output
