"""What the program declares, resource by resource, against Pulumi's mocks."""

from typing import Any

import pytest
import yaml

from tests.support.declared import Declared, Document, Recorder, declare

MASTER_KEY = {"vault": {"mount": "litellm", "path": "api-keys", "property": "master-key"}}


def pod_of(resource: Declared) -> Any:
    return resource.inputs["spec"]["template"]["spec"]


def test_the_policy_reads_exactly_the_two_paths_and_its_own_token(config: Document) -> None:
    recorder = declare(config)
    policy = recorder.one("policy:Policy")
    assert policy.inputs["name"] == "litellm-read"
    assert policy.inputs["policy"] == (
        'path "litellm/data/api-keys" {\n  capabilities = ["read"]\n}\n'
        'path "litellm/data/database" {\n  capabilities = ["read"]\n}\n'
        'path "auth/token/lookup-self" {\n  capabilities = ["read"]\n}\n'
        'path "auth/token/renew-self" {\n  capabilities = ["update"]\n}\n'
        'path "auth/token/revoke-self" {\n  capabilities = ["update"]\n}\n'
    )
    role = recorder.one("authBackendRole:AuthBackendRole").inputs
    assert (role["tokenPolicies"], role["tokenNoDefaultPolicy"]) == (["litellm-read"], True)


def test_the_role_is_bound_to_the_stores_account_namespace_and_audience(config: Document) -> None:
    config["gateway"]["namespace"] = "llm"
    role = declare(config).one("authBackendRole:AuthBackendRole").inputs
    assert role["boundServiceAccountNames"] == ["litellm-store"]
    assert role["boundServiceAccountNamespaces"] == ["llm"]
    assert role["audience"] == "openbao"
    assert role["tokenPolicies"] == ["litellm-read"]


def test_master_and_salt_key_are_generated_and_provider_keys_only_named(config: Document) -> None:
    config["providerKeys"]["OPENAI_API_KEY"] = {"property": "openai-key", "manual": True}
    api_keys = declare(config).one("vault:KvSecret", "secrets-api-keys").inputs
    assert api_keys["properties"] == {
        "master-key": {"generate": "litellm-key"},
        "salt-key": {"generate": "litellm-key"},
        "openai-key": {"manual": True},
        "anthropic-key": {"generate": "password"},
    }


def test_the_database_url_is_a_reference_and_never_an_input(config: Document) -> None:
    recorder = declare(config)
    assert recorder.one("vault:KvSecret", "secrets-database").inputs["properties"] == {
        "url": {"env": "LITELLM_DATABASE_URL"}
    }
    assert "hunter2" not in repr(recorder.resources)


def test_the_store_logs_in_as_its_account_and_is_awaited(config: Document) -> None:
    store = declare(config).one(":SecretStore").inputs
    vault = store["spec"]["provider"]["vault"]
    assert vault["server"] == "https://openbao.vault.svc:8200"
    assert vault["auth"]["kubernetes"] == {
        "mountPath": "kubernetes",
        "role": "litellm",
        "serviceAccountRef": {"name": "litellm-store", "audiences": ["openbao"]},
    }
    assert vault["caProvider"] == {"type": "ConfigMap", "name": "litellm-vault-ca", "key": "ca.crt"}
    assert store["metadata"]["annotations"]["pulumi.com/waitFor"] == "condition=Ready"


def test_a_token_store_keeps_its_token_secret(config: Document) -> None:
    config["vault"]["auth"] = {"method": "token", "period": "24h"}
    recorder = declare(config)
    assert recorder.one("token:Token").inputs["period"] == "24h"
    assert recorder.of_type("authBackendRole:AuthBackendRole") == []
    auth = recorder.one(":SecretStore").inputs["spec"]["provider"]["vault"]["auth"]
    assert auth == {"tokenSecretRef": {"name": "litellm-vault-token", "key": "token"}}


def test_the_external_secret_maps_the_five_variables(config: Document) -> None:
    spec = declare(config).one(":ExternalSecret").inputs["spec"]
    mapped = {item["secretKey"]: item["remoteRef"] for item in spec["data"]}
    assert {name: (ref["key"], ref["property"]) for name, ref in mapped.items()} == {
        "LITELLM_MASTER_KEY": ("api-keys", "master-key"),
        "LITELLM_SALT_KEY": ("api-keys", "salt-key"),
        "OPENAI_API_KEY": ("api-keys", "openai-key"),
        "ANTHROPIC_API_KEY": ("api-keys", "anthropic-key"),
        "DATABASE_URL": ("database", "url"),
    }
    assert spec["refreshInterval"] == "15s"
    assert spec["target"]["creationPolicy"] == "Owner"


