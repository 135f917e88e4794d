"""The virtual keys of a stack, one resource each."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from providers.litellm import VirtualKey
from schema import KeySettings, VaultSettings

__all__ = ["VirtualKeys"]


class VirtualKeys(pulumi.ComponentResource):
    """Every key of the configuration, minted with an admin key that is only referred to.

    Attributes
    ----------
    outputs
        Name of the key -> its id (SHA-256 of the key), alias, models, and the key itself, secret; or, if it
        is delivered, its path in Vault.
    """

    outputs: pulumi.Output[dict[str, Any]]

    def __init__(
        self,
        name: str,
        *,
        url: pulumi.Input[str],
        admin_key: Mapping[str, Any],
        vault: VaultSettings,
        ready_timeout_seconds: int,
        keys: Sequence[KeySettings],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("llm-gateway:litellm:VirtualKeys", name, None, opts)
        gateway = {
            "url": url,
            "admin_key": admin_key,
            "vault": vault.connection(),
            "ready_timeout_seconds": ready_timeout_seconds,
        }
        outputs = {}
        for settings in keys:
            declared = settings.model_dump(
                exclude={"name", "deliver"}, exclude_none=True, exclude_defaults=True
            )
            if settings.deliver:
                declared["deliver"] = {"mount": vault.mount, **settings.deliver.model_dump(exclude_none=True)}
            key = VirtualKey(
                settings.name, gateway=gateway, **declared, opts=pulumi.ResourceOptions(parent=self)
            )
            outputs[settings.name] = {
                "id": key.token_id,
                "alias": key.key_alias,
                "models": settings.models,
                **({"vaultPath": key.vault_path} if settings.deliver else {"key": key.key}),
            }
        self.outputs = pulumi.Output.from_input(outputs)
        self.register_outputs({})
