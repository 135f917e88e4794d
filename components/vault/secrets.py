"""The KV v2 mount and the two paths that hold every credential of the gateway."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_vault

from providers.vault import KvSecret
from schema import DatabaseSettings, ProviderKey, VaultSettings
from schema.vault import API_KEYS, DATABASE, PLATFORM_ADMIN

__all__ = ["GatewaySecrets", "SecretPath"]

MASTER_KEY = "master-key"
SALT_KEY = "salt-key"
DATABASE_URL = "url"


@dataclass(frozen=True)
class SecretPath:
    """One path below the mount, with what a consumer needs to follow it.

    Attributes
    ----------
    path
        Below the mount: `api-keys`.
    full_path
        With the mount: `litellm/api-keys`.
    version
        KV version, known once written; moves with every change of the path.
    variables
        Name of the environment variable -> property at the path.
    """

    path: str
    full_path: pulumi.Output[str]
    version: pulumi.Output[int]
    variables: Mapping[str, str]


class GatewaySecrets(pulumi.ComponentResource):
    """The mount, `api-keys` (master key, salt key, provider keys) and, for a given URL, `database` (url).

    The master and the salt key are generated once and never overwritten: LiteLLM encrypts what it keeps in
    its database with the salt key, so a changed one would make that unreadable.

    Attributes
    ----------
    master_key
        Reference to LiteLLM's master key in Vault, in the form that `providers` resolve.
    platform_admin
        Where the key of a platform admin is put.
    """

    api_keys: SecretPath
    database: SecretPath | None = None
    mount_path: pulumi.Output[str]
    master_key: dict[str, Any]
    platform_admin: dict[str, Any]

    def __init__(
        self,
        name: str,
        *,
        vault: VaultSettings,
        provider_keys: Mapping[str, ProviderKey],
        database: DatabaseSettings,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("llm-gateway:vault:GatewaySecrets", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.mount_path = self._mount(name, vault, child)

        def secret(path: str, properties: dict[str, Any], variables: dict[str, str]) -> SecretPath:
            kv = KvSecret(
                f"{name}-{path}",
                mount=self.mount_path,
                path=path,
                properties=properties,
                vault=vault.connection(),
                retain_on_delete=vault.retain_on_destroy,
                opts=child,
            )
            full_path = self.mount_path.apply(lambda mount: f"{mount}/{path}")
            return SecretPath(path, full_path, kv.version, variables)

        generated = {"generate": "litellm-key"}
        self.api_keys = secret(
            API_KEYS,
            {MASTER_KEY: generated, SALT_KEY: generated}
            | {key.property: key.source() for key in provider_keys.values()},
            {"LITELLM_MASTER_KEY": MASTER_KEY, "LITELLM_SALT_KEY": SALT_KEY}
            | {variable: key.property for variable, key in provider_keys.items()},
        )
        if database.url:
            self.database = secret(
                DATABASE, {DATABASE_URL: database.url.source()}, {"DATABASE_URL": DATABASE_URL}
            )
        self.master_key = {
            "vault": {"mount": self.mount_path, "path": self.api_keys.path, "property": MASTER_KEY}
        }
        self.platform_admin = {"mount": self.mount_path, "path": PLATFORM_ADMIN}
        named = {"database": self.database.full_path} if self.database else {}
        self.register_outputs({"apiKeys": self.api_keys.full_path, **named})

    @property
    def paths(self) -> list[SecretPath]:
        """Give the paths that the gateway's environment is made of."""
        return [self.api_keys, *([self.database] if self.database else [])]

    def _mount(self, name: str, vault: VaultSettings, child: pulumi.ResourceOptions) -> pulumi.Output[str]:
        if not vault.create_mount:
            return pulumi.Output.from_input(vault.mount)
        mount = pulumi_vault.Mount(
            f"{name}-mount",
            path=vault.mount,
            type="kv",
            options={"version": "2"},
            description="Credentials of the LLM gateway",
            namespace=vault.namespace,
            opts=pulumi.ResourceOptions.merge(
                child, pulumi.ResourceOptions(retain_on_delete=vault.retain_on_destroy)
            ),
        )
        return mount.path
