"""The life of a stack on the real platform, told in order: up, change, rotation, drift, destroy.

Every test leaves the stack as the next one expects it: deployed, and equal to its configuration.
"""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from tests.support.cluster import Cluster
from tests.support.gateway import Caller, chat
from tests.support.project import ROOT, CommandError, Project, without
from tests.support.vault import Vault
from tests.support.walk import readable, writable

# The Kubernetes client leaves the sockets of exec sessions to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")

CREDENTIALS = ("VAULT_ADDR", "VAULT_TOKEN", "KUBECONFIG", "LITELLM_")


def key_named(project: Project, name: str) -> dict[str, Any]:
    key: dict[str, Any] = project.outputs()["keys"][name]
    return key


# --- up --------------------------------------------------------------------------------------------------


def test_each_key_answers_for_its_models_and_for_no_other(project: Project) -> None:
    outputs = project.outputs()
    for key in outputs["keys"].values():
        for model in outputs["models"]:
            expected = 200 if model in key["models"] else 403
            assert chat(outputs["gatewayUrl"], key["key"], model) == expected, (key["alias"], model)


def test_the_id_of_a_key_is_its_hash(project: Project) -> None:
    for key in project.outputs()["keys"].values():
        assert key["id"] == hashlib.sha256(key["key"].encode()).hexdigest()


def test_every_credential_of_the_pods_comes_from_vault(
    project: Project, cluster: Cluster, vault: Vault
) -> None:
    del project
    api_keys, database = vault.read("litellm/api-keys"), vault.read("litellm/database")
    assert cluster.secret("litellm-env") == {
        "LITELLM_MASTER_KEY": api_keys["master-key"],
        "LITELLM_SALT_KEY": api_keys["salt-key"],
        "OPENAI_API_KEY": api_keys["openai-key"],
        "ANTHROPIC_API_KEY": api_keys["anthropic-key"],
        "DATABASE_URL": database["url"],
    }


def test_the_gateways_store_reads_exactly_the_gateways_secrets(
    project: Project, cluster: Cluster, vault: Vault
) -> None:
    del project
    jwt = cluster.account_token("litellm", "litellm-store")
    holder = vault.as_holder(vault.log_in("kubernetes", "litellm", jwt))
    assert readable(vault.client, holder) == {
        "litellm/data/api-keys",
        "litellm/data/database",
        "auth/token/lookup-self",
    }
    assert writable(vault.client, holder) == {"auth/token/renew-self", "auth/token/revoke-self"}


def test_a_preview_without_change_is_empty(project: Project) -> None:
    assert project.preview() == []


def test_a_refresh_without_drift_changes_nothing(project: Project) -> None:
    project.refresh()
    assert project.preview() == []


def test_a_preview_needs_no_credential(project: Project) -> None:
    assert project.preview(environment=without(project.environment, *CREDENTIALS)) == []


def test_a_first_preview_needs_no_credential_either(platform: Mapping[str, str], tmp_path: Path) -> None:
    fresh = Project(tmp_path / "project", without(platform, *CREDENTIALS))
    assert {step.operation for step in fresh.preview()} == {"create"}


def test_a_consumer_takes_its_key_from_the_outputs(
    project: Project, platform: Mapping[str, str], cluster: Cluster, tmp_path: Path
) -> None:
    consumer = tmp_path / "consumer"
    shutil.copytree(ROOT / "examples" / "consumer", consumer)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    manifest = (consumer / "Pulumi.yaml").read_text().replace("../../.venv", "../.venv")
    (consumer / "Pulumi.yaml").write_text(manifest)
    app = Project.existing(consumer, {**platform, **project.environment})
    app.pulumi("stack", "init", "dev")
    app.up()
    try:
        assert app.outputs()["models"] == ["gpt-4o"]
        secret = cluster.secret(app.outputs()["secret"], namespace="search")
        assert chat(secret["OPENAI_BASE_URL"].removesuffix("/v1"), secret["OPENAI_API_KEY"], "gpt-4o") == 200
    finally:
        app.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")


# --- a reviewed change -----------------------------------------------------------------------------------


def test_a_changed_budget_is_one_update_in_place(project: Project, gateway_admin: httpx.Client) -> None:
    before = key_named(project, "team-search")
    project.configure(lambda config: config["llm-gateway:keys"][0].update(maxBudget=7))
    assert [(s.operation, s.name, s.changed) for s in project.preview()] == [
        ("update", "team-search", frozenset({"max_budget"}))
    ]
    project.up()
    assert key_named(project, "team-search") == before
    info = gateway_admin.get("/key/info", params={"key": before["id"]}).json()["info"]
    assert info["max_budget"] == 7
    assert project.preview() == []


