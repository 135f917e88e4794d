"""Vault's kubernetes auth method of one cluster: how Vault reaches the API server, and who reviews tokens."""

from dataclasses import dataclass
from typing import Literal, Self
from urllib.parse import urlsplit

import pulumi
from pydantic import Field, model_validator

from schema.certificates import ca_problem
from schema.cluster import KubernetesSettings
from schema.kubeconfig import KubeconfigError, KubeconfigMissingError, is_loopback, read_api_server
from schema.section import NAMESPACE, Address, Audience, Label, Section, SettingsError, VaultPath

Reviewer = Literal["vault", "client", "service-account", "token-request"]

IN_CLUSTER_HOST = "https://kubernetes.default.svc"
API_AUDIENCE = "https://kubernetes.default.svc.cluster.local"
"""Audience of the API server and issuer of its tokens, where nobody has chosen others."""


@dataclass(frozen=True)
class ReviewingServer:
    """The API server that Vault asks whose token it was given.

    Attributes
    ----------
    host, ca_cert
        As Vault reaches it, and the PEM of who signed its certificate (None: Vault's own Pod knows).
    reached_at
        Where this machine reaches the same server; None where nobody has said.
    is_known
        False in a preview on a machine without the kubeconfig.
    """

    host: str
    ca_cert: str | None
    reached_at: str | None = None
    is_known: bool = True

    @property
    def name(self) -> str:
        """Name or address that the server's certificate has to carry for Vault."""
        return urlsplit(self.host).hostname or ""


