"""An app of the configuration: the policy that can't widen, who gets it, and what comes to its namespace."""

import json
import re
from typing import Any

import pytest

from tests.support.declared import Document, Recorder, declare, declare_example

SEARCH: Document = {
    "name": "search",
    "secrets": [
        {"name": "search-env", "properties": {"PASSWORD": {"path": "database", "property": "password"}}},
        {"name": "search-files", "extract": ["settings"], "files": {".env": "env"}},
    ],
}


def declare_apps(config: Document, *apps: Document) -> Recorder:
    config["apps"] = list(apps)
    return declare(config)


def rules(recorder: Recorder, name: str = "search-policy") -> dict[str, list[str]]:
    """Read a policy back: path -> capabilities."""
    text = recorder.one("policy:Policy", name).inputs["policy"]
    found = re.findall(r'path (".*?") \{\n  capabilities = (\[.*?\])\n\}\n', text)
    assert "".join(f"path {path} {{\n  capabilities = {can}\n}}\n" for path, can in found) == text
    return {json.loads(path): json.loads(can) for path, can in found}


OF_ITS_TOKEN = {
    "auth/token/lookup-self": ["read"],
    "auth/token/renew-self": ["update"],
    "auth/token/revoke-self": ["update"],
}

# --- what it may read ------------------------------------------------------------------------------------


def test_the_policy_names_the_paths_of_its_secrets_and_no_other(config: Document) -> None:
    assert rules(declare_apps(config, SEARCH)) == OF_ITS_TOKEN | {
        "litellm/data/apps/search/database": ["read"],
        "litellm/metadata/apps/search/database": ["read"],
        "litellm/data/apps/search/settings": ["read"],
        "litellm/metadata/apps/search/settings": ["read"],
    }


def test_a_wildcard_stands_below_the_prefix_and_lists_too(config: Document) -> None:
    app = {"name": "search", "read": ["tls/*"]}
    assert rules(declare_apps(config, app)) == OF_ITS_TOKEN | {
        "litellm/data/apps/search/tls/*": ["read"],
        "litellm/metadata/apps/search/tls/*": ["read", "list"],
    }


def test_an_app_can_be_given_all_of_its_prefix_and_no_more(config: Document) -> None:
    app = {"name": "search", "prefix": "teams/a", "mount": "shared", "read": ["*"]}
    assert rules(declare_apps(config, app)) == OF_ITS_TOKEN | {
        "shared/data/teams/a/*": ["read"],
        "shared/metadata/teams/a/*": ["read", "list"],
    }


@pytest.mark.parametrize(
    ("deletion_policy", "capabilities"),
    [("None", ["create", "read", "update"]), ("Delete", ["create", "read", "update", "delete"])],
)
def test_a_push_may_write_its_path_and_delete_it_only_if_it_shall(
    config: Document, deletion_policy: str, capabilities: list[str]
) -> None:
    push = {"name": "out", "secret": "made-here", "path": "outbox", "deletionPolicy": deletion_policy}
    recorder = declare_apps(config, {"name": "search", "push": [push]})
    name = recorder.one(":PushSecret").name
    assert rules(recorder, f"{name}-policy") == OF_ITS_TOKEN | {
        "litellm/data/apps/search/outbox": capabilities,
        "litellm/metadata/apps/search/outbox": capabilities,
    }


def test_a_push_has_an_identity_and_a_store_of_its_own(config: Document) -> None:
    push = {"name": "out", "secret": "made-here", "path": "outbox"}
    recorder = declare_apps(config, {"name": "search", "push": [push]})
    pushed = recorder.one(":PushSecret").inputs
    name = pushed["metadata"]["name"]
    assert pushed["spec"]["secretStoreRefs"] == [{"kind": "SecretStore", "name": name}]
    role = recorder.one("authBackendRole:AuthBackendRole", f"{name}-role").inputs
    assert role["boundServiceAccountNames"] == [f"search-store{name.removeprefix('search')}"]
    assert rules(recorder) == OF_ITS_TOKEN


def test_a_push_to_another_path_is_another_push(config: Document) -> None:
    """The operator deletes what was pushed before: it has to keep its rights until then."""
    names = []
    for path in ("outbox", "outbox/2"):
        push = {"name": "out", "secret": "made-here", "path": path, "deletionPolicy": "Delete"}
        names.append(declare_apps(config, {"name": "search", "push": [push]}).one(":PushSecret").name)
    assert names[0] != names[1]


@pytest.mark.parametrize(
    ("dynamic", "capabilities"),
    [
        ({"path": "database/creds/search"}, ["read"]),
        ({"path": "pki/issue/search", "method": "POST"}, ["create", "update"]),
    ],
)
def test_dynamic_credentials_open_their_role_alone(
    config: Document, dynamic: Document, capabilities: list[str]
) -> None:
    app = {"name": "search", "secrets": [{"name": "db", "dynamic": dynamic, "refreshInterval": "45m"}]}
    recorder = declare_apps(config, app)
    assert rules(recorder) == OF_ITS_TOKEN | {dynamic["path"]: capabilities}
    generator = recorder.one(":VaultDynamicSecret").inputs
    store = recorder.one(":SecretStore", "search-store").inputs
    assert generator["spec"]["provider"] == store["spec"]["provider"]["vault"]


