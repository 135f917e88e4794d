"""The shape of a stack's configuration: one class a section, one field a key, in camelCase.

`settings.py` reads the configuration into these; components take them as their arguments.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import pulumi
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic.alias_generators import to_camel

from providers.litellm.checks import parse_duration

NAMESPACE = "llm-gateway"


class SettingsError(pulumi.RunError):
    """One or more configuration keys are wrong; ends the program with these sentences and no traceback."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self.sentences = tuple(sentences)
        super().__init__("\n".join(self.sentences))


# --- kinds of values -------------------------------------------------------------------------------------

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_GO_DURATION = re.compile(r"(\d+(\.\d+)?(ms|s|m|h))+")
_VAULT_PATH = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUANTITY = re.compile(r"\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?")


def _matching(pattern: re.Pattern[str], expected: str) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(f"expected {expected}")
        return value

    return AfterValidator(check)


def _host(value: str) -> str:
    if len(value) > 253 or not all(_LABEL.fullmatch(part) for part in value.removeprefix("*.").split(".")):  # noqa: PLR2004 - the limit of RFC 1123
        raise ValueError("expected a host name in lower case, as Kubernetes takes it: gateway.example.com")
    return value


def _https(value: str) -> str:
    url = urlsplit(value)
    if url.scheme not in ("http", "https") or not url.hostname or url.path.strip("/"):
        raise ValueError("expected an address such as https://vault.example.com:8200, without a path")
    return value.rstrip("/")


def _duration(value: str) -> str:
    parse_duration(value)
    return value


Label = Annotated[
    str, _matching(_LABEL, "a name that Kubernetes takes: a-z, 0-9 and '-', at most 63 characters")
]
Host = Annotated[str, AfterValidator(_host)]
Address = Annotated[str, AfterValidator(_https)]
GoDuration = Annotated[str, _matching(_GO_DURATION, "a duration such as 15s, 5m or 1h")]
LiteLLMDuration = Annotated[str, AfterValidator(_duration)]
VaultPath = Annotated[str, _matching(_VAULT_PATH, "a Vault path without a leading or trailing '/'")]
EnvName = Annotated[str, _matching(_ENV_NAME, "the name of an environment variable")]
Quantity = Annotated[str, _matching(_QUANTITY, "a Kubernetes quantity such as 500m or 768Mi")]
Usd = Annotated[float, Field(ge=0, strict=True)]
Limit = Annotated[int, Field(ge=0, strict=True)]


class Section(BaseModel):
    """A part of the configuration: camelCase keys, nothing unknown, nothing changed after loading."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        use_attribute_docstrings=True,
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        hide_input_in_errors=True,
    )


# --- sections --------------------------------------------------------------------------------------------


class SecretSource(Section):
    """Where the value of a property in Vault comes from; exactly one of its keys is given."""

    value: SecretStr | None = None
    """The secret itself: `pulumi config set --secret --path ...`; kept encrypted in config and state."""
    env: EnvName | None = None
    """Environment variable that holds it when `pulumi up` runs; never in the state."""
    file: str | None = None
    """File that holds it when `pulumi up` runs; never in the state."""
    placeholder: Literal[True] | None = None
    """Made up once: for models that need no account."""
    manual: Literal[True] | None = None
    """Put into Vault by hand; never written."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [name for name in SecretSource.model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                "expected exactly one of value (a secret), env, file, placeholder: true or manual: true, "
                f"got {' and '.join(given) or 'none'}"
            )
        return self

    def source(self) -> dict[str, Any]:
        """Say the same to `providers.vault.KvSecret`, with a value marked secret."""
        if self.value is not None:
            return {"value": pulumi.Output.secret(self.value.get_secret_value())}
        if self.placeholder:
            return {"generate": "password"}
        return self.model_dump(include={"env", "file", "manual"}, exclude_none=True)


class ProviderKey(SecretSource):
    """One credential of a model provider: the property of `api-keys` that holds it, and its source."""

    property: Label
    """Property of `api-keys` that holds it."""


class DatabaseSettings(Section):
    """LiteLLM's PostgreSQL; the URL is kept in Vault, never in the state."""

    url: SecretSource
    """Source of `postgresql://user:password@host:5432/database`."""


class KubernetesAuth(Section):
    """The store logs in with the token of its ServiceAccount."""

    method: Literal["kubernetes"] = "kubernetes"
    mount: VaultPath = "kubernetes"
    """Path of the auth method, one for each cluster."""
    create_mount: bool = True
    """False where somebody else looks after the auth method and its configuration."""
    role: Label = "litellm"
    """Name of the role."""
    audience: str = "vault"
    """Audience that the store asks for and the role demands."""
    kubernetes_host: Address = "https://kubernetes.default.svc"
    """The cluster's API server as Vault reaches it."""
    kubernetes_ca_cert: str | None = None
    """PEM of the CA of the API server; not needed for Vault inside the cluster."""
    disable_local_ca_jwt: bool = False
    """True for Vault outside the cluster."""
    token_ttl_seconds: int = Field(default=600, ge=60)
    """Life of the store's Vault token."""