class ClusterAuthSettings(Section):
    """The kubernetes auth method of one cluster."""

    mount: VaultPath = "kubernetes"
    """Path of the auth method, one for each cluster."""
    create_mount: bool = True
    """False where somebody else looks after the auth method and its configuration."""
    audience: Audience = "vault"
    """Audience that a store asks for and its role demands."""
    from_kubeconfig: bool = False
    """Take kubernetesHost and kubernetesCaCert from the cluster's kubeconfig, where they aren't given."""
    kubernetes_host: Address | None = None
    """The API server as Vault reaches it; without it `https://kubernetes.default.svc`."""
    kubernetes_ca_cert: str | None = None
    """PEM of the CA of the API server; not needed for Vault inside the cluster."""
    reviewer: Reviewer | None = None
    """Who asks the API server about a token: vault, client, service-account or token-request."""
    reviewer_namespace: Label = "kube-system"
    """Namespace of the ServiceAccount that is made for it."""
    reviewer_token_ttl_seconds: int = Field(default=86_400, ge=600)
    """With token-request: life of its token; a `pulumi up` in the second half of it makes another one."""
    disable_local_ca_jwt: bool | None = None
    """True keeps Vault from using its own Pod's token and CA; without it, as the reviewer needs it."""
    issuer: str | None = Field(default=None, min_length=1)
    """Issuer that a token must have; without it any, for the API server checks the signature anyway."""
    api_audience: str = Field(default=API_AUDIENCE, min_length=1)
    """With the reviewer client: audience of the API server itself."""

    @property
    def effective_reviewer(self) -> Reviewer:
        """Who reviews, where nobody was named too."""
        return self.reviewer or ("client" if self.disable_local_ca_jwt else "vault")

    @property
    def makes_reviewer(self) -> bool:
        """Whether a ServiceAccount is made for the reviews."""
        return self.reviewer in ("service-account", "token-request")

    @property
    def local_ca_jwt_disabled(self) -> bool:
        """Whether Vault leaves its own Pod's token and CA alone."""
        if self.disable_local_ca_jwt is None:
            return self.effective_reviewer != "vault"
        return self.disable_local_ca_jwt

    @property
    def further_audiences(self) -> tuple[str, ...]:
        """Audiences that a token needs beside its own: who asks the API server has to speak to it."""
        return (self.api_audience,) if self.reviewer == "client" else ()

    @model_validator(mode="after")
    def _api_server_trusted(self) -> Self:
        if (self.kubernetes_host or "").startswith("http://"):
            raise ValueError("kubernetesHost is plain http: tokens are sent to it; use https")
        if self.kubernetes_ca_cert and (problem := ca_problem(self.kubernetes_ca_cert)):
            raise ValueError(f"kubernetesCaCert {problem}")
        return self

    @model_validator(mode="after")
    def _reviewer_possible(self) -> Self:
        reviewer, disabled = self.effective_reviewer, self.disable_local_ca_jwt
        if reviewer == "vault" and disabled:
            raise ValueError(
                "reviewer vault is Vault's own Pod, and disableLocalCaJwt: true takes its token away: "
                "leave it out, or choose another reviewer"
            )
        if reviewer == "client" and disabled is False:
            raise ValueError(
                "reviewer client needs disableLocalCaJwt: true, or a Vault that runs in a Pod would review "
                "with its own token: leave it out"
            )
        if self.makes_reviewer and not self.create_mount:
            raise ValueError(
                f"reviewer {reviewer} has a token that goes into the mount's configuration, which with "
                "createMount: false belongs to somebody else"
            )
        if self.create_mount and self.local_ca_jwt_disabled and not self._ca_is_named:
            raise ValueError(
                f"kubernetesCaCert is missing: with reviewer {reviewer} Vault doesn't take its own Pod's CA; "
                "give the PEM, or say fromKubeconfig: true"
                + (
                    ", or disableLocalCaJwt: false for Vault in this very cluster"
                    if self.makes_reviewer
                    else ""
                )
            )
        return self

    @property
    def _ca_is_named(self) -> bool:
        return self.from_kubeconfig or bool(self.kubernetes_ca_cert)

    def reviewing_server(self, cluster: KubernetesSettings) -> ReviewingServer:
        """Find the API server, in the kubeconfig where the configuration says so.

        Raises
        ------
        SettingsError
            The kubeconfig can't be used, or leads Vault to itself.
        """
        given_host, given_ca = self.kubernetes_host, self.kubernetes_ca_cert
        if not self.from_kubeconfig:
            return ReviewingServer(given_host or IN_CLUSTER_HOST, given_ca)
        try:
            found = read_api_server(cluster.kubeconfig, cluster.context)
        except KubeconfigMissingError as error:
            if pulumi.runtime.is_dry_run():
                return ReviewingServer(given_host or "", given_ca or "", "", is_known=False)
            raise self._unusable(error) from None
        except KubeconfigError as error:
            raise self._unusable(error) from None
        if given_host is None and is_loopback(found.url):
            raise self._unusable(
                f"the kubeconfig has the server {found.url}, which would lead Vault to itself: give "
                "kubernetesHost, the API server as Vault reaches it"
            )
        ca = given_ca or found.ca_cert
        if ca is None:
            raise self._unusable(
                "the kubeconfig names no CA: give kubernetesCaCert, the PEM of who signed the API server"
            )
        return ReviewingServer(given_host or found.url, ca, found.url)

    def _unusable(self, problem: object) -> SettingsError:
        return SettingsError([f"{NAMESPACE}: fromKubeconfig of the auth mount {self.mount}: {problem}"])


class KubernetesAuthSettings(ClusterAuthSettings):
    """The store logs in with the token of its ServiceAccount."""

    method: Literal["kubernetes"] = "kubernetes"
    role: Label = "litellm"
    """Name of the role."""
    token_ttl_seconds: int = Field(default=600, ge=60)
    """Life of the store's Vault token."""


class ClusterSettings(KubernetesSettings):
    """Another cluster whose ServiceAccounts log in to the same Vault, at a mount of its own."""

    name: Label
    """What the stack calls it."""
    auth: ClusterAuthSettings
    """Its auth method."""

    @model_validator(mode="after")
    def _another_one(self) -> Self:
        if self.kubeconfig is None and self.context is None:
            raise ValueError("context and kubeconfig are missing: without one it is the stack's own cluster")
        return self