def test_a_changed_model_list_is_rolled_out_without_a_failed_request(project: Project) -> None:
    key = key_named(project, "team-search")
    url = project.outputs()["gatewayUrl"]
    project.configure(lambda config: config["llm-gateway:models"][1].update(mockResponse="Another answer."))
    with Caller(url, key["key"], "gpt-4o") as caller:
        project.up()
    assert set(caller.answers) == {"200"}, caller.answers
    assert project.preview() == []


# --- a secret rotated in Vault ---------------------------------------------------------------------------


def test_a_value_changed_in_vault_reaches_the_secret_and_then_the_pods(
    project: Project, cluster: Cluster, vault: Vault
) -> None:
    key = key_named(project, "team-search")
    url = project.outputs()["gatewayUrl"]
    vault.change("litellm/api-keys", openai_key="rotated-by-hand")
    cluster.wait_for_secret("litellm-env", "OPENAI_API_KEY", "rotated-by-hand")

    steps = {step.name: step for step in project.preview("--refresh")}
    assert steps["litellm-deployment"].operation == "update"

    with Caller(url, key["key"], "gpt-4o") as caller:
        project.up("--refresh")
    assert set(caller.answers) == {"200"}, caller.answers
    pods = cluster.gateway_pods()
    assert pods
    for pod in pods:
        assert cluster.variable_of(pod, "OPENAI_API_KEY") == "rotated-by-hand"
    assert vault.read("litellm/api-keys")["openai-key"] == "rotated-by-hand"
    assert project.preview() == []


# --- drift made by hand ----------------------------------------------------------------------------------


def test_a_key_changed_by_hand_is_seen_and_set_back(project: Project, gateway_admin: httpx.Client) -> None:
    key = key_named(project, "team-support")
    gateway_admin.post("/key/update", json={"key": key["id"], "max_budget": 999}).raise_for_status()
    project.refresh()
    assert [(s.operation, s.name, s.changed) for s in project.preview()] == [
        ("update", "team-support", frozenset({"max_budget"}))
    ]
    project.up()
    assert gateway_admin.get("/key/info", params={"key": key["id"]}).json()["info"]["max_budget"] == 20


def test_a_key_deleted_by_hand_is_minted_anew(project: Project, gateway_admin: httpx.Client) -> None:
    before = key_named(project, "team-support")
    gateway_admin.post("/key/delete", json={"keys": [before["id"]]}).raise_for_status()
    project.refresh()
    assert [(s.operation, s.name) for s in project.preview()] == [("create", "team-support")]
    project.up()
    after = key_named(project, "team-support")
    assert after["id"] != before["id"]
    assert chat(project.outputs()["gatewayUrl"], after["key"], "claude-sonnet") == 200


def test_a_deployment_changed_by_hand_is_seen_and_set_back(project: Project, cluster: Cluster) -> None:
    patch = {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 7}}}}
    cluster.apps.patch_namespaced_deployment("litellm", cluster.namespace, patch, field_manager="somebody")
    project.refresh()
    assert [(s.operation, s.name) for s in project.preview()] == [("update", "litellm-deployment")]
    project.up()
    deployment = cluster.apps.read_namespaced_deployment("litellm", cluster.namespace)
    assert deployment.spec.template.spec.termination_grace_period_seconds == 60


def test_a_role_changed_by_hand_is_seen_and_set_back(project: Project, vault: Vault) -> None:
    path = "auth/kubernetes/role/litellm"
    role = vault.data(path)
    vault.client.write_data(path, data={**role, "bound_service_account_namespaces": ["*"]})
    project.refresh()
    assert [(s.operation, s.name) for s in project.preview()] == [("update", "store-access-role")]
    project.up()
    assert vault.data(path)["bound_service_account_namespaces"] == ["litellm"]


def test_the_generated_keys_are_never_overwritten(project: Project, vault: Vault) -> None:
    before = vault.read("litellm/api-keys")
    project.configure(
        lambda config: config["llm-gateway:providerKeys"].update(
            AZURE_API_KEY={"property": "azure-key", "placeholder": True}
        )
    )
    project.up()
    after = vault.read("litellm/api-keys")
    assert after["azure-key"]
    assert {name: after[name] for name in before} == before
    project.reset_configuration()
    project.up()
    assert {name: vault.read("litellm/api-keys")[name] for name in ("master-key", "salt-key")} == {
        name: before[name] for name in ("master-key", "salt-key")
    }