class TokenAuth(Section):
    """The store holds a token: periodic, or with a long time to live."""

    method: Literal["token"]
    period: GoDuration | None = None
    """A periodic token: lives on as long as it is renewed within this time."""
    ttl: GoDuration | None = None
    """A token that ends after this time."""

    @model_validator(mode="after")
    def _one_lifetime(self) -> Self:
        if (self.period is None) == (self.ttl is None):
            raise ValueError("expected exactly one of period (renewed for ever) and ttl (ends)")
        return self


class VaultSettings(Section):
    """The Vault or OpenBao server, as Pods reach it and as this program uses it."""

    internal_address: Address
    """Address as Pods reach it; this program uses VAULT_ADDR or `vault:address`."""
    allow_http: bool = False
    """Take plain http for the address."""
    namespace: str | None = None
    """Namespace of Vault Enterprise or OpenBao."""
    ca_cert: str | None = None
    """PEM of the CA that signed the server's certificate."""
    ca_cert_env: EnvName | None = None
    """Environment variable with the path of that CA instead."""
    mount: VaultPath = "litellm"
    """Path of the KV v2 mount."""
    create_mount: bool = True
    """False where the mount exists and belongs to somebody else."""
    retain_on_destroy: bool = True
    """Leave the mount and its values at `pulumi destroy`; the next `up` wants `createMount: false`."""
    auth: Annotated[KubernetesAuth | TokenAuth, Field(discriminator="method")] = KubernetesAuth()
    """How the store logs in: method `kubernetes` or `token`."""

    @model_validator(mode="after")
    def _transport(self) -> Self:
        if self.internal_address.startswith("http://") and not self.allow_http:
            raise ValueError("internalAddress is plain http: use https, or say allowHttp: true")
        if self.ca_cert and self.ca_cert_env:
            raise ValueError("caCert and caCertEnv both given: expected one of them")
        if self.ca_cert and "-----BEGIN CERTIFICATE-----" not in self.ca_cert:
            raise ValueError("caCert is not PEM: expected -----BEGIN CERTIFICATE-----")
        return self

    def connection(self) -> dict[str, Any]:
        """How the providers reach the server; what is left out comes from VAULT_ADDR and its like."""
        return {"namespace": self.namespace} if self.namespace else {}

    def ca_pem(self) -> str | None:
        """Give the CA that signs the server's certificate, or None for a publicly trusted one.

        A preview may run where the file of `caCertEnv` isn't: it then shows the CA as empty.
        """
        if self.ca_cert_env is None:
            return self.ca_cert
        path = os.environ.get(self.ca_cert_env)
        if path is None and pulumi.runtime.is_dry_run():
            return ""
        if path is None:
            raise SettingsError([self._ca_problem("is not set; expected the path of a CA in PEM")])
        try:
            return Path(path).read_text(encoding="ascii")
        except OSError as error:
            raise SettingsError([self._ca_problem(f"names {path}: {error.strerror}")]) from None

    def _ca_problem(self, what: str) -> str:
        return f"{NAMESPACE}:vault.caCertEnv: the environment variable {self.ca_cert_env} {what}"


class ExternalSecretsSettings(Section):
    """How External Secrets Operator keeps the gateway's Secret equal to Vault."""

    api_version: Literal["v1", "v1beta1"] = "v1"
    """Version of the operator's API."""
    refresh_interval: GoDuration = "15s"
    """How often the operator compares the Secret with Vault."""
    sync_timeout_seconds: int = Field(default=180, ge=10)
    """How long `pulumi up` waits for the store and the first sync."""


class KubernetesSettings(Section):
    """The cluster; its address and credentials come from the kubeconfig that KUBECONFIG names."""

    context: str | None = None
    """Context of the kubeconfig."""
    cluster_identifier: str = "llm-gateway"
    """What makes a cluster another one: a change replaces every object."""
    force_conflicts: bool = True
    """Take back the declared fields that somebody else has changed, instead of failing with a conflict."""


class Resources(Section):
    """Requests and the memory limit of one replica."""

    cpu_request: Quantity = "250m"
    memory_request: Quantity = "768Mi"
    memory_limit: Quantity = "2Gi"


class MigrationSettings(Section):
    """The Job that brings the database to the image's schema before each rollout."""

    enabled: bool = True
    """False where migrations are somebody else's work."""
    command: list[str] = ["python", "litellm/proxy/prisma_migration.py"]
    """What the Job runs, in the image of the gateway."""
    timeout_seconds: int = Field(default=300, ge=30)
    """Time after which it has failed."""


