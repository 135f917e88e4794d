"""A database whose password only Vault knows, and an app that is given credentials of it by the operator.

The configuration's `databases` and `apps` take the places of those below.
"""

import pulumi

from components.app import AppAccess
from components.kubernetes import Cluster
from components.vault import DatabaseEngine
from schema import (
    AppAuthSettings,
    AppSettings,
    DatabasesSettings,
    ExternalSecretsSettings,
    KubernetesSettings,
    VaultSettings,
)

# Whatever such a user makes belongs to the group, so nothing holds it when its lease ends.
CREATE = [
    "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE shop",
    'ALTER ROLE "{{name}}" SET ROLE shop',
]
REVOKE = ['DROP ROLE IF EXISTS "{{name}}"']

SHOP = {
    "name": "shop",
    "connectionUrl": "postgresql://{{username}}:{{password}}@shop.example.com:5432/shop?sslmode=verify-full",
    "username": "vault",
    # Read once: from then on Vault alone knows the password.
    "password": {"env": "SHOP_DATABASE_PASSWORD"},
    "roles": [{"name": "orders", "creationStatements": CREATE, "revocationStatements": REVOKE}],
    "staticRoles": [{"name": "shop-owner", "username": "shop", "rotationPeriod": "24h"}],
}
SEARCH = {
    "name": "search",
    "secrets": [
        # Another user every five minutes, each gone with its lease.
        {
            "name": "orders",
            "dynamic": {"path": "database/creds/orders"},
            "refreshInterval": "5m",
            "files": {
                "DATABASE_URL": {
                    "template": "postgresql://{{ .username }}:{{ .password }}@shop.example.com:5432/shop"
                }
            },
        },
        # The same user, another password every day.
        {
            "name": "owner",
            "dynamic": {"path": "database/static-creds/shop-owner"},
            "refreshInterval": "1m",
        },
    ],
}

config = pulumi.Config()
vault = VaultSettings(
    internal_address=config.require("vaultAddress"), ca_cert_env="VAULT_CACERT", mount=config.require("mount")
)
auth = AppAuthSettings(mount=config.require("authMount"), audience=config.require("audience"))
cluster = KubernetesSettings()

engine = DatabaseEngine(
    "databases",
    databases=DatabasesSettings.model_validate(config.get_object("databases", {"connections": [SHOP]})),
    vault=vault,
)
# The operator asks for credentials at once, so the roles have to be there.
opts = pulumi.ResourceOptions(providers=[Cluster("cluster", cluster)], depends_on=[engine])
apps = {
    document["name"]: AppAccess(
        document["name"],
        app=AppSettings.model_validate(document),
        auth=auth,
        vault=vault,
        mount=vault.mount,
        external_secrets=ExternalSecretsSettings(),
        cluster=cluster,
        opts=opts,
    )
    for document in config.get_object("apps", [SEARCH])
}

pulumi.export("databases", engine.outputs)
pulumi.export("apps", {name: app.outputs for name, app in apps.items()})