def test_another_api_version_of_the_operator_can_be_asked_for(config: Document) -> None:
    config["externalSecrets"] = {"apiVersion": "v1beta1"}
    assert (
        declare(config).one(":ExternalSecret").type == "kubernetes:external-secrets.io/v1beta1:ExternalSecret"
    )


def test_the_config_names_secrets_and_holds_none(config: Document) -> None:
    document = yaml.safe_load(
        declare(config).one(":ConfigMap", "litellm-config").inputs["data"]["config.yaml"]
    )
    assert document["model_list"][0] == {
        "model_name": "gpt-4o",
        "litellm_params": {
            "model": "openai/gpt-4o",
            "api_key": "os.environ/OPENAI_API_KEY",
            "mock_response": "Hello from the local stand-in for gpt-4o.",
        },
    }
    assert document["general_settings"]["master_key"] == "os.environ/LITELLM_MASTER_KEY"
    assert document["general_settings"]["user_api_key_cache_ttl"] == 10


def test_a_replica_is_locked_down_and_takes_its_credentials_from_the_secret(config: Document) -> None:
    pod = pod_of(declare(config).one(":Deployment"))
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["envFrom"] == [{"secretRef": {"name": "litellm-env"}}]
    assert {"name": "STORE_MODEL_IN_DB", "value": "True"} in container["env"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/readiness"
    assert container["livenessProbe"]["httpGet"]["path"] == "/health/liveliness"
    assert container["resources"]["limits"] == {"memory": "1536Mi"}


def test_the_template_carries_versions_and_a_checksum_and_no_value(config: Document) -> None:
    annotations = declare(config).one(":Deployment").inputs["spec"]["template"]["metadata"]["annotations"]
    assert annotations["llm-gateway/vault-versions"] == "api-keys=3,database=3"
    assert len(annotations["checksum/config"]) == 64


def test_a_changed_model_list_changes_the_checksum(config: Document) -> None:
    def checksum(recorder: Recorder) -> str:
        template = recorder.one(":Deployment").inputs["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/config"])

    before = checksum(declare(config))
    config["models"][0]["mockResponse"] = "Something else."
    assert checksum(declare(config)) != before


def test_the_migration_job_is_named_by_pulumi_and_runs_the_same_image(config: Document) -> None:
    recorder = declare(config)
    job = recorder.one(":Job")
    assert "name" not in job.inputs["metadata"]
    assert (
        pod_of(job)["containers"][0]["image"] == pod_of(recorder.one(":Deployment"))["containers"][0]["image"]
    )
    assert pod_of(job)["containers"][0]["command"] == ["python", "litellm/proxy/prisma_migration.py"]


def test_two_replicas_are_kept_apart_and_not_evicted_together(config: Document) -> None:
    del config["gateway"]["replicas"]
    recorder = declare(config)
    assert recorder.one(":Deployment").inputs["spec"]["replicas"] == 2
    assert recorder.one(":PodDisruptionBudget").inputs["spec"]["maxUnavailable"] == 1


def test_one_replica_needs_no_disruption_budget(config: Document) -> None:
    assert declare(config).of_type(":PodDisruptionBudget") == []


def test_an_ingress_redirects_to_tls_and_asks_cert_manager(config: Document) -> None:
    config["gateway"]["ingress"]["certManagerIssuer"] = "letsencrypt"
    ingress = declare(config).one(":Ingress").inputs
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert ingress["spec"]["tls"] == [{"hosts": ["gateway.example.test"], "secretName": "gateway-tls"}]
    assert ingress["metadata"]["annotations"] == {
        "nginx.ingress.kubernetes.io/ssl-redirect": "true",
        "cert-manager.io/cluster-issuer": "letsencrypt",
        "pulumi.com/skipAwait": "true",
    }


def test_an_http_route_takes_the_place_of_the_ingress(config: Document) -> None:
    config["gateway"]["ingress"] = {"kind": "httproute", "host": "llm.example.com", "gatewayName": "edge"}
    recorder = declare(config)
    route = recorder.one(":HTTPRoute").inputs["spec"]
    assert recorder.of_type(":Ingress") == []
    assert route["parentRefs"] == [{"name": "edge"}]
    assert route["hostnames"] == ["llm.example.com"]
    assert route["rules"][0]["backendRefs"] == [{"name": "litellm", "port": 4000}]


