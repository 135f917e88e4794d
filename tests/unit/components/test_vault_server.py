"""What a foundation declares, against Pulumi's mocks, and the configuration that its servers are given."""

from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from components.vault.server import VaultServer
from components.vault.server.config import first_config, server_config
from components.vault.server.helm import helm_values
from components.vault.server.setup import by_hand
from schema.foundation import FoundationSettings
from tests.support.declared import ROOT, Document, Recorder, declare_with
from tests.support.foundation import made_up_credentials

# The documented parameters of each seal, as its page shows them.
SEALS: dict[str, tuple[Document, str]] = {
    "awskms": (
        {"region": "us-east-1", "kmsKeyId": "19ec80b0", "endpoint": "https://vpce.example.com"},
        (
            'seal "awskms" {\n  region = "us-east-1"\n  kms_key_id = "19ec80b0"\n'
            '  endpoint = "https://vpce.example.com"\n}\n'
        ),
    ),
    "gcpckms": (
        {"project": "p", "region": "eu", "keyRing": "ring", "cryptoKey": "key"},
        'seal "gcpckms" {\n  region = "eu"\n  project = "p"\n  key_ring = "ring"\n  crypto_key = "key"\n}\n',
    ),
    "azurekeyvault": (
        {"tenantId": "t", "vaultName": "v", "keyName": "k", "credentialsSecret": "azure"},
        'seal "azurekeyvault" {\n  tenant_id = "t"\n  vault_name = "v"\n  key_name = "k"\n}\n',
    ),
    "transit": (
        {
            "address": "https://vault:8200",
            "keyName": "k",
            "mountPath": "transit",
            "credentialsSecret": "transit-token",
        },
        'seal "transit" {\n  key_name = "k"\n  address = "https://vault:8200"\n  mount_path = "transit"\n}\n',
    ),
    "static": (
        {"keyId": "1", "key": {"secret": "seal"}},
        'seal "static" {\n  current_key_id = "1"\n  current_key = "file:///server/seal/key"\n}\n',
    ),
}


