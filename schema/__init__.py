"""The shape of a stack's configuration: one class a section, one field a key, in camelCase.

`settings.py` reads the configuration into these; components take them as their arguments.
"""

from typing import Any

from pydantic import Field

from schema.cluster import ExternalSecretsSettings, KubernetesSettings
from schema.gateway import GatewaySettings, IngressSettings, ModelSettings
from schema.keys import KeyPolicy, KeySettings, SharedKeySettings, TemplateSettings
from schema.secrets import DynamicSettings, FileSettings, PushSettings, SecretSettings
from schema.section import NAMESPACE, EnvName, Label, Section, SettingsError
from schema.vault import DatabaseSettings, KubernetesAuth, ProviderKey, TokenAuth, VaultSettings

__all__ = [
    "NAMESPACE",
    "DatabaseSettings",
    "DynamicSettings",
    "ExternalSecretsSettings",
    "FileSettings",
    "GatewaySettings",
    "IngressSettings",
    "KeyPolicy",
    "KeySettings",
    "KubernetesAuth",
    "KubernetesSettings",
    "ModelSettings",
    "ProviderKey",
    "PushSettings",
    "SecretSettings",
    "Section",
    "Settings",
    "SettingsError",
    "SharedKeySettings",
    "TemplateSettings",
    "TokenAuth",
    "VaultSettings",
]


class Settings(Section):
    """The whole configuration of one stack."""

    vault: VaultSettings
    """The Vault or OpenBao server."""
    gateway: GatewaySettings
    """The LiteLLM Deployment."""
    models: list[ModelSettings] = Field(min_length=1)
    """The model list."""
    database: DatabaseSettings
    """LiteLLM's PostgreSQL."""
    provider_keys: dict[EnvName, ProviderKey] = {}
    """Environment variable -> property in Vault and source."""
    external_secrets: ExternalSecretsSettings = ExternalSecretsSettings()
    """How the operator follows Vault."""
    kubernetes: KubernetesSettings = KubernetesSettings()
    """The cluster."""
    keys: list[KeySettings] = []
    """The virtual keys."""
    templates: dict[Label, TemplateSettings] = {}
    """Name -> what keys have in common."""
    key_policy: KeyPolicy = KeyPolicy()
    """What the stack demands of each key."""

    def fields_of(self, key: KeySettings) -> dict[str, Any]:
        """Give a key's fields, its template's and its place in Vault included, as `VirtualKey` takes them."""
        own = key.own(self.vault.mount)
        template = self.templates.get(key.template or "")
        return template.template().applied(key.name, own) if template else own
