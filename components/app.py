"""One app: what it may read in Vault, how it gets it in its namespace, and its virtual key."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pulumi

from components.external_secrets import (
    ClusterScope,
    ExternalSecret,
    PushSecret,
    VaultDynamicSecret,
    VaultStore,
)
from components.external_secrets.external_secret import path_versions
from components.external_secrets.store import CA_KEY, is_unknown
from components.kubernetes import Manifest, labels, namespace
from components.vault import Identity, pushing_policy, reading_policy
from components.vault.agent_injector import injector_annotations, token_volume
from providers.kubernetes.unclaimed_secrets import UnclaimedSecrets
from providers.litellm import VirtualKey
from schema import (
    AppAuthSettings,
    AppSettings,
    ExternalSecretsSettings,
    InjectorSettings,
    KubernetesSettings,
    PushSettings,
    SecretSettings,
    VaultSettings,
)

__all__ = ["AppAccess", "Minting"]


@dataclass(frozen=True)
class Minting:
    """What an app's virtual key is minted with.

    Attributes
    ----------
    gateway
        As `VirtualKey` takes it.
    fields
        The key's own, `deliver` among them.
    ready
        What has to be there before the gateway can be called.
    """

    gateway: pulumi.Input[Mapping[str, Any]]
    fields: Mapping[str, Any]
    ready: Sequence[pulumi.Resource] = ()


class AppAccess(pulumi.ComponentResource):
    """Policy, role, ServiceAccount, store, secrets, pushes and virtual key of one app in one namespace.

    The app's store reads the paths that are named here and no others, whoever writes an ExternalSecret for
    it: that is Vault's policy, not the operator's good will. Nobody but its ServiceAccount, in its
    namespace, with a token made for Vault, gets the role. Each push has a store of its own, so what reads
    can't write.

    Attributes
    ----------
    outputs
        namespace, role, policy, store, secrets, pushed; key: its id (SHA-256), alias, models, path in Vault
        and Secret; injector: annotations, serviceAccountName and volume for the app's own Pods.
    """

    outputs: dict[str, Any]

    def __init__(
        self,
        name: str,
        *,
        app: AppSettings,
        auth: AppAuthSettings,
        vault: VaultSettings,
        mount: pulumi.Input[str],
        external_secrets: ExternalSecretsSettings,
        cluster: KubernetesSettings,
        minting: Minting | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the app.

        Parameters
        ----------
        app
            Its part of the configuration.
        auth
            The auth method of its cluster.
        vault
            The server.
        mount
            Path of the KV v2 mount that its prefix is below.
        cluster
            The cluster that the provider in `opts` deploys to.
        minting
            None without a virtual key.
        """
        super().__init__("llm-gateway:app:AppAccess", name, None, opts)
        self._name, self._app, self._auth = name, app, auth
        self._vault, self._mount, self._operator = vault, mount, external_secrets
        self._cluster = cluster.connection()
        self._child = pulumi.ResourceOptions(parent=self, depends_on=self._unclaimed(cluster))
        self._namespace = namespace(app.namespace, create=app.create_namespace, opts=self._child)

        reader = self._identity(name, "", lambda path: reading_policy(app, path))
        self._store = self._reading_store(reader)
        key = self._key(minting) if minting else None
        for secret in app.secrets:
            self._secret(secret)
        for push in app.push:
            self._push(push)
        self.outputs = {
            "namespace": self._namespace,
            "policy": reader.policy,
            "role": reader.role,
            "store": self._store.reference,
            "secrets": [secret.name for secret in app.synced()],
            "pushed": [f"{app.prefix}/{push.path}" for push in app.push],
            **({"key": key} if key else {}),
            **({"injector": self._injector(app.injector, reader)} if app.injector else {}),
        }
        self.register_outputs({})

    def _unclaimed(self, cluster: KubernetesSettings) -> list[pulumi.Resource]:
        """See that no Secret of somebody else would be wiped, before anything else of the app is touched."""
        names = [secret.name for secret in self._app.synced() if secret.creation_policy != "Merge"]
        if not names:
            return []
        unclaimed = UnclaimedSecrets(
            f"{self._name}-unclaimed",
            namespace=self._app.namespace,
            names=names,
            cluster=cluster.connection(),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return [unclaimed]

    def _identity(self, name: str, suffix: str, rules: Callable[[str], str]) -> Identity:
        """Give a policy to a ServiceAccount of the app's namespace."""
        app, auth = self._app, self._auth
        mount = pulumi.Output.from_input(self._mount)
        return Identity(
            name,
            auth=auth,
            vault_namespace=self._vault.namespace,
            # Several clusters may share a mount, each with an auth method and a stack of its own.
            policy_name=mount.apply(
                lambda path: f"{auth.mount}/{path}/{app.prefix}{suffix}".replace("/", "-").lower()
            ),
            policy=mount.apply(rules),
            role=f"{app.role}{suffix}",
            account=f"{app.account}{suffix}",
            kubernetes_namespace=app.namespace,
            token_ttl_seconds=app.token_ttl_seconds,
            token_max_ttl_seconds=app.token_max_ttl_seconds,
            opts=self._child,
        )

    def _reading_store(self, reader: Identity) -> VaultStore:
        scope, login = None, reader.login
        if self._app.store.kind == "ClusterSecretStore":
            scope = ClusterScope([self._app.namespace, *self._app.store.namespaces])
            login = replace(login, service_account_namespace=self._namespace)
        return VaultStore(
            self._name,
            vault=self._vault,
            external_secrets=self._operator,
            kubernetes_namespace=self._namespace,
            mount=self._mount,
            login=login,
            cluster=scope,
            opts=self._child,
        )

    def _secret(self, secret: SecretSettings, versions: pulumi.Input[str] | None = None) -> ExternalSecret:
        generator = None
        if secret.dynamic:
            generator = VaultDynamicSecret(
                f"{self._name}-{secret.name}-generator",
                dynamic=secret.dynamic,
                provider=self._store.provider,
                kubernetes_namespace=self._namespace,
                object_name=secret.name,
                opts=self._child,
            )
        return ExternalSecret(
            f"{self._name}-{secret.name}",
            secret=secret,
            settings=self._operator,
            kubernetes_namespace=self._namespace,
            store=self._store.reference,
            below=self._app.prefix,
            generator=generator,
            versions=versions,
            opts=self._child,
        )

    def _push(self, push: PushSettings) -> None:
        """Push with an identity of its own, which lives as long as its PushSecret.

        The operator takes what was pushed away again when the PushSecret goes, and needs its rights for that:
        a policy that only named one path less would be changed before. So another path is another push.
        """
        app = self._app
        suffix = f"-push-{push.name}-{hashlib.sha256(push.path.encode()).hexdigest()[:7]}"
        name = f"{self._name}{suffix}"
        writer = self._identity(name, suffix, lambda path: pushing_policy(app, push, path))
        store = VaultStore(
            name,
            vault=self._vault,
            external_secrets=self._operator,
            kubernetes_namespace=self._namespace,
            mount=self._mount,
            login=writer.login,
            opts=self._child,
        )
        PushSecret(
            name,
            push=push,
            settings=self._operator,
            kubernetes_namespace=self._namespace,
            store=store.reference,
            object_name=name,
            below=app.prefix,
            opts=self._child,
        )

    def _injector(self, injector: InjectorSettings, reader: Identity) -> dict[str, Any]:
        """Say what the app's Deployment takes over, and give its namespace the CA that the agent needs."""
        ca = self._vault.ca_pem()
        ca_secret = None
        if ca is not None:
            name = f"{self._name}-agent-ca"
            body = {
                "metadata": {"name": name, "namespace": self._namespace, "labels": labels("agent")},
                "stringData": {CA_KEY: ca},
            }
            unknown = ["stringData"] if is_unknown(ca) else None
            opts = pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(ignore_changes=unknown))
            ca_secret = Manifest("v1", "Secret", name, body, opts).object_name
        written = pulumi.Output.all(self._mount, reader.role, ca_secret)
        return {
            "annotations": written.apply(
                lambda known: injector_annotations(
                    injector,
                    auth=self._auth,
                    role=known[1],
                    vault=self._vault,
                    mount=known[0],
                    prefix=self._app.prefix,
                    ca_secret=known[2],
                )
            ),
            "serviceAccountName": self._app.account,
            "volume": token_volume(self._auth),
        }

    def _key(self, minting: Minting) -> dict[str, Any]:
        """Mint the app's key into Vault, and bring it from there to its namespace."""
        secret = self._app.key_secret()
        if secret is None:
            return {}
        key_options = pulumi.ResourceOptions.merge(
            self._child, pulumi.ResourceOptions(depends_on=list(minting.ready))
        )
        key = VirtualKey(
            self._name, gateway=self._gateway(minting), **minting.fields, **self._consumer(), opts=key_options
        )
        path = next(iter(secret.paths()))
        synced = self._secret(secret, path_versions({path: key.vault_version.apply(lambda v: v or 0)}))
        return {
            "id": key.token_id,
            "alias": key.key_alias,
            "models": minting.fields.get("models", []),
            "vaultPath": key.vault_path,
            "secret": synced.object_name,
        }

    def _consumer(self) -> dict[str, Any]:
        consumer = self._app.key_consumer()
        return {"consumer": consumer} if consumer else {}

    def _gateway(self, minting: Minting) -> pulumi.Input[Mapping[str, Any]]:
        """Say besides how the cluster of the key's consumer is reached."""
        if not (self._cluster and self._app.key_consumer()):
            return minting.gateway
        return pulumi.Output.from_input(minting.gateway).apply(
            lambda gateway: {**gateway, "cluster": self._cluster}
        )