# --- who gets it -----------------------------------------------------------------------------------------


def test_the_role_is_for_one_account_one_namespace_and_one_audience(config: Document) -> None:
    recorder = declare_apps(config, SEARCH)
    role = recorder.one("authBackendRole:AuthBackendRole", "search-role").inputs
    assert role["boundServiceAccountNames"] == ["search-store"]
    assert role["boundServiceAccountNamespaces"] == ["search"]
    assert role["audience"] == "openbao"
    assert role["tokenPolicies"] == ["kubernetes-litellm-apps-search"]
    assert role["tokenNoDefaultPolicy"] is True
    auth = recorder.one(":SecretStore", "search-store").inputs["spec"]["provider"]["vault"]["auth"]
    assert auth["kubernetes"] == {
        "mountPath": "kubernetes",
        "role": "search",
        "serviceAccountRef": {"name": "search-store", "audiences": ["openbao"]},
    }
    account = recorder.one(":ServiceAccount", "search-account").inputs["metadata"]
    assert (account["name"], account["namespace"]) == ("search-store", "search")


def test_an_app_of_another_cluster_logs_in_at_its_auth_method(config: Document) -> None:
    app = SEARCH | {"auth": {"mount": "kubernetes/east", "audience": "vault-east"}}
    recorder = declare_apps(config, app)
    role = recorder.one("authBackendRole:AuthBackendRole", "search-role").inputs
    assert (role["backend"], role["audience"]) == ("kubernetes/east", "vault-east")
    policy = recorder.one("policy:Policy", "search-policy").inputs
    assert policy["name"] == "kubernetes-east-litellm-apps-search"


