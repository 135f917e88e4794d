"""The cluster, and the operator in it that follows Vault."""

from typing import Literal

from pydantic import Field

from schema.operator import InstallSettings, NoInstall
from schema.section import GoDuration, Section


class ExternalSecretsSettings(Section):
    """How External Secrets Operator keeps the gateway's Secret equal to Vault."""

    api_version: Literal["v1", "v1beta1"] = "v1"
    """Version of the operator's API."""
    ca_source: Literal["ConfigMap", "Secret", "bundle"] = "ConfigMap"
    """Where a store finds Vault's CA: in a ConfigMap or Secret that is made for it, or written into it."""
    refresh_interval: GoDuration = "15s"
    """How often the operator compares the Secret with Vault."""
    sync_timeout_seconds: int = Field(default=180, ge=10)
    """How long `pulumi up` waits for the store and the first sync."""
    install: InstallSettings = NoInstall()
    """Who installs the operator: mode `none` (somebody else), `manifests`, `helm` or `argocd`."""


class KubernetesSettings(Section):
    """The cluster; its address and credentials come from a kubeconfig."""

    kubeconfig: str | None = None
    """Path of the kubeconfig; without it KUBECONFIG, so that no machine's path stands in the state."""
    context: str | None = None
    """Context of the kubeconfig."""
    cluster_identifier: str = "llm-gateway"
    """What makes a cluster another one: a change replaces every object."""
    force_conflicts: bool = True
    """Take back the declared fields that somebody else has changed, instead of failing with a conflict."""

    def connection(self) -> dict[str, str]:
        """How the providers reach the cluster; what is left out comes from KUBECONFIG."""
        return self.model_dump(include={"kubeconfig", "context"}, exclude_none=True)