# --- mistakes --------------------------------------------------------------------------------------------


def test_a_mistake_ends_in_a_sentence_and_changes_nothing(project: Project) -> None:
    project.configure(lambda config: config["llm-gateway:keys"][0].update(models=["gpt-4"]))
    code, out, err = project.run("up", "--yes", "--skip-preview", "--stack", "dev")
    said = out + err
    project.reset_configuration()
    assert code != 0
    assert "llm-gateway:keys[0].models: 'gpt-4' is not in the model list" in said
    assert "Traceback" not in said
    assert project.preview() == []


def test_a_wrong_token_for_vault_is_said_in_a_sentence(project: Project) -> None:
    wrong = project.environment | {"VAULT_TOKEN": "s.wrong"}
    code, out, err = project.run("refresh", "--yes", "--stack", "dev", environment=wrong)
    said = out + err
    assert code != 0
    assert project.environment["VAULT_ADDR"] in said
    assert "Traceback" not in said
    assert project.preview() == []


def test_an_unreachable_vault_is_said_in_a_sentence(project: Project) -> None:
    nowhere = project.environment | {"VAULT_ADDR": "https://127.0.0.1:9"}
    code, out, err = project.run("refresh", "--yes", "--stack", "dev", environment=nowhere)
    said = out + err
    assert code != 0
    assert "https://127.0.0.1:9" in said
    assert "Traceback" not in said
    assert project.preview() == []


def test_a_key_is_not_forgotten_while_the_gateway_is_away(project: Project, cluster: Cluster) -> None:
    urn = next(r["urn"] for r in project.resources() if r["urn"].endswith("VirtualKey::team-support"))
    url = project.outputs()["gatewayUrl"]
    project.configure(lambda config: config["llm-gateway:keys"].pop())
    cluster.scale_gateway(0)
    try:
        with pytest.raises(CommandError) as caught:
            project.up("--target", urn)
        assert "Traceback" not in caught.value.output
        assert url in caught.value.output
        assert urn in {resource["urn"] for resource in project.resources()}
    finally:
        cluster.scale_gateway(1)
        project.reset_configuration()
    project.up()
    assert project.preview() == []


# --- nothing leaks ---------------------------------------------------------------------------------------


def test_no_secret_stands_in_the_state_the_history_or_the_output(
    project: Project, vault: Vault, platform: Mapping[str, str]
) -> None:
    secrets = {
        "database": platform["LITELLM_DATABASE_URL"],
        "token": platform["VAULT_TOKEN"],
        "platform admin": vault.read("litellm/platform-admin")["api-key"],
        **vault.read("litellm/api-keys"),
        **{name: key["key"] for name, key in project.outputs()["keys"].items()},
    }
    transcript = project.transcript.encode()
    for name, value in secrets.items():
        assert len(value) > 8, name
        for path, content in project.written_files().items():
            assert value.encode() not in content, f"{name} stands in {path}"
        assert value.encode() not in transcript, f"{name} was printed"


def test_a_provider_is_a_small_reference_in_the_state(project: Project) -> None:
    pickles = [r["inputs"]["__provider"] for r in project.resources() if "__provider" in r.get("inputs", {})]
    assert len(pickles) == 8
    assert all(isinstance(pickle, str) and len(pickle) < 200 for pickle in pickles), pickles


# --- the end ---------------------------------------------------------------------------------------------


def test_destroy_leaves_no_key_alive_and_nothing_behind(
    project: Project, cluster: Cluster, vault: Vault
) -> None:
    outputs = project.outputs()
    keys = outputs["keys"].values()
    replicas = [f"http://{pod.status.pod_ip}:4000" for pod in cluster.gateway_pods()]
    project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev", "--target", "**VirtualKey**")
    for replica in replicas:
        for key in keys:
            assert _refused(replica, key, outputs["keyCacheTtlSeconds"]), (replica, key["alias"])
    project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")
    assert project.resources() == []
    assert "litellm/" not in vault.mounts()
    assert not cluster.namespace_exists("litellm")


def _refused(url: str, key: Mapping[str, Any], cache_ttl_seconds: int) -> bool:
    """Wait until a replica refuses a key: at most as long as it may remember one."""
    attempts = Retrying(
        retry=retry_if_result(lambda status: status != 401),
        stop=stop_after_delay(cache_ttl_seconds + 5),
        wait=wait_fixed(0.5),
    )
    return attempts(chat, url, key["key"], key["models"][0]) == 401
