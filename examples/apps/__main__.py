"""Two apps on somebody else's gateway: each reads its own part of Vault, and has its key there too.

The configuration's `apps` takes the place of the two below.
"""

import pulumi

from components.app import AppAccess, Minting
from components.kubernetes import Cluster
from components.vault import vault_mounts
from providers.quick import register_quickly
from schema import AppAuthSettings, AppSettings, ExternalSecretsSettings, KubernetesSettings, VaultSettings

register_quickly()

TWO_APPS = [
    {
        "name": "search",
        "secrets": [
            {"name": "database", "properties": {"PGPASSWORD": {"path": "database", "property": "password"}}},
            {"name": "settings", "extract": ["settings"], "files": {".env": "env", "config.json": "json"}},
        ],
        "key": {"models": ["gpt-4o"], "max_budget": 5},
        # Pods that shall have a file and no Secret take the annotations from the output.
        "injector": {"secrets": [{"name": "agent", "path": "agent", "perms": "0440"}]},
    },
    {"name": "support", "read": ["settings"]},
]

config = pulumi.Config()
mount = config.require("mount")
vault = VaultSettings(
    internal_address=config.require("vaultAddress"), ca_cert_env="VAULT_CACERT", mount=mount
)
auth = AppAuthSettings(mount=config.require("authMount"), audience=config.require("audience"))
gateway = {
    "url": config.require("gatewayUrl"),
    "admin_key": {"vault": {"mount": "litellm", "path": "api-keys", "property": "master-key"}},
}
external_secrets = ExternalSecretsSettings(refresh_interval=config.require("refreshInterval"))
cluster = KubernetesSettings()
on_cluster = pulumi.ResourceOptions(
    providers=[Cluster("cluster", cluster)],
    # The paths of the policies are those of KV v2.
    depends_on=vault_mounts("vault-mounts", vault, {mount: "apps:mount"}),
)

outputs = {}
for document in config.get_object("apps", TWO_APPS):
    app = AppSettings.model_validate(document)
    key = app.virtual_key()
    access = AppAccess(
        app.name,
        app=app,
        auth=auth,
        vault=vault,
        mount=mount,
        external_secrets=external_secrets,
        cluster=cluster,
        minting=Minting(gateway, key.own(mount)) if key else None,
        opts=on_cluster,
    )
    outputs[app.name] = access.outputs

pulumi.export("apps", outputs)