def test_vaults_certificate_is_looked_at_as_pods_will_see_it_unless_it_is_said_not_to(
    config: Document,
) -> None:
    trust = declare(config).one("tls:ServerTrust").inputs
    assert (trust["address_env"], trust["server_name"]) == ("VAULT_ADDR", "openbao.vault.svc")
    assert "BEGIN CERTIFICATE" in trust["ca"]
    config["vault"]["checkCa"] = False
    assert not declare(config).of_type("tls:ServerTrust")


def test_the_mounts_of_somebody_else_are_looked_at_and_our_own_is_not(config: Document) -> None:
    assert not declare(config).of_type("vault:KvMounts")
    config["vault"]["createMount"] = False
    config["apps"] = [{"name": "search"}, {"name": "support", "mount": "shared"}]
    config["keys"][0]["deliver"] = {"mount": "shared", "path": "keys/search"}
    config["gateway"]["adminKey"] = {"vault": {"mount": "admins", "path": "litellm", "property": "key"}}
    assert declare(config).one("vault:KvMounts").inputs["mounts"] == {
        "litellm": "llm-gateway:vault.mount",
        "shared": "llm-gateway:apps[1].mount, llm-gateway:keys[0].deliver.mount",
        "admins": "llm-gateway:gateway.adminKey.vault.mount",
    }


def test_each_key_is_a_resource_that_refers_to_the_admin_key(config: Document) -> None:
    recorder = declare(config)
    key = recorder.one("litellm:VirtualKey", "team-search").inputs
    assert (key["models"], key["max_budget"], key["budget_duration"]) == (["gpt-4o"], 5, "30d")
    assert key["gateway"]["url"] == "http://10.96.7.7:4000"
    assert key["gateway"]["admin_key"] == {
        "vault": {"mount": "litellm", "path": "platform-admin", "property": "api-key"}
    }
    assert recorder.outputs["keys"]["team-search"]["alias"] == "team-search-0000000"


def test_a_destroy_waits_for_the_key_cache_of_the_replicas(config: Document) -> None:
    config["gateway"]["keyCacheTtlSeconds"] = 7
    bound = declare(config).one("litellm:RevocationBound").inputs
    assert (bound["url"], bound["ttl_seconds"]) == ("http://10.96.7.7:4000", 7)


def test_a_platform_admin_is_made_with_the_master_key_and_manages_the_keys(config: Document) -> None:
    recorder = declare(config)
    admin = recorder.one("litellm:PlatformAdmin", "platform-admin").inputs
    assert admin["gateway"]["admin_key"] == MASTER_KEY
    assert admin["deliver"] == {"mount": "litellm", "path": "platform-admin"}
    key = recorder.one("litellm:VirtualKey", "team-search").inputs["gateway"]
    assert key.pop("admin_key_owner") == "platform-admin"
    assert key | {"admin_key": MASTER_KEY} == admin["gateway"]


def test_whoever_asks_the_gateway_trusts_its_own_ca(config: Document) -> None:
    config["gateway"] |= {"url": "https://gateway.example.com", "caCertFile": "/etc/ssl/own-ca.pem"}
    config["apps"] = [{"name": "search", "key": {"models": ["gpt-4o"]}}]
    recorder = declare(config)
    asking = [recorder.one("litellm:PlatformAdmin"), *recorder.of_type("litellm:VirtualKey")]
    assert [one.inputs["gateway"]["ca_cert_file"] for one in asking] == ["/etc/ssl/own-ca.pem"] * 4


@pytest.mark.parametrize("declared", [{"platformAdmin": False}, {"adminKey": {"env": "LITELLM_ADMIN_KEY"}}])
def test_keys_can_be_managed_without_a_platform_admin(config: Document, declared: dict[str, Any]) -> None:
    config["gateway"] |= declared
    recorder = declare(config)
    assert recorder.of_type("litellm:PlatformAdmin") == []
    key = recorder.one("litellm:VirtualKey", "team-search").inputs["gateway"]
    assert key["admin_key"] == declared.get("adminKey", MASTER_KEY)
    assert "admin_key_owner" not in key


