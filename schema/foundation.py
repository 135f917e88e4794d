"""The foundation: the shape of the configuration of Vault or OpenBao on Kubernetes."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from schema.certificates import ca_problem
from schema.cluster import KubernetesSettings
from schema.seal import SealSettings
from schema.section import Address, EnvName, GoDuration, Host, Label, Quantity, Section, VaultPath

__all__ = [
    "FOUNDATION",
    "AuditSettings",
    "FoundationSettings",
    "HelmSettings",
    "NetworkSettings",
    "S3Settings",
    "ServerSettings",
    "SnapshotSettings",
    "TlsSettings",
    "VolumeSettings",
]

FOUNDATION = "foundation"
"""Namespace of its keys: the name of the project."""

TLS_FILES = ("ca.crt", "tls.crt", "tls.key")
_CRON_FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_CRON_STEP = re.compile(r"(\*|(\d+)(-(\d+))?)(/(\d+))?")
_MACROS = ("@hourly", "@daily", "@weekly", "@monthly", "@yearly", "@annually", "@midnight")


def _cron(value: str) -> str:
    expected = "expected five fields of cron, in figures: minute hour day month weekday, such as 15 */6 * * *"
    fields = value.split()
    if value in _MACROS:
        return value
    if len(fields) != len(_CRON_FIELDS):
        raise ValueError(expected)
    for field, (low, high) in zip(fields, _CRON_FIELDS, strict=True):
        for step in field.split(","):
            found = _CRON_STEP.fullmatch(step)
            if not found or found[6] == "0":
                raise ValueError(expected)
            if any(not low <= int(number) <= high for number in (found[2], found[4]) if number):
                raise ValueError(f"{field} is out of range ({low} to {high}); {expected}")
    return value


def _odd(value: int) -> int:
    if value < 1 or value % 2 == 0:
        raise ValueError(
            "expected an odd number: 3 or 5, a quorum that survives the loss of a server, or 1 without one"
        )
    return value


Cron = Annotated[str, AfterValidator(_cron)]
Replicas = Annotated[int, Field(strict=True), AfterValidator(_odd)]


class VolumeSettings(Section):
    """Where one kind of data is kept, for each replica."""

    size: Quantity = "10Gi"
    """Size of the claim."""
    storage_class: str | None = None
    """StorageClass; without it the cluster's default."""
    host_folder: str | None = None
    """For a single node without a provisioner: folder of the node below which the volumes are made."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.host_folder and self.storage_class:
            raise ValueError("hostFolder and storageClass both given: expected one of them")
        if self.host_folder and not self.host_folder.startswith("/"):
            raise ValueError(f"hostFolder is {self.host_folder!r}: expected an absolute path of the node")
        return self


class TlsSettings(Section):
    """Certificate of the servers; it has to carry the Service's name and those of the Pods."""

    source: Literal["secret", "cert-manager", "files"]
    """secret (there already), cert-manager (a Certificate is made), or files (a Secret is made of them)."""
    secret: Label = "vault-tls"  # noqa: S105 - a name
    """Secret with ca.crt, tls.crt and tls.key."""
    issuer: Label | None = None
    """cert-manager: the issuer."""
    issuer_kind: Literal["ClusterIssuer", "Issuer"] = "ClusterIssuer"
    """cert-manager: its kind."""
    folder_env: EnvName | None = None
    """files: environment variable with the folder of ca.crt, tls.crt and tls.key."""
    extra_names: list[Host] = []
    """cert-manager: further names, such as that of an ingress."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.source == "cert-manager" and self.issuer is None:
            raise ValueError("source cert-manager needs issuer")
        if self.source == "files" and self.folder_env is None:
            raise ValueError("source files needs folderEnv")
        return self

    def problems(self) -> list[str]:
        """Say what is wrong with the files, key by key."""
        return [] if self.source != "files" else list(_folder_problems(self.folder_env or ""))

    def file(self, name: str) -> str:
        """Give the content of one of the files."""
        return (Path(os.environ[self.folder_env or ""]) / name).read_text()


def _folder_problems(variable: str) -> Iterator[str]:
    folder = os.environ.get(variable)
    if folder is None:
        yield f"the environment variable {variable} is not set; expected a folder with {', '.join(TLS_FILES)}"
        return
    for name in TLS_FILES:
        try:
            content = (Path(folder) / name).read_text(encoding="ascii", errors="replace")
        except OSError as error:
            yield f"the environment variable {variable} names {folder}, whose {name}: {error.strerror}"
            continue
        if name == "ca.crt" and (problem := ca_problem(content)):
            yield f"the environment variable {variable} names {folder}, whose {name} {problem}"


class AuditSettings(Section):
    """One audit device."""

    kind: Literal["file", "syslog", "none"]
    """file (on the audit volume), syslog, or none: no audit at all, which has to be said."""
    facility: str = "AUTH"
    """syslog: the facility."""
    tag: str = "vault"
    """syslog: the tag."""


class NetworkSettings(Section):
    """NetworkPolicies; a network that doesn't enforce them ignores them."""

    policies: bool = True
    """False where somebody else looks after them."""
    client_namespaces: list[Label] = []
    """Namespaces whose Pods may reach the servers; without one, those of all namespaces."""