class IngressSettings(Section):
    """How traffic from outside reaches the Service."""

    kind: Literal["none", "ingress", "httproute"] = "none"
    """none, ingress, or httproute (Gateway API)."""
    host: Host | None = None
    """Host name of the gateway."""
    class_name: Label | None = None
    """ingressClassName of the Ingress."""
    tls_secret: Label | None = None
    """Secret with the certificate."""
    cert_manager_issuer: Label | None = None
    """ClusterIssuer of cert-manager that writes it."""
    ssl_redirect: bool = True
    """Redirect http to https (ingress-nginx; with a Gateway it is the listener's work)."""
    await_address: bool = False
    """Wait until the controller has given the Ingress an address."""
    gateway_name: Label | None = None
    """Gateway of the HTTPRoute."""
    gateway_namespace: Label | None = None
    """Its namespace, if it is another."""
    annotations: dict[str, str] = {}
    """Further annotations."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = {"none": (), "ingress": ("host", "class_name"), "httproute": ("host", "gateway_name")}[
            self.kind
        ]
        missing = [to_camel(name) for name in needed if getattr(self, name) is None]
        if missing:
            raise ValueError(f"kind {self.kind} needs {' and '.join(missing)}")
        if self.cert_manager_issuer and not self.tls_secret:
            raise ValueError("certManagerIssuer needs tlsSecret: the Secret that cert-manager writes")
        return self


class VaultProperty(Section):
    """One property of a KV v2 path."""

    mount: VaultPath
    path: VaultPath
    property: str


class SecretReference(Section):
    """Where the admin key is found whenever a call is made; it is never part of the configuration."""

    env: EnvName | None = None
    """Environment variable."""
    file: str | None = None
    """File."""
    vault: VaultProperty | None = None
    """Property in Vault: mount, path, property."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [name for name in SecretReference.model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"expected exactly one of env, file or vault, got {' and '.join(given) or 'none'}"
            )
        return self

    def reference(self) -> dict[str, Any]:
        """Say the same to the providers."""
        return self.model_dump(exclude_none=True)


class GatewaySettings(Section):
    """The LiteLLM Deployment and what surrounds it."""

    image: str
    """Image of LiteLLM, by digest or tag."""
    image_pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    """As in a Pod."""
    namespace: Label = "litellm"
    """Namespace of everything the gateway consists of."""
    create_namespace: bool = True
    """False where it exists and belongs to somebody else."""
    replicas: int = Field(default=2, ge=1)
    """Replicas of the Deployment."""
    resources: Resources = Resources()
    """cpuRequest, memoryRequest and memoryLimit of a replica."""
    run_as_user: int = Field(default=10001, ge=1)
    """User and group of the containers."""
    read_only_root_filesystem: bool = True
    """Only /tmp is writable; for images that need more, false."""
    key_cache_ttl_seconds: int = Field(default=60, ge=1)
    """How long a replica may go on accepting a revoked key."""
    startup_timeout_seconds: int = Field(default=300, ge=30)
    """How long a replica may take to start."""
    env: dict[EnvName, str] = {}
    """Further environment variables, no secrets."""
    litellm_settings: dict[str, Any] = {}
    """LiteLLM's `litellm_settings`."""
    router_settings: dict[str, Any] = {}
    """LiteLLM's `router_settings`."""
    migration: MigrationSettings = MigrationSettings()
    """The Job before each rollout."""
    ingress: IngressSettings = IngressSettings()
    """The way in from outside."""
    url: Address | None = None
    """Address at which this program calls the key API; without it the Service's ClusterIP."""
    ready_timeout_seconds: int = Field(default=120, ge=5)
    """How long this program waits for a gateway that is away before a key's operation fails."""
    admin_key: SecretReference | None = None
    """Where the admin key is found; without it the master key in Vault."""


class ModelSettings(Section):
    """One entry of LiteLLM's model list."""

    name: str = Field(min_length=1)
    """Name that apps ask for."""
    model: str = Field(min_length=1)
    """LiteLLM's `provider/model`."""
    api_key_env: EnvName | None = None
    """Variable of `providerKeys` with its credential."""
    api_base: Address | None = None
    """Address of the provider."""
    mock_response: str | None = None
    """Answer with this text and call no provider."""
    params: dict[str, Any] = {}
    """Further `litellm_params`."""
    info: dict[str, Any] = {}
    """`model_info`."""


class DeliverSettings(Section):
    """Where a key is put instead of the stack's state; beside it stand its URL, alias, hash and expiry."""

    mount: VaultPath | None = None
    """KV v2 mount; without it `vault.mount`."""
    path: VaultPath
    """Path below the mount, of this key alone."""
    property: str = Field(default="api-key", min_length=1)
    """Property that holds the key."""


class KeySettings(Section):
    """One virtual key."""

    name: Label
    """Name of the resource; the alias begins with it."""
    models: list[str] = Field(min_length=1)
    """Models it may use."""
    alias: str | None = None
    """An alias of your own instead of `<name>-<7 hex>`."""
    max_budget: Usd | None = None
    """USD."""
    budget_duration: LiteLLMDuration | None = None
    """Time after which the spend begins anew: 30s, 15m, 24h, 7d, 2w, 1mo."""
    duration: LiteLLMDuration | None = None
    """Life of the key, from its creation."""
    rpm_limit: Limit | None = None
    """Requests a minute."""
    tpm_limit: Limit | None = None
    """Tokens a minute."""
    metadata: dict[str, Any] = {}
    """Anything; shown in the gateway beside our own marks."""
    user_id: str | None = None
    """Owner in LiteLLM."""
    team_id: str | None = None
    """Team in LiteLLM."""
    deliver: DeliverSettings | None = None
    """Put the key into Vault; the state then holds its hash, and no output holds the key."""


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
