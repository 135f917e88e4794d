"""Vault: the server, how the store logs in, and where the values in it come from."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pulumi
from pydantic import Field, SecretStr, model_validator

from schema.certificates import ca_problem
from schema.databases import CredentialsSettings
from schema.kubernetes_auth import KubernetesAuthSettings
from schema.section import NAMESPACE, Address, EnvName, GoDuration, Label, Section, SettingsError, VaultPath

API_KEYS, DATABASE, PLATFORM_ADMIN = "api-keys", "database", "platform-admin"
OWN_PATHS = (API_KEYS, DATABASE, PLATFORM_ADMIN)
"""The gateway's own paths below the mount."""


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
    """LiteLLM's PostgreSQL: a URL that is kept in Vault, or credentials that Vault makes."""

    url: SecretSource | None = None
    """Source of `postgresql://user:password@host:5432/database`; never in the state."""
    credentials: CredentialsSettings | None = None
    """A role of `databases` instead, with host and name of the database."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.url is None) == (self.credentials is None):
            raise ValueError("expected exactly one of url and credentials")
        return self


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
    check_ca: bool = True
    """See at VAULT_ADDR, before anything is made, that this CA vouches for internalAddress; see README."""
    mount: VaultPath = "litellm"
    """Path of the KV v2 mount."""
    create_mount: bool = True
    """False where the mount exists and belongs to somebody else."""
    retain_on_destroy: bool = True
    """Leave the mount and its values at `pulumi destroy`; the next `up` wants `createMount: false`."""
    auth: Annotated[KubernetesAuthSettings | TokenAuth, Field(discriminator="method")] = (
        KubernetesAuthSettings()
    )
    """How the store logs in: method `kubernetes` or `token`."""

    @model_validator(mode="after")
    def _transport(self) -> Self:
        if self.internal_address.startswith("http://") and not self.allow_http:
            raise ValueError("internalAddress is plain http: use https, or say allowHttp: true")
        if self.ca_cert and self.ca_cert_env:
            raise ValueError("caCert and caCertEnv both given: expected one of them")
        if self.check_ca and "check_ca" in self.model_fields_set and not (self.ca_cert or self.ca_cert_env):
            raise ValueError("checkCa: true needs caCert or caCertEnv, the CA that is to be looked at")
        if self.ca_cert and (problem := ca_problem(self.ca_cert)):
            raise ValueError(f"caCert {problem}")
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
            pem = Path(path).read_text(encoding="ascii", errors="replace")
        except OSError as error:
            raise SettingsError([self._ca_problem(f"names {path}: {error.strerror}")]) from None
        if problem := ca_problem(pem):
            raise SettingsError([self._ca_problem(f"names {path}, which {problem}")])
        return pem

    def _ca_problem(self, what: str) -> str:
        return f"{NAMESPACE}:vault.caCertEnv: the environment variable {self.ca_cert_env} {what}"