def test_a_clusters_store_is_for_the_app_and_those_that_are_named(config: Document) -> None:
    app = SEARCH | {"store": {"kind": "ClusterSecretStore", "namespaces": ["search-jobs"]}}
    recorder = declare_apps(config, app)
    spec = recorder.one(":ClusterSecretStore").inputs["spec"]
    assert spec["conditions"] == [{"namespaces": ["search", "search-jobs"]}]
    reference = spec["provider"]["vault"]["auth"]["kubernetes"]["serviceAccountRef"]
    assert reference["namespace"] == "search"
    secret = recorder.one(":ExternalSecret", "search-search-env").inputs["spec"]
    assert secret["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "search"}


# --- what comes to its namespace -------------------------------------------------------------------------


def test_its_secrets_come_from_below_its_prefix_by_its_own_store(config: Document) -> None:
    recorder = declare_apps(config, SEARCH)
    secret = recorder.one(":ExternalSecret", "search-search-env").inputs
    assert secret["metadata"]["namespace"] == "search"
    assert secret["spec"]["secretStoreRef"] == {"kind": "SecretStore", "name": "search"}
    assert secret["spec"]["data"][0]["remoteRef"]["key"] == "apps/search/database"
    files = recorder.one(":ExternalSecret", "search-search-files").inputs["spec"]
    assert files["dataFrom"] == [{"extract": {"key": "apps/search/settings"}}]
    assert recorder.one(":Namespace", "search").inputs["metadata"]["name"] == "search"


def test_nothing_of_an_app_is_touched_before_its_secrets_are_seen_to_be_its_own(config: Document) -> None:
    app = {
        "name": "search",
        "key": {"models": ["gpt-4o"]},
        "secrets": [
            {"name": "env", "extract": ["settings"]},
            {"name": "shared", "extract": ["settings"], "creationPolicy": "Merge"},
        ],
    }
    unclaimed = declare_apps(config, app).one("UnclaimedSecrets").inputs
    assert (unclaimed["namespace"], unclaimed["names"]) == ("search", ["env", "llm-key"])


def test_a_namespace_of_somebody_else_is_left_alone(config: Document) -> None:
    recorder = declare_apps(config, SEARCH | {"createNamespace": False})
    assert [resource.name for resource in recorder.of_type(":Namespace")] == ["litellm"]


def test_its_key_goes_to_vault_and_from_there_to_its_secret(config: Document) -> None:
    recorder = declare_apps(config, {"name": "search", "key": {"models": ["gpt-4o"], "maxBudget": 5}})
    key = recorder.one("litellm:VirtualKey", "search").inputs
    assert key["deliver"] == {"mount": "litellm", "path": "apps/search/llm-key", "property": "api-key"}
    assert (key["models"], key["max_budget"]) == (["gpt-4o"], 5)
    secret = recorder.one(":ExternalSecret", "search-llm-key").inputs
    assert {item["secretKey"]: item["remoteRef"] for item in secret["spec"]["data"]} == {
        "OPENAI_API_KEY": {"key": "apps/search/llm-key", "property": "api-key"},
        "OPENAI_BASE_URL": {"key": "apps/search/llm-key", "property": "base-url"},
    }
    assert secret["metadata"]["annotations"]["llm-gateway/vault-versions"] == "llm-key=1"
    assert "litellm/data/apps/search/llm-key" in rules(recorder)


def consumer_of(config: Document, **key: Any) -> Any:
    app = {"name": "search", "namespace": "shop", "key": {"models": ["gpt-4o"], **key}}
    return declare_apps(config, app).one("litellm:VirtualKey", "search").inputs.get("consumer")


FOLLOWS = {
    "external_secret": "shop/llm-key",
    "remote_ref": {"key": "apps/search/llm-key", "property": "api-key"},
    "timeout_seconds": 120,
}


def test_a_rotation_of_its_key_waits_for_the_secret_that_is_declared_for_it(config: Document) -> None:
    assert consumer_of(config) == FOLLOWS
    recorder = declare_apps(config, {"name": "search", "key": {"models": ["gpt-4o"], "secret": "openai"}})
    consumer = recorder.one("litellm:VirtualKey", "search").inputs["consumer"]
    declared = recorder.one(":ExternalSecret", "search-openai").inputs
    metadata, data = declared["metadata"], declared["spec"]["data"]
    assert consumer["external_secret"] == f"{metadata['namespace']}/{metadata['name']}"
    assert consumer["remote_ref"] in [item["remoteRef"] for item in data]


def test_a_rotation_of_its_key_waits_for_a_deployment_that_is_named(config: Document) -> None:
    consumer = {"deployment": "web", "timeoutSeconds": 30}
    asked = FOLLOWS | {"deployment": "shop/web", "timeout_seconds": 30}
    assert consumer_of(config, consumer=consumer) == asked
    by_agent = {"variables": {"OPENAI_BASE_URL": "base-url"}, "consumer": consumer}
    assert consumer_of(config, **by_agent) == {"deployment": "shop/web", "timeout_seconds": 30}


def test_nobody_is_waited_for_whose_secret_does_not_hold_the_key(config: Document) -> None:
    assert consumer_of(config, variables={"OPENAI_BASE_URL": "base-url"}) is None


def test_the_cluster_of_a_consumer_is_that_of_the_app(config: Document) -> None:
    config["kubernetes"] = {"context": "prod"}
    recorder = declare_apps(config, {"name": "search", "key": {"models": ["gpt-4o"]}})
    of_app, other = (
        recorder.one("litellm:VirtualKey", name).inputs["gateway"] for name in ("search", "team-search")
    )
    assert of_app == other | {"cluster": {"context": "prod"}}


def test_the_outputs_say_where_everything_is_and_hold_no_key(config: Document) -> None:
    app = SEARCH | {"key": {"models": ["gpt-4o"]}}
    outputs = declare_apps(config, app).outputs["apps"]
    assert outputs["search"] == {
        "namespace": "search",
        "policy": "kubernetes-litellm-apps-search",
        "role": "search",
        "store": {"kind": "SecretStore", "name": "search"},
        "secrets": ["search-env", "search-files", "llm-key"],
        "pushed": [],
        "key": {
            "id": "f" * 64,
            "alias": "search-0000000",
            "models": ["gpt-4o"],
            "vaultPath": "litellm/apps/search/llm-key",
            "secret": "llm-key",
        },
    }


def test_a_stack_without_apps_declares_nothing_more(config: Document) -> None:
    assert declare(config).of_type("app:AppAccess") == []


def test_the_two_apps_of_the_example_share_nothing() -> None:
    """Its own, which take effect where nobody configures others."""
    place = {"mount": "shared", "authMount": "kubernetes", "audience": "vault", "refreshInterval": "15s"}
    addresses = {"vaultAddress": "https://vault.vault.svc:8200", "gatewayUrl": "http://gateway"}
    recorder = declare_example("apps", place | addresses)
    assert recorder.one("vault:KvMounts").inputs["mounts"] == {"shared": "apps:mount"}
    assert {resource.name for resource in recorder.of_type("app:AppAccess")} == {"search", "support"}
    of_search, of_support = ({*rules(recorder, f"{app}-policy")} for app in ("search", "support"))
    assert of_search & of_support == OF_ITS_TOKEN.keys()
    below = "shared/data/apps/search/"
    assert {f"{below}{path}" for path in ("database", "settings", "llm-key", "agent")} <= of_search
    assert of_support - OF_ITS_TOKEN.keys() == {
        "shared/data/apps/support/settings",
        "shared/metadata/apps/support/settings",
    }
    assert recorder.one("litellm:VirtualKey", "search").inputs["deliver"]["mount"] == "shared"