class S3Settings(Section):
    """Where snapshots are uploaded."""

    bucket: str = Field(min_length=3)
    """The bucket."""
    image: str
    """Image with the AWS CLI: whose it is, and which version, is your choice."""
    prefix: str = "vault"
    """Before the name of each snapshot."""
    region: str | None = None
    """Region of the bucket."""
    endpoint: Address | None = None
    """Of a server that isn't Amazon's."""
    credentials_secret: Label | None = None
    """Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; without it the Pod's own identity."""


class SnapshotSettings(Section):
    """Snapshots of raft, by a CronJob that logs in with its ServiceAccount."""

    schedule: Cron = "15 */6 * * *"
    """When, as in a CronJob."""
    target: Literal["volume", "s3"] = "volume"
    """A volume of the cluster, or a bucket."""
    keep: int = Field(default=28, ge=1)
    """volume: how many are kept."""
    service_account_annotations: dict[str, str] = {}
    """s3: annotations by which a cloud gives the upload an identity."""
    volume: VolumeSettings = VolumeSettings()
    """volume: where."""
    s3: S3Settings | None = None
    """s3: where."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.target == "s3" and self.s3 is None:
            raise ValueError("target s3 needs s3, with bucket and image")
        return self


class ResourceSettings(Section):
    """Requests and limits of one server."""

    cpu_request: Quantity = "500m"
    memory_request: Quantity = "512Mi"
    memory_limit: Quantity = "1Gi"
    cpu_limit: Quantity | None = None


class AutopilotSettings(Section):
    """How raft looks after its own members."""

    cleanup_dead_servers: bool = False
    """Take a server out of the quorum that hasn't been seen for long."""
    dead_server_threshold: GoDuration = "24h"
    """How long that is."""
    last_contact_threshold: GoDuration = "10s"
    """A server that the leader hasn't heard of for this long isn't healthy."""
    server_stabilization_time: GoDuration = "10s"
    """How long a new server has to be healthy before it votes."""


class HelmSettings(Section):
    """The official chart in the place of our own StatefulSet."""

    repository: str = "https://helm.releases.hashicorp.com"
    """Repository of the chart."""
    chart: str = "vault"
    """Its name."""
    version: str
    """Its version: pin the one that you have reviewed."""


class ServerSettings(Section):
    """The servers."""

    image: str
    """Image of the server, by digest or tag."""
    product: Literal["openbao", "vault"] = "openbao"
    """Whose it is: OpenBao sets itself up, Vault is initialised once by hand."""
    replicas: Replicas = 3
    """Members of the quorum: an odd number."""
    listener: Literal["https"] = "https"
    """The servers speak nothing else."""
    anti_affinity: Literal["required", "preferred"] = "required"
    """Whether two servers may never share a node, or only should not."""
    ui: bool = False
    """Serve the UI."""
    injector: bool = False
    """Run the agent injector (deploy: helm)."""
    performance_multiplier: int = Field(default=1, ge=1, le=10)
    """How patient raft is: 1 elects a new leader soonest; more for slow disks and busy machines."""
    resources: ResourceSettings = ResourceSettings()
    """cpuRequest, memoryRequest, memoryLimit and cpuLimit."""
    run_as_user: int = Field(default=10001, ge=1)
    """User and group of the server."""
    env: dict[EnvName, str] = {}
    """Further environment variables."""
    service_account_annotations: dict[str, str] = {}
    """Annotations by which a cloud gives the servers an identity."""


