"""Who installs External Secrets Operator, and how."""

import os
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from schema.section import Label, Quantity, Section

_CHART_VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")


def _pinned(value: str) -> str:
    if not _CHART_VERSION.fullmatch(value):
        raise ValueError("expected one version of the chart, such as 0.20.4, and no range")
    return value


def _there(value: str) -> str:
    if not os.access(value, os.R_OK):
        raise ValueError("there is no such file or folder, or it may not be read")
    return value


class OperatorResources(Section):
    """Requests and the memory limit of the operator's Pod."""

    cpu_request: Quantity = "20m"
    memory_request: Quantity = "64Mi"
    memory_limit: Quantity = "256Mi"


class NoInstall(Section):
    """Somebody else has installed the operator."""

    mode: Literal["none"] = "none"


class OwnInstall(Section):
    """What every way to install the operator needs."""

    namespace: Label = "external-secrets"
    """Namespace of the operator."""
    create_namespace: bool = True
    """False where somebody else looks after it."""
    replicas: int = Field(default=1, ge=1)
    """Pods; with several of them one leads and the others wait."""
    service_account: Label = "external-secrets"
    """ServiceAccount that is made for it."""
    resources: OperatorResources = OperatorResources()
    """Requests and limits."""


class ManifestsInstall(OwnInstall):
    """Plain objects: the controller without its webhook, and the definitions of a release's bundle."""

    mode: Literal["manifests"]
    crds: list[Annotated[str, AfterValidator(_there)]] = Field(min_length=1)
    """Files of the release, or folders of them, with its CustomResourceDefinitions; the rest is left out."""
    image: str
    """Image of the same release; pin it by digest."""
    image_pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    """Of the image."""


class ChartInstall(OwnInstall):
    """The operator's Helm chart."""

    version: Annotated[str, AfterValidator(_pinned)]
    """Version of the chart."""
    repository: Annotated[str, Field(pattern=r"^https://.+")] = "https://charts.external-secrets.io"
    """Repository of the chart."""
    values: dict[str, Any] = {}
    """Further values of the chart, which win over those made of the keys above."""


class HelmInstall(ChartInstall):
    """A Helm release of the operator's chart."""

    mode: Literal["helm"]
    timeout_seconds: int = Field(default=300, ge=30)
    """How long the release may take."""


class ArgoCDInstall(ChartInstall):
    """An Application of Argo CD, which `python -m gitops` writes; `up` waits for what Argo CD makes of it."""

    mode: Literal["argocd"]
    application: Label = "external-secrets"
    """Name of the Application."""
    argocd_namespace: Label = "argocd"
    """Namespace of the Application: Argo CD's own."""
    project: str = "default"
    """Project of Argo CD."""
    cluster: str = "https://kubernetes.default.svc"
    """The destination's server, as Argo CD knows it."""


InstallSettings = Annotated[
    NoInstall | ManifestsInstall | HelmInstall | ArgoCDInstall, Field(discriminator="mode")
]
