"""A SecretStore of one namespace that reads a KV v2 mount of Vault or OpenBao."""

from typing import Any

import pulumi

from components.kubernetes import WAIT_READY, Manifest, labels
from schema import ExternalSecretsSettings, KubernetesAuth, VaultSettings

__all__ = ["VaultStore"]

CA_KEY = "ca.crt"
TOKEN_KEY = "token"  # noqa: S105 - a key's name


class VaultStore(pulumi.ComponentResource):
    """ServiceAccount, CA and SecretStore.

    The store is awaited: it is Ready once the operator has logged in to Vault as the ServiceAccount.
    """

    store_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        vault: VaultSettings,
        external_secrets: ExternalSecretsSettings,
        kubernetes_namespace: pulumi.Input[str],
        service_account: str,
        mount: pulumi.Input[str],
        role: pulumi.Input[str] | None,
        token: pulumi.Input[str] | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("llm-gateway:external-secrets:VaultStore", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        ca = vault.ca_pem()

        def metadata(object_name: str) -> dict[str, Any]:
            return {
                "name": object_name,
                "namespace": kubernetes_namespace,
                "labels": labels("secret-store"),
            }

        provider: dict[str, Any] = {
            "server": vault.internal_address,
            "path": mount,
            "version": "v2",
            "namespace": vault.namespace,
        }
        if ca is not None:
            bundle = Manifest(
                "v1",
                "ConfigMap",
                f"{name}-ca",
                {"metadata": metadata(f"{name}-ca"), "data": {CA_KEY: ca}},
                # A preview made where the CA's file isn't can't know whether it has changed.
                pulumi.ResourceOptions.merge(
                    child, pulumi.ResourceOptions(ignore_changes=None if ca else ["data"])
                ),
            )
            provider["caProvider"] = {"type": "ConfigMap", "name": bundle.object_name, "key": CA_KEY}
        if isinstance(vault.auth, KubernetesAuth):
            account = Manifest(
                "v1", "ServiceAccount", f"{name}-account", {"metadata": metadata(service_account)}, child
            )
            provider["auth"] = {
                "kubernetes": {
                    "mountPath": vault.auth.mount,
                    "role": role,
                    "serviceAccountRef": {"name": account.object_name, "audiences": [vault.auth.audience]},
                }
            }
        else:
            secret = Manifest(
                "v1",
                "Secret",
                f"{name}-token",
                {"metadata": metadata(f"{name}-token"), "stringData": {TOKEN_KEY: token}},
                pulumi.ResourceOptions.merge(
                    child, pulumi.ResourceOptions(additional_secret_outputs=["data", "stringData"])
                ),
            )
            provider["auth"] = {"tokenSecretRef": {"name": secret.object_name, "key": TOKEN_KEY}}

        store = Manifest(
            f"external-secrets.io/{external_secrets.api_version}",
            "SecretStore",
            f"{name}-store",
            {
                "metadata": metadata(name) | {"annotations": WAIT_READY},
                "spec": {"refreshInterval": 30, "provider": {"vault": provider}},
            },
            pulumi.ResourceOptions.merge(
                child,
                pulumi.ResourceOptions(
                    custom_timeouts=pulumi.CustomTimeouts(create=f"{external_secrets.sync_timeout_seconds}s")
                ),
            ),
        )
        self.store_name = store.object_name
        self.register_outputs({"store": self.store_name})
