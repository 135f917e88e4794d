"""The virtual keys of a stack, one resource each."""

from collections.abc import Mapping
from typing import Any

import pulumi

from providers.litellm import VirtualKey

__all__ = ["VirtualKeys"]


class VirtualKeys(pulumi.ComponentResource):
    """Every key of the configuration, minted with an admin key that is only referred to.

    Attributes
    ----------
    gateway
        As `VirtualKey` takes it, for keys of others.
    outputs
        Name of the key -> its id (SHA-256 of the key), alias, models, and the key itself, secret; or, if it
        is delivered, its path in Vault.
    """

    gateway: dict[str, Any]
    outputs: pulumi.Output[dict[str, Any]]

    def __init__(
        self,
        name: str,
        *,
        url: pulumi.Input[str],
        admin_key: Mapping[str, Any],
        vault: Mapping[str, Any],
        ready_timeout_seconds: int,
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
            Where the admin key is found.
        vault
            How Vault is reached.
        ready_timeout_seconds
            How long the gateway is waited for.
        reach
            The way to its key API, if that isn't the URL.
        cluster
            How the cluster is reached, which only such a way and consumers of keys need.
        keys
            Name -> fields of `VirtualKey`.
        """
        super().__init__("llm-gateway:litellm:VirtualKeys", name, None, opts)
        self.gateway = {
            "url": url,
            "admin_key": admin_key,
            "vault": vault,
            "ready_timeout_seconds": ready_timeout_seconds,
        }
        if reach:
            self.gateway["reach"] = reach
        if cluster and (reach or any("consumer" in fields for fields in keys.values())):
            self.gateway["cluster"] = cluster
        child = pulumi.ResourceOptions(parent=self)
        outputs = {}
        for key_name, fields in keys.items():
            key = VirtualKey(key_name, gateway=self.gateway, **fields, opts=child)
            outputs[key_name] = {
                "id": key.token_id,
                "alias": key.key_alias,
                "models": fields.get("models", []),
                **({"vaultPath": key.vault_path} if "deliver" in fields else {"key": key.key}),
            }
        self.outputs = pulumi.Output.from_input(outputs)
        self.register_outputs({})
