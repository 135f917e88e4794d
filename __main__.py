"""The governed LLM gateway of one stack: settings -> components -> outputs."""

import pulumi

from components.app import AppAccess, Minting
from components.external_secrets import Operator, SyncedSecret, VaultStore
from components.kubernetes import Cluster, namespace
from components.litellm import DatabaseCredentials, Gateway, VirtualKeys, expose, given_url
from components.vault import (
    DatabaseEngine,
    GatewaySecrets,
    KubernetesAuth,
    StoreAccess,
    vault_mounts,
    vault_trust,
)
from providers.quick import register_quickly
from schema.mounts import foreign_kv_mounts
from settings import load

register_quickly()
settings = load()
gateway, vault = settings.gateway, settings.vault

# Nothing is made for a Vault that Pods wouldn't trust, or whose mounts aren't KV v2.
trust = vault_trust("vault-trust", vault)
mounts = vault_mounts(
    "vault-mounts", vault, foreign_kv_mounts(settings), pulumi.ResourceOptions(depends_on=trust)
)
trusted = pulumi.ResourceOptions(depends_on=[*trust, *mounts])
on_cluster = pulumi.ResourceOptions.merge(
    trusted, pulumi.ResourceOptions(providers=[Cluster("cluster", settings.kubernetes)])
)
kubernetes_namespace = namespace(gateway.namespace, create=gateway.create_namespace, opts=on_cluster)

# Every credential is written to Vault first; nothing below sees a value.
secrets = GatewaySecrets(
    "secrets", vault=vault, provider_keys=settings.provider_keys, database=settings.database, opts=trusted
)
credentials, databases = settings.database.credentials, settings.databases
access = StoreAccess(
    "store-access",
    vault=vault,
    cluster=settings.kubernetes,
    mount=secrets.mount_path,
    paths=[path.path for path in secrets.paths],
    credentials=[credentials.wanted(databases.mount)] if credentials else [],
    service_account="litellm-store",
    kubernetes_namespace=gateway.namespace,
    opts=on_cluster,
)

# Other clusters log in to the same Vault, each at a mount of its own.
other_clusters = {
    cluster.name: KubernetesAuth(
        f"{cluster.name}-auth",
        auth=cluster.auth,
        cluster=cluster,
        vault_namespace=vault.namespace,
        opts=pulumi.ResourceOptions.merge(
            trusted, pulumi.ResourceOptions(providers=[Cluster(f"{cluster.name}-cluster", cluster)])
        ),
    )
    for cluster in settings.clusters
}

# Vault makes the credentials of databases itself, on request.
engines = (
    [DatabaseEngine("databases", databases=databases, vault=vault, opts=trusted)]
    if databases.connections
    else []
)

# External Secrets Operator, there before its first object and until the last one is gone, ...
operator = Operator(
    "external-secrets", settings=settings.external_secrets, cluster=settings.kubernetes, opts=on_cluster
)
with_operator = pulumi.ResourceOptions.merge(on_cluster, pulumi.ResourceOptions(depends_on=operator.ready))

# ... brings them to the gateway's namespace.
store = VaultStore(
    "litellm-vault",
    vault=vault,
    external_secrets=settings.external_secrets,
    kubernetes_namespace=kubernetes_namespace,
    mount=secrets.mount_path,
    login=access.login,
    opts=with_operator,
)
environment = SyncedSecret(
    "litellm-env",
    settings=settings.external_secrets,
    kubernetes_namespace=kubernetes_namespace,
    store=store.reference,
    paths=secrets.paths,
    opts=with_operator,
)
if secrets.database:
    database_url = given_url(environment, secrets.database)
elif credentials:
    database_url = DatabaseCredentials(
        "litellm-database",
        credentials=credentials,
        mount=databases.mount,
        vault=vault,
        external_secrets=settings.external_secrets,
        kubernetes_namespace=kubernetes_namespace,
        store=store,
        opts=pulumi.ResourceOptions.merge(with_operator, pulumi.ResourceOptions(depends_on=engines)),
    ).url(environment)

# LiteLLM runs on them ...
litellm = Gateway(
    "litellm",
    gateway=gateway,
    models=settings.models,
    kubernetes_namespace=kubernetes_namespace,
    database=database_url,
    opts=on_cluster,
)
expose(
    "litellm",
    ingress=gateway.ingress,
    kubernetes_namespace=kubernetes_namespace,
    service_name=litellm.service_name,
    opts=on_cluster,
)

# ... and its keys are resources like any other.
keys = VirtualKeys(
    "keys",
    url=litellm.url,
    admin_key=gateway.admin_key.reference() if gateway.admin_key else secrets.master_key,
    platform_admin=secrets.platform_admin if gateway.makes_platform_admin else None,
    vault=vault.connection(),
    ready_timeout_seconds=gateway.ready_timeout_seconds,
    key_cache_ttl_seconds=gateway.key_cache_ttl_seconds,
    ca_cert_file=gateway.ca_cert_file,
    reach=litellm.reach,
    cluster=settings.kubernetes.connection(),
    keys={key.name: settings.fields_of(key) for key in settings.keys},
    opts=pulumi.ResourceOptions(depends_on=litellm.ready),
)

# Each app reads its own part of Vault, and has its key there too.
apps = {
    app.name: AppAccess(
        app.name,
        app=app,
        auth=settings.app_auth(app),
        vault=vault,
        mount=app.mount or secrets.mount_path,
        external_secrets=settings.external_secrets,
        cluster=settings.kubernetes,
        minting=Minting(keys.gateway, settings.fields_of(key), [*litellm.ready, keys.bound]) if key else None,
        opts=pulumi.ResourceOptions.merge(
            with_operator, pulumi.ResourceOptions(depends_on=[access, *engines])
        ),
    )
    for app, key in ((app, app.virtual_key()) for app in settings.apps)
}

pulumi.export("gatewayUrl", litellm.url)
pulumi.export("namespace", kubernetes_namespace)
pulumi.export("models", [model.name for model in settings.models])
if other_clusters:
    pulumi.export("authMounts", {name: auth.mount for name, auth in other_clusters.items()})
pulumi.export("keyCacheTtlSeconds", gateway.key_cache_ttl_seconds)
pulumi.export("keys", keys.outputs)
if apps:
    pulumi.export("apps", {name: app.outputs for name, app in apps.items()})
for engine in engines:
    pulumi.export("databases", engine.outputs)
paths = {"apiKeys": secrets.api_keys.full_path, "database": database_url.vault_path}
pulumi.export("vaultPaths", paths | ({"platformAdmin": keys.admin_path} if keys.admin_path else {}))
