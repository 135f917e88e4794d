"""The shape of a stack's configuration: one class a section, one field a key, in camelCase.

`settings.py` reads the configuration into these; components take them as their arguments.
"""

from typing import Any

from pydantic import Field

from schema.apps import AppAuthSettings, AppSettings
from schema.cluster import ExternalSecretsSettings, KubernetesSettings
from schema.databases import CredentialsSettings, DatabasesSettings
from schema.gateway import GatewaySettings, IngressSettings, ModelSettings
from schema.injector import InjectedSecret, InjectorSettings
from schema.keys import KeyPolicy, KeySettings, SharedKeySettings, TemplateSettings
from schema.kubernetes_auth import (
    ClusterAuthSettings,
    ClusterSettings,
    KubernetesAuthSettings,
    ReviewingServer,
)
from schema.operator import ArgoCDInstall, ChartInstall, HelmInstall, ManifestsInstall, NoInstall
from schema.secrets import DynamicSettings, FileSettings, PushSettings, SecretSettings
from schema.section import NAMESPACE, EnvName, Label, Section, SettingsError
from schema.vault import DatabaseSettings, ProviderKey, TokenAuth, VaultSettings

__all__ = [
    "NAMESPACE",
    "AppAuthSettings",
    "AppSettings",
    "ArgoCDInstall",
    "ChartInstall",
    "ClusterAuthSettings",
    "ClusterSettings",
    "CredentialsSettings",
    "DatabaseSettings",
    "DatabasesSettings",
    "DynamicSettings",
    "ExternalSecretsSettings",
    "FileSettings",
    "GatewaySettings",
    "HelmInstall",
    "IngressSettings",
    "InjectedSecret",
    "InjectorSettings",
    "KeyPolicy",
    "KeySettings",
    "KubernetesAuthSettings",
    "KubernetesSettings",
    "ManifestsInstall",
    "ModelSettings",
    "NoInstall",
    "ProviderKey",
    "PushSettings",
    "ReviewingServer",
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
    databases: DatabasesSettings = DatabasesSettings()
    """Databases that Vault makes credentials for."""
    provider_keys: dict[EnvName, ProviderKey] = {}
    """Environment variable -> property in Vault and source."""
    external_secrets: ExternalSecretsSettings = ExternalSecretsSettings()
    """How the operator follows Vault."""
    kubernetes: KubernetesSettings = KubernetesSettings()
    """The cluster."""
    clusters: list[ClusterSettings] = []
    """Other clusters that log in to the same Vault."""
    keys: list[KeySettings] = []
    """The virtual keys."""
    templates: dict[Label, TemplateSettings] = {}
    """Name -> what keys have in common."""
    key_policy: KeyPolicy = KeyPolicy()
    """What the stack demands of each key."""

    apps: list[AppSettings] = []
    """The apps, each with its own part of Vault."""

    def every_key(self) -> list[tuple[str, KeySettings]]:
        """Give the keys, those of apps included, each with the place in the configuration that says it."""
        keys = [(f"keys[{index}]", key) for index, key in enumerate(self.keys)]
        of_apps = [(f"apps[{index}].key", app.virtual_key()) for index, app in enumerate(self.apps)]
        return [*keys, *((place, key) for place, key in of_apps if key is not None)]

    def app_auth(self, app: AppSettings) -> AppAuthSettings:
        """Give the auth method that an app's store logs in at; `app_rules` sees that there is one.

        Raises
        ------
        SettingsError
            If there is none.
        """
        if app.auth is not None:
            return app.auth
        own = self.vault.auth
        if not isinstance(own, KubernetesAuthSettings):
            raise SettingsError([f"{NAMESPACE}:apps: {app.name}: auth is missing"])
        api_audience = own.api_audience if own.reviewer == "client" else None
        return AppAuthSettings(mount=own.mount, audience=own.audience, api_audience=api_audience)

    def fields_of(self, key: KeySettings) -> dict[str, Any]:
        """Give a key's fields, its template's and its place in Vault included, as `VirtualKey` takes them."""
        own = key.own(self.vault.mount)
        template = self.templates.get(key.template or "")
        return template.template().applied(key.name, own) if template else own
