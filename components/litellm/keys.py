"""The virtual keys of a stack, one resource each."""

from collections.abc import Mapping
from typing import Any

import pulumi

from providers.litellm import PlatformAdmin, RevocationBound, VirtualKey

__all__ = ["VirtualKeys"]


class VirtualKeys(pulumi.ComponentResource):
    """Every key of the configuration, and the platform admin that manages them.

    Attributes
    ----------
    gateway
        As `VirtualKey` takes it, for keys of others.
    admin_path
        `<mount>/<path>` of the platform admin's key in Vault; None without one.
    bound
        What keys of others depend on too, so that a destroy sees them dead before it goes on.
    outputs
        Name of the key -> its id (SHA-256 of the key), alias, models, and the key itself, secret; or, if it
        is delivered, its path in Vault.
    """

    gateway: pulumi.Input[Mapping[str, Any]]
    admin_path: pulumi.Output[str] | None = None
    bound: pulumi.Resource
    outputs: pulumi.Output[dict[str, Any]]

    def __init__(
        self,
        name: str,
        *,
        url: pulumi.Input[str],
        admin_key: Mapping[str, Any],
        platform_admin: Mapping[str, Any] | None,
        vault: Mapping[str, Any],
        ready_timeout_seconds: int,
        key_cache_ttl_seconds: int,
        ca_cert_file: str | None,
        reach: Mapping[str, Any] | None,
        cluster: Mapping[str, Any],
        keys: Mapping[str, Mapping[str, Any]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the keys.

        Parameters
        ----------
        url
            Of the gateway.
        admin_key
            Where an admin key is found.
        platform_admin
            `mount` and `path` in Vault for the key of a platform admin, which then manages the keys; None if
            the admin key does so itself.
        vault
            How Vault is reached.
        ready_timeout_seconds
            How long the gateway is waited for.
        key_cache_ttl_seconds
            How long a replica remembers a key that it has seen.
        ca_cert_file
            CA that signed its certificate, PEM; None for the system's.
        reach
            The way to its key API, if that isn't the URL.
        cluster
            How the cluster is reached, which only such a way and consumers of keys need.
        keys
            Name -> fields of `VirtualKey`.
        """
        super().__init__("llm-gateway:litellm:VirtualKeys", name, None, opts)
        gateway: dict[str, Any] = {
            "url": url,
            "admin_key": admin_key,
            "vault": vault,
            "ready_timeout_seconds": ready_timeout_seconds,
        }
        if ca_cert_file:
            gateway["ca_cert_file"] = ca_cert_file
        if reach:
            gateway["reach"] = reach
        if cluster and (reach or any("consumer" in fields for fields in keys.values())):
            gateway["cluster"] = cluster
        child = pulumi.ResourceOptions(parent=self)
        self.gateway = gateway
        if platform_admin:
            admin = PlatformAdmin("platform-admin", gateway=gateway, deliver=platform_admin, opts=child)
            self.gateway, self.admin_path = admin.for_keys, admin.vault_path
        self.bound = RevocationBound(
            "revocation-bound", url=url, ttl_seconds=key_cache_ttl_seconds, opts=child
        )
        keys_child = pulumi.ResourceOptions(parent=self, depends_on=[self.bound])
        outputs = {}
        for key_name, fields in keys.items():
            key = VirtualKey(key_name, gateway=self.gateway, **fields, opts=keys_child)
            outputs[key_name] = {
                "id": key.token_id,
                "alias": key.key_alias,
                "models": fields.get("models", []),
                **({"vaultPath": key.vault_path} if "deliver" in fields else {"key": key.key}),
            }
        self.outputs = pulumi.Output.from_input(outputs)
        self.register_outputs({})