@pytest.fixture
def document(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Document:
    for name, value in made_up_credentials(tmp_path, "foundation").items():
        monkeypatch.setenv(name, value)
    config = yaml.safe_load((ROOT / "foundation" / "Pulumi.local.yaml").read_text())["config"]
    return {key.partition(":")[2]: value for key, value in config.items()}


def production() -> FoundationSettings:
    config = yaml.safe_load((ROOT / "foundation" / "Pulumi.prod.example.yaml").read_text())["config"]
    return FoundationSettings.model_validate({key.partition(":")[2]: value for key, value in config.items()})


def settings(document: Document, **changes: Any) -> FoundationSettings:
    return FoundationSettings.model_validate({**document, **changes})


def declared(wanted: FoundationSettings) -> Recorder:
    return declare_with(
        lambda: VaultServer("vault", settings=wanted, kubernetes_namespace=pulumi.Output.from_input("vault"))
    )


def pod_of(recorder: Recorder) -> Any:
    return recorder.one("apps/v1:StatefulSet").inputs["spec"]["template"]["spec"]


# --- the servers' configuration --------------------------------------------------------------------------


@pytest.mark.parametrize(("parameters", "stanza"), SEALS.values(), ids=SEALS)
def test_a_seal_is_spelt_as_its_page_has_it(document: Document, parameters: Document, stanza: str) -> None:
    kind = next(name for name, (each, _) in SEALS.items() if each is parameters)
    assert stanza in server_config(settings(document, seal={"kind": kind, **parameters}))


def test_every_server_asks_all_of_them_and_expects_the_services_certificate(document: Document) -> None:
    text = server_config(settings(document))
    for ordinal in range(3):
        assert f'leader_api_addr = "https://vault-{ordinal}.vault-internal.foundation.svc:8200"' in text
    assert text.count('leader_tls_servername = "vault.foundation.svc"') == 3
    assert "tls_disable" not in text


def test_only_the_first_start_sets_up(document: Document) -> None:
    wanted = settings(document)
    assert "initialize" not in server_config(wanted)
    text = first_config(wanted)
    assert text.startswith(server_config(wanted))
    for path in ("sys/policies/acl/snapshot", "auth/foundation/role/snapshot", "sys/auth/foundation"):
        assert f'path = "{path}"' in text
    assert r"path \"sys/storage/raft/snapshot\" {\n  capabilities = [\"read\"]\n}" in text


def test_audit_devices_stand_in_the_configuration_of_openbao(document: Document) -> None:
    devices = [{"kind": "file"}, {"kind": "syslog", "facility": "LOCAL0", "tag": "bao"}]
    text = server_config(settings(document, audit=devices))
    assert 'audit "file" "file" {\n  options {\n    file_path = "/server/audit/audit.log"\n  }\n}' in text
    assert 'audit "syslog" "syslog" {\n  options {\n    facility = "LOCAL0"\n    tag = "bao"\n  }\n}' in text
    assert "audit" not in server_config(settings(document, audit=[{"kind": "none"}]))


def test_vault_is_told_by_hand_what_openbao_does_itself(document: Document) -> None:
    server = {**document["server"], "product": "vault"}
    seal = {"kind": "awskms", "region": "r", "kmsKeyId": "k"}
    wanted = settings(document, server=server, seal=seal)
    assert "audit" not in server_config(wanted)
    commands = by_hand(wanted)
    assert commands[0].startswith("vault operator init")
    assert "vault audit enable file file_path=/server/audit/audit.log" in commands
    assert commands[-1] == "vault token revoke -self"
    assert by_hand(settings(document)) == []
    recorder = declared(wanted)
    assert list(recorder.one("v1:ConfigMap").inputs["data"]) == ["server.hcl"]
    variables = {each["name"]: each.get("value") for each in pod_of(recorder)["containers"][0]["env"]}
    assert (variables["FIRST_MEMBER"], variables["TOOL"]) == ("", "vault")
    assert variables["VAULT_RAFT_NODE_ID"] == "$(POD_NAME)"


# --- what is declared ------------------------------------------------------------------------------------


def test_two_servers_never_share_a_node_unless_it_is_said(document: Document) -> None:
    required = declared(production())
    assert list(pod_of(required)["affinity"]["podAntiAffinity"]) == [
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    assert list(pod_of(declared(settings(document)))["affinity"]["podAntiAffinity"]) == [
        "preferredDuringSchedulingIgnoredDuringExecution"
    ]


@pytest.mark.parametrize(("replicas", "tolerated"), [(1, None), (3, 1), (5, 2)])
def test_the_quorum_survives_a_disruption(document: Document, replicas: int, tolerated: int | None) -> None:
    recorder = declared(settings(document, server={**document["server"], "replicas": replicas}))
    budgets = recorder.of_type("PodDisruptionBudget")
    assert [each.inputs["spec"]["maxUnavailable"] for each in budgets] == ([tolerated] if tolerated else [])


def test_storage_is_claimed_of_a_class_or_made_of_folders(document: Document) -> None:
    recorder = declared(production())
    templates = recorder.one("apps/v1:StatefulSet").inputs["spec"]["volumeClaimTemplates"]
    assert [each["metadata"]["name"] for each in templates] == ["data", "audit"]
    assert templates[0]["spec"]["storageClassName"] == "gp3"
    assert recorder.of_type("PersistentVolume") == []
    assert pod_of(recorder)["initContainers"] == []
    local = declared(settings(document)).of_type("v1:PersistentVolume")
    paths = {each.name: each.inputs["spec"]["hostPath"]["path"] for each in local}
    assert len(paths) == 2 * 3 + 1
    assert paths["persistentvolume-foundation-data-vault-2"] == "/run/node-data/foundation-data-vault-2"


def test_data_are_kept_unless_it_is_said(document: Document) -> None:
    for wanted, policy in ((production(), "Retain"), (settings(document), "Delete")):
        spec = declared(wanted).one("apps/v1:StatefulSet").inputs["spec"]
        assert spec["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == policy


def test_every_container_is_confined(document: Document) -> None:
    recorder = declared(settings(document))
    job = recorder.one("batch/v1:CronJob").inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    for pod in (pod_of(recorder), job):
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert context["readOnlyRootFilesystem"] is True
        assert pod["containers"][0]["resources"]["limits"]["memory"]


def test_policies_let_in_whoever_is_named_and_the_snapshots(document: Document) -> None:
    recorder = declared(production())
    servers = recorder.one("NetworkPolicy", "networkpolicy-vault").inputs["spec"]
    clients, between = servers["ingress"]
    assert clients["from"][0]["namespaceSelector"]["matchExpressions"][0]["values"] == [
        "external-secrets",
        "litellm",
        "vault",
    ]
    assert [each["port"] for each in between["ports"]] == [8200, 8201]
    upload = recorder.one("NetworkPolicy", "networkpolicy-vault-snapshot").inputs["spec"]
    assert {"ports": [{"port": 443, "protocol": "TCP"}]} in upload["egress"]
    without = settings(document, network={"policies": False})
    assert declared(without).of_type("NetworkPolicy") == []


def test_metrics_are_scraped_from_each_server(document: Document) -> None:
    recorder = declared(production())
    spec = recorder.one("ServiceMonitor").inputs["spec"]
    wanted = spec["selector"]["matchLabels"].items()
    services = [
        each.inputs["metadata"]["name"]
        for each in recorder.of_type("v1:Service")
        if wanted <= each.inputs["metadata"]["labels"].items()
    ]
    assert services == ["vault-internal"]
    assert spec["endpoints"][0]["tlsConfig"]["serverName"] == "vault.vault.svc"
    config = recorder.one("v1:ConfigMap").inputs["data"]["server.hcl"]
    assert "unauthenticated_metrics_access = true" in config
    assert declared(settings(document)).of_type("ServiceMonitor") == []


def test_cert_manager_is_asked_for_every_name() -> None:
    recorder = declared(production())
    certificate = recorder.one("Certificate").inputs["spec"]
    assert certificate["issuerRef"]["name"] == "internal-ca"
    assert {"vault.vault.svc", "*.vault-internal.vault.svc", "vault.example.com"} <= set(
        certificate["dnsNames"]
    )
    assert recorder.of_type("v1:Secret") == []


def test_snapshots_log_in_with_a_token_for_openbao_alone(document: Document) -> None:
    pod = (
        declared(settings(document)).one("CronJob").inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    )
    assert pod["automountServiceAccountToken"] is False
    [source] = next(each["projected"]["sources"] for each in pod["volumes"] if each["name"] == "login")
    assert source["serviceAccountToken"]["audience"] == "openbao"


def test_a_cloud_gives_an_identity_to_servers_and_upload(document: Document) -> None:
    role = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}
    server = {**document["server"], "serviceAccountAnnotations": role}
    snapshots = {**document["snapshots"], "serviceAccountAnnotations": role}
    accounts = declared(settings(document, server=server, snapshots=snapshots)).of_type(":ServiceAccount")
    given = {each.inputs["metadata"]["name"]: each.inputs["metadata"].get("annotations") for each in accounts}
    assert given == {"vault": role, "vault-snapshot": role, "vault-admin": None}


def test_a_bucket_takes_what_was_snapped_before() -> None:
    pod = declared(production()).one("CronJob").inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    [take], [upload] = pod["initContainers"], pod["containers"]
    assert (take["name"], upload["name"]) == ("snapshot", "upload")
    variables = {each["name"]: each["value"] for each in upload["env"]}
    assert variables["TARGET"] == "s3://example-vault-snapshots/vault"
    assert variables["AWS_REGION"] == "eu-central-1"


# --- the chart -------------------------------------------------------------------------------------------


def test_the_chart_gets_what_the_statefulset_would(document: Document) -> None:
    changes = {
        "deploy": "helm",
        "helm": {"version": "0.31.0"},
        "server": {"image": "hashicorp/vault:1.20.1", "product": "vault", "injector": True, "ui": True},
        "seal": SEALS["awskms"][0] | {"kind": "awskms"},
        "dataStorage": {"size": "20Gi", "storageClass": "gp3"},
        "auditStorage": {"size": "5Gi"},
    }
    wanted = settings(document, **changes)
    release = declared(wanted).one("helm.sh/v3:Release").inputs
    assert (release["chart"], release["version"]) == ("vault", "0.31.0")
    assert release["values"]["injector"] == {"enabled": True}
    server = helm_values(wanted)["server"]
    assert server["image"] == {"repository": "hashicorp/vault", "tag": "1.20.1"}
    assert server["dataStorage"]["storageClass"] == "gp3"
    assert server["auditStorage"] | {"size": "5Gi", "enabled": True} == server["auditStorage"]
    assert server["ha"]["replicas"] == 3
    assert 'path = "/vault/data"' in server["ha"]["raft"]["config"]
    assert server["volumeMounts"] == [{"name": "tls", "mountPath": "/server/tls", "readOnly": True}]
    assert declared(wanted).of_type("StatefulSet") == []
    assert "vault audit enable file file_path=/vault/audit/audit.log" in by_hand(wanted)
    [policy, _] = declared(wanted).of_type("NetworkPolicy")
    pods = policy.inputs["spec"]["podSelector"]["matchLabels"]
    assert pods == {
        "app.kubernetes.io/name": "vault",
        "app.kubernetes.io/instance": "vault",
        "component": "server",
    }


# Keys of the chart's values.yaml (0.31.0) that ours may use.
DOCUMENTED = {
    "": {"fullnameOverride", "global", "injector", "ui", "serverTelemetry", "server"},
    "global": {"tlsDisable", "serverTelemetry"},
    "server": {
        "image",
        "resources",
        "affinity",
        "authDelegator",
        "serviceAccount",
        "networkPolicy",
        "dataStorage",
        "auditStorage",
        "persistentVolumeClaimRetentionPolicy",
        "volumes",
        "volumeMounts",
        "extraEnvironmentVars",
        "standalone",
        "ha",
    },
    "server.dataStorage": {"enabled", "size", "mountPath", "storageClass", "accessMode"},
    "server.ha": {"enabled", "replicas", "raft", "disruptionBudget"},
    "server.ha.raft": {"enabled", "setNodeId", "config"},
    "server.ha.disruptionBudget": {"enabled", "maxUnavailable"},
}


def test_every_value_is_a_documented_one(document: Document) -> None:
    values = helm_values(settings(document, deploy="helm", helm={"version": "0.31.0"}))
    for path, documented in DOCUMENTED.items():
        here: Any = values
        for step in filter(None, path.split(".")):
            here = here[step]
        assert set(here) <= documented, path