class FoundationSettings(Section):
    """The whole configuration of a foundation stack."""

    name: Label = "vault"
    """Name of the StatefulSet, its Service and what belongs to them."""
    namespace: Label = "vault"
    """Namespace of all of it."""
    create_namespace: bool = True
    """False where it exists and belongs to somebody else."""
    deploy: Literal["statefulset", "helm"] = "statefulset"
    """Our own StatefulSet, or the official Helm chart."""
    server: ServerSettings
    """The servers."""
    seal: SealSettings
    """Auto-unseal."""
    tls: TlsSettings
    """Their certificate."""
    audit: list[AuditSettings]
    """Audit devices, in the configuration of the server."""
    data_storage: VolumeSettings = VolumeSettings()
    """Volumes of raft."""
    audit_storage: VolumeSettings = VolumeSettings()
    """Volumes of the audit logs."""
    retain_data: bool = True
    """Leave the claims of data and audit logs at `pulumi destroy`."""
    auth_mount: VaultPath = "foundation"
    """kubernetes auth method at which administrator and snapshots log in."""
    audience: str = "openbao"
    """Audience of their tokens."""
    autopilot: AutopilotSettings = AutopilotSettings()
    """How raft looks after its members (set up at the first start)."""
    network: NetworkSettings = NetworkSettings()
    """NetworkPolicies."""
    service_monitor: bool = False
    """Serve metrics without a token inside the cluster, and have the Prometheus operator scrape them."""
    snapshots: SnapshotSettings | None = None
    """Snapshots of raft."""
    helm: HelmSettings | None = None
    """deploy helm: the chart."""
    kubernetes: KubernetesSettings = KubernetesSettings()
    """The cluster."""

    def problems(self) -> Iterator[str]:
        """Say what doesn't go together, or is wrong with a file, each after its key."""
        kinds = [device.kind for device in self.audit]
        if not kinds:
            yield "audit: is empty: expected file or syslog, or none if there shall be no audit"
        if "none" in kinds and len(kinds) > 1:
            yield "audit: holds none beside other devices: expected none alone, or the others"
        if len(set(kinds)) != len(kinds):
            yield "audit: holds a kind of device twice: expected each at most once"
        if self.deploy == "helm" and self.helm is None:
            yield "helm: is missing: deploy helm needs it, with the version of the chart"
        if self.deploy != "helm" and self.helm is not None:
            yield f"helm: is only for deploy helm, and deploy is {self.deploy}"
        if self.server.injector and self.deploy != "helm":
            yield "server.injector: true needs deploy helm, whose chart brings the injector"
        if self.seal.kind == "static" and self.server.product == "vault":
            yield "seal.kind: static is OpenBao's alone; with server.product vault expected a KMS or transit"
        yield from (f"tls.folderEnv: {problem}" for problem in self.tls.problems())
        if self.seal.key:
            yield from (f"seal.key.fileEnv: {problem}" for problem in self.seal.key.problems())

    @property
    def initialises_itself(self) -> bool:
        """Whether OpenBao sets itself up at its first start; Vault and a chart are initialised by hand."""
        return self.server.product == "openbao" and self.deploy == "statefulset"

    @property
    def service_host(self) -> str:
        """Name at which Pods reach the servers."""
        return f"{self.name}.{self.namespace}.svc"

    @property
    def internal_host(self) -> str:
        """Domain of the single servers: the name of a Pod stands before it."""
        return f"{self.name}-internal.{self.namespace}.svc"

    @property
    def members(self) -> list[str]:
        """Names of the Pods, the first of which sets the cluster up."""
        return [f"{self.name}-{ordinal}" for ordinal in range(self.server.replicas)]

    @property
    def certificate_names(self) -> list[str]:
        """Names that the certificate has to carry."""
        short = [self.name, f"{self.name}.{self.namespace}", self.service_host]
        return [
            *short,
            f"{self.name}-active.{self.namespace}.svc",
            f"*.{self.internal_host}",
            *self.tls.extra_names,
        ]
