"""The LiteLLM Deployment, what surrounds it, and its models."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic.alias_generators import to_camel

from schema.section import Address, EnvName, Host, Label, Quantity, Section, VaultPath


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
    """Address that apps are told, and that this program calls; without it the Service's ClusterIP."""
    ca_cert_file: str | None = Field(default=None, min_length=1)
    """File with the CA that signed the certificate at `url`, PEM, where this program runs."""
    reach: Literal["url", "port-forward"] = "url"
    """How this program calls the key API: at the URL, or through the Kubernetes API to a ready Pod."""
    ready_timeout_seconds: int = Field(default=120, ge=5)
    """How long this program waits for a gateway that is away before a key's operation fails."""
    admin_key: SecretReference | None = None
    """Where an admin key is found, instead of the master key in Vault."""
    platform_admin: bool | None = None
    """Make a key for the key API alone, and manage the keys with it; true unless there is an adminKey."""

    @model_validator(mode="after")
    def _a_ca_has_a_certificate(self) -> Self:
        if self.ca_cert_file and (self.reach != "url" or not (self.url or "").startswith("https://")):
            raise ValueError("caCertFile needs a url that begins with https://, and reach: url")
        return self

    @property
    def makes_platform_admin(self) -> bool:
        """Whether keys are managed with a platform admin's key."""
        return self.admin_key is None if self.platform_admin is None else self.platform_admin


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
