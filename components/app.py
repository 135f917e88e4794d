"""One app: what it may read in Vault, how it gets it in its namespace, and its virtual key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_vault

from components.external_secrets import (
    ClusterScope,
    ExternalSecret,
    PushSecret,
    VaultDynamicSecret,
    VaultStore,
)
from components.external_secrets.external_secret import path_versions
from components.kubernetes import namespace
from components.vault import KubernetesLogin, app_policy, let_review
from providers.litellm import VirtualKey
from schema import AppAuthSettings, AppSettings, ExternalSecretsSettings, SecretSettings, VaultSettings

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

    gateway: Mapping[str, Any]
    fields: Mapping[str, Any]
    ready: Sequence[pulumi.Resource] = ()


class AppAccess(pulumi.ComponentResource):
    """Policy, role, ServiceAccount, store, secrets, pushes and virtual key of one app in one namespace.

    The app's store reads the paths that are named here and no others, whoever writes an ExternalSecret for
    it: that is Vault's policy, not the operator's good will. Nobody but its ServiceAccount, in its
    namespace, with a token made for Vault, gets the role.

    Attributes
    ----------
    outputs
        namespace, role, policy, store, secrets, pushed, and key: its id (SHA-256), alias, models, path in
        Vault and Secret.
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
        minting
            None without a virtual key.
        """
        super().__init__("llm-gateway:app:AppAccess", name, None, opts)
        self._name, self._app, self._operator = name, app, external_secrets
        self._child = pulumi.ResourceOptions(parent=self)
        self._namespace = namespace(app.namespace, create=app.create_namespace, opts=self._child)

        policy, role = self._access(auth, vault.namespace, mount)
        self._store = self._own_store(auth, vault, mount, role)
        key = self._key(minting) if minting else None
        for secret in app.secrets:
            self._secret(secret)
        for push in app.push:
            PushSecret(
                f"{name}-push-{push.name}",
                push=push,
                settings=external_secrets,
                kubernetes_namespace=self._namespace,
                store=self._store.reference,
                below=app.prefix,
                opts=self._child,
            )
        self.outputs = {
            "namespace": self._namespace,
            "policy": policy,
            "role": role,
            "store": self._store.reference,
            "secrets": [secret.name for secret in app.synced()],
            "pushed": [f"{app.prefix}/{path}" for push in app.push for path in push.paths()],
            **({"key": key} if key else {}),
        }
        self.register_outputs({})

    def _access(
        self, auth: AppAuthSettings, vault_namespace: str | None, mount: pulumi.Input[str]
    ) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
        """Give the policy and the role that carries it, for one ServiceAccount and one audience."""
        app = self._app
        policy = pulumi_vault.Policy(
            f"{self._name}-policy",
            # Several clusters may share a mount, each with an auth method and stack of its own.
            name=pulumi.Output.from_input(mount).apply(
                lambda path: f"{auth.mount}/{path}/{app.prefix}".replace("/", "-").lower()
            ),
            policy=pulumi.Output.from_input(mount).apply(lambda path: app_policy(app, path)),
            namespace=vault_namespace,
            opts=self._child,
        )
        role = pulumi_vault.kubernetes.AuthBackendRole(
            f"{self._name}-role",
            backend=auth.mount,
            role_name=app.role,
            bound_service_account_names=[app.account],
            bound_service_account_namespaces=[app.namespace],
            audience=auth.audience,
            token_policies=[policy.name],
            token_no_default_policy=True,
            token_ttl=app.token_ttl_seconds,
            namespace=vault_namespace,
            opts=self._child,
        )
        if auth.api_audience:
            let_review(f"{self._name}-reviews-itself", app.account, app.namespace, self._child)
        return policy.name, role.role_name

    def _own_store(
        self,
        auth: AppAuthSettings,
        vault: VaultSettings,
        mount: pulumi.Input[str],
        role: pulumi.Output[str],
    ) -> VaultStore:
        app = self._app
        in_cluster = app.store.kind == "ClusterSecretStore"
        return VaultStore(
            self._name,
            vault=vault,
            external_secrets=self._operator,
            kubernetes_namespace=self._namespace,
            mount=mount,
            login=KubernetesLogin(
                auth.mount,
                role,
                auth.audience,
                app.account,
                service_account_namespace=self._namespace if in_cluster else None,
                further_audiences=[auth.api_audience] if auth.api_audience else [],
            ),
            cluster=ClusterScope([app.namespace, *app.store.namespaces]) if in_cluster else None,
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

    def _key(self, minting: Minting) -> dict[str, Any]:
        """Mint the app's key into Vault, and bring it from there to its namespace."""
        secret = self._app.key_secret()
        if secret is None:
            return {}
        key_options = pulumi.ResourceOptions(parent=self, depends_on=list(minting.ready))
        key = VirtualKey(self._name, gateway=minting.gateway, **minting.fields, opts=key_options)
        path = next(iter(secret.paths()))
        synced = self._secret(secret, path_versions({path: key.vault_version.apply(lambda v: v or 0)}))
        return {
            "id": key.token_id,
            "alias": key.key_alias,
            "models": minting.fields.get("models", []),
            "vaultPath": key.vault_path,
            "secret": synced.object_name,
        }