def test_a_platform_admin_can_be_made_with_another_admin_key(config: Document) -> None:
    config["gateway"] |= {"platformAdmin": True, "adminKey": {"env": "LITELLM_ADMIN_KEY"}}
    admin = declare(config).one("litellm:PlatformAdmin").inputs
    assert admin["gateway"]["admin_key"] == {"env": "LITELLM_ADMIN_KEY"}


def test_a_delivered_key_is_an_output_by_its_path_only(config: Document) -> None:
    config["keys"][0]["deliver"] = {"path": "keys/team-search"}
    recorder = declare(config)
    deliver = {"mount": "litellm", "path": "keys/team-search", "property": "api-key"}
    assert recorder.one("litellm:VirtualKey", "team-search").inputs["deliver"] == deliver
    assert "key" not in recorder.outputs["keys"]["team-search"]
    assert "vaultPath" in recorder.outputs["keys"]["team-search"]
    assert "key" in recorder.outputs["keys"]["team-support"]


def test_the_key_api_is_called_at_its_url_unless_it_shall_be_forwarded(config: Document) -> None:
    config["kubernetes"] = {"context": "prod"}
    assert (
        not {"reach", "cluster"} & declare(config).one("VirtualKey", "team-search").inputs["gateway"].keys()
    )
    config["gateway"]["reach"] = "port-forward"
    way = declare(config).one("VirtualKey", "team-search").inputs["gateway"]
    forwarded = {"namespace": "litellm", "service": "litellm", "port": 4000}
    assert (way["reach"], way["cluster"]) == ({"port_forward": forwarded}, {"context": "prod"})
    assert way["url"] == "http://10.96.7.7:4000"


def test_a_consumer_is_named_with_its_cluster(config: Document) -> None:
    config["kubernetes"] = {"context": "prod"}
    consumer = {"externalSecret": "search/llm-key", "deployment": "search/app"}
    config["keys"][0].update(deliver={"path": "keys/team-search"}, consumer=consumer)
    key = declare(config).one("VirtualKey", "team-search").inputs
    assert key["consumer"] == {
        "external_secret": "search/llm-key",
        "deployment": "search/app",
        "timeout_seconds": 120,
    }
    assert key["gateway"]["cluster"] == {"context": "prod"}


def test_a_key_has_the_fields_of_its_template_and_its_own(config: Document) -> None:
    config["templates"] = {
        "team": {
            "aliasPrefix": "t-",
            "ttl": "30d",
            "maxTtl": "90d",
            "blocked": True,
            "metadata": {"tier": "gold"},
        }
    }
    config["keys"][0] |= {"template": "team", "modelRpmLimit": {"gpt-4o": 5}}
    recorder = declare(config)
    key = recorder.one("litellm:VirtualKey", "team-search").inputs
    assert (key["alias"], key["duration"], key["max_ttl"]) == ("t-team-search", "30d", "90d")
    assert (key["blocked"], key["model_rpm_limit"], key["rpm_limit"]) == (True, {"gpt-4o": 5}, 600)
    assert key["metadata"] == {"tier": "gold", "team": "search"}
    assert "template" not in key
    assert recorder.one("litellm:VirtualKey", "team-support").inputs.get("alias") is None


def test_a_given_url_is_where_the_key_api_is_called(config: Document) -> None:
    config["gateway"]["url"] = "https://llm.example.com"
    assert declare(config).outputs["url"] == "https://llm.example.com"


def test_every_object_carries_the_recommended_labels(config: Document) -> None:
    recorder = declare(config)
    objects = [r for r in recorder.resources if r.type.startswith("kubernetes:")]
    assert len(objects) >= 9
    for resource in objects:
        assert "pulumi:providers:kubernetes::cluster" in (resource.provider or ""), resource.name
        assert resource.inputs["metadata"]["labels"]["app.kubernetes.io/part-of"] == "llm-gateway", (
            resource.name
        )


def test_an_existing_mount_and_namespace_are_left_to_their_owner(config: Document) -> None:
    config["vault"]["createMount"] = False
    config["gateway"]["createNamespace"] = False
    recorder = declare(config)
    assert recorder.of_type("mount:Mount") == []
    assert recorder.of_type(":Namespace") == []


def test_a_preview_with_unknown_values_declares_the_same_resources(config: Document) -> None:
    known = {(r.type, r.name) for r in declare(config).resources}
    assert {(r.type, r.name) for r in declare(config, preview=True).resources} == known
