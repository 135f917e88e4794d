"""Apps: what each may read in Vault, how it gets it in its namespace, and its virtual key."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from schema.injector import InjectedSecret, InjectorSettings
from schema.keys import KEY_PROPERTY, DeliverSettings, KeySettings, OneKeySettings
from schema.secrets import DynamicSettings, PushSettings, SecretSettings
from schema.section import (
    WHY_AN_AUDIENCE,
    Audience,
    KvPath,
    KvPattern,
    Label,
    SecretKey,
    Section,
    VaultPath,
    is_label,
)


class AppAuthSettings(Section):
    """The kubernetes auth method that an app's store logs in at."""

    mount: VaultPath
    """Path of the auth method, one for each cluster."""
    audience: Audience
    """Audience that the store asks for and the role demands."""
    api_audience: str | None = Field(default=None, min_length=1)
    """Audience of the API server, where each token reviews itself (the method's reviewer is client)."""

    @model_validator(mode="before")
    @classmethod
    def _audience_named(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and "audience" not in given:
            raise ValueError(f"audience is missing: {WHY_AN_AUDIENCE}")
        return given


class AppStoreSettings(Section):
    """The app's own store."""

    kind: Literal["SecretStore", "ClusterSecretStore"] = "SecretStore"
    """ClusterSecretStore: other namespaces may use it too."""
    namespaces: list[Label] = []
    """Those that may use a ClusterSecretStore beside the app's own."""

    @model_validator(mode="after")
    def _others_need_a_clusters_store(self) -> Self:
        if self.namespaces and self.kind == "SecretStore":
            raise ValueError("namespaces are for kind: ClusterSecretStore; a SecretStore serves its own")
        return self


class AppConsumerSettings(Section):
    """Who has to have the successor of the app's key, beside its Secret, before the old key may end."""

    deployment: Label | None = None
    """Deployment of the app's namespace that is restarted then, and whose rollout is waited for."""
    timeout_seconds: int = Field(default=120, ge=1)
    """How long the Secret is waited for, and how long the Deployment."""


class AppKeySettings(OneKeySettings):
    """The app's virtual key: delivered to Vault, and from there into a Secret of its namespace."""

    name: Label | None = None
    """Name of the resource; the alias begins with it. Without it the app's name."""
    path: KvPath = "llm-key"
    """Where it is delivered, below the app's prefix."""
    secret: Label = "llm-key"  # noqa: S105 - a name
    """Secret that it is brought to."""
    variables: dict[SecretKey, str] = {"OPENAI_API_KEY": KEY_PROPERTY, "OPENAI_BASE_URL": "base-url"}
    """Key of the Secret -> property at the path."""
    consumer: AppConsumerSettings = AppConsumerSettings()
    """A rotation waits until the Secret holds the new key, and for the Deployment that is named here."""


class AppSettings(Section):
    """One app in one namespace: its policy, role, store, secrets and key."""

    name: Label
    """Name of the app."""
    namespace: Label = ""
    """Its namespace, which no other app has; without it the app's name."""
    create_namespace: bool = True
    """False where it exists and belongs to somebody else."""
    mount: VaultPath | None = None
    """KV v2 mount; without it `vault.mount`."""
    prefix: KvPath = ""
    """Its own part of the mount, which all its paths are below; without it `apps/<name>`."""
    read: list[KvPattern] = []
    """What it may read beside its secrets, below the prefix: `settings`, `tls/*`, or `*` for everything."""
    auth: AppAuthSettings | None = None
    """The auth method of its cluster; without it that of `vault.auth`."""
    role: Label = ""
    """Role of the auth method; without it the app's name."""
    account: Label = ""
    """ServiceAccount that is made for the store; without it `<name>-store`."""
    token_ttl_seconds: int = Field(default=600, ge=60)
    """Life of the store's Vault token."""
    token_max_ttl_seconds: int | None = Field(default=None, ge=60)
    """How long that token may live with all its renewals; without it as long as the auth method lets it."""
    store: AppStoreSettings = AppStoreSettings()
    """SecretStore or ClusterSecretStore."""
    secrets: list[SecretSettings] = []
    """Secrets that follow Vault."""
    push: list[PushSettings] = []
    """Secrets that are written to Vault."""
    injector: InjectorSettings | None = None
    """Files that an agent in the app's Pods writes; needs the agent injector in the cluster."""
    key: AppKeySettings | None = None
    """A virtual key of its own."""

    @model_validator(mode="before")
    @classmethod
    def _named_after_the_app(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or not is_label(name := given.get("name")):
            return given
        derived = {"namespace": name, "prefix": f"apps/{name}", "role": name, "account": f"{name}-store"}
        return derived | dict(given)

    @field_validator("token_max_ttl_seconds")
    @classmethod
    def _not_cut_short(cls, longest: int | None, info: ValidationInfo) -> int | None:
        usual = info.data.get("token_ttl_seconds", 0)
        if longest is not None and usual > longest:
            raise ValueError(
                f"expected at least tokenTtlSeconds, {usual}, which Vault would cut short without a word"
            )
        return longest

    def readable(self) -> list[str]:
        """Name what it reads below its prefix: paths, `path/*`, or `*`."""
        of_secrets = [path for secret in self.secrets for path in secret.paths()]
        of_key = [self.key.path] if self.key else []
        of_agent = [secret.path for secret in self.injected() if secret.path]
        return list(dict.fromkeys([*of_secrets, *of_key, *of_agent, *self.read]))

    def drawn(self) -> list[DynamicSettings]:
        """Name the roles of engines that it draws credentials from."""
        sources: list[SecretSettings | InjectedSecret] = [*self.secrets, *self.injected()]
        return [source.dynamic for source in sources if source.dynamic is not None]

    def injected(self) -> list[InjectedSecret]:
        """Name what an agent writes for it."""
        return self.injector.secrets if self.injector else []

    def virtual_key(self) -> KeySettings | None:
        """Give its key in the form of `keys`, delivered to its path."""
        if self.key is None:
            return None
        path = f"{self.prefix}/{self.key.path}"
        place = DeliverSettings(mount=self.mount, path=path)
        said = self.key.said("name", "path", "secret", "variables", "consumer")
        return KeySettings(name=self.key.name or self.name, deliver=place, **said)

    def key_consumer(self) -> dict[str, Any]:
        """Say, in the names of `providers.litellm`, who has to follow its key; nothing if nobody has to."""
        if self.key is None:
            return {}
        deployment = self.key.consumer.deployment
        objects: dict[str, Any] = {}
        # Without it its Secret holds what stands beside the key alone.
        if KEY_PROPERTY in self.key.variables.values():
            objects["external_secret"] = f"{self.namespace}/{self.key.secret}"
            objects["remote_ref"] = {"key": f"{self.prefix}/{self.key.path}", "property": KEY_PROPERTY}
        if deployment:
            objects["deployment"] = f"{self.namespace}/{deployment}"
        return objects and {**objects, "timeout_seconds": self.key.consumer.timeout_seconds}

    def key_secret(self) -> SecretSettings | None:
        """Give the Secret that its key is brought to."""
        if self.key is None:
            return None
        properties = {
            variable: {"path": self.key.path, "property": name}
            for variable, name in self.key.variables.items()
        }
        return SecretSettings.model_validate({"name": self.key.secret, "properties": properties})

    def synced(self) -> Iterable[SecretSettings]:
        """Give every Secret that follows Vault, the key's included."""
        yield from self.secrets
        if secret := self.key_secret():
            yield secret
