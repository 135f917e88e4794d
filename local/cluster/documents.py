"""The documents that make up the platform, with this instance's values in them."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from local.credentials import Credentials
from local.instance import Instance
from local.node.layout import NODE_DATA
from local.openbao import AUTHORITY_FILE_STEM, CERTIFICATE_FILE_STEM
from local.record import Storage
from local.templates import fill, load_documents

__all__ = [
    "DATA_FOLDERS",
    "Site",
    "cluster_wide_objects",
    "dns_documents",
    "namespace_documents",
    "part_documents",
]

MANIFESTS = Path(__file__).resolve().parents[1] / "manifests"
CLUSTER_WIDE = ("ClusterRoleBinding", "ClusterRole")
AUDIT_FILE = "/openbao/audit/audit.log"

# Folder below the node's data folder -> user and group number of the process that writes to it.
DATA_FOLDERS = {"openbao": 10001, "openbao-audit": 10001, "postgres": 999}


@dataclass(frozen=True)
class Site:
    """Where the platform is put.

    Parameters
    ----------
    images
        Reference of each part's image.
    storage
        Kind of volume for what must outlive a Pod.
    openbao_cluster_ip
        Pinned address of OpenBao's Service; None: the cluster chooses.
    image_digests
        Content of each image where it is known, so that new content under an old name replaces the Pods.
    """

    images: Mapping[str, str]
    storage: Storage
    openbao_cluster_ip: str | None = None
    image_digests: Mapping[str, str] = field(default_factory=dict)

    def volume(self, name: str, folder: str) -> dict[str, Any]:
        """Return a Pod's volume for data."""
        match self.storage:
            case "host":
                return {"name": name, "hostPath": {"path": str(NODE_DATA / folder), "type": "Directory"}}
            case "claim":
                return {"name": name, "persistentVolumeClaim": {"claimName": folder}}
            case "empty":
                return {"name": name, "emptyDir": {}}

    def checksum(self, part: str, *contents: str | bytes) -> str:
        """Return a digest of everything that a part reads only when it starts."""
        digest = hashlib.sha256()
        for content in (self.image_digests.get(part, ""), *contents):
            data = content.encode() if isinstance(content, str) else content
            digest.update(len(data).to_bytes(8, "big") + data)
        return digest.hexdigest()[:16]


def namespace_documents() -> list[dict[str, Any]]:
    return load_documents(MANIFESTS / "namespaces.yaml", {})


def dns_documents() -> list[dict[str, Any]]:
    return load_documents(MANIFESTS / "coredns.yaml", {})


def cluster_wide_objects() -> list[tuple[str, str]]:
    """Return kind and name of what the parts need outside of their namespaces."""
    files = [MANIFESTS / f"{part}.yaml" for part in ("openbao", "postgres", "external-secrets")]
    documents = [each for file in files for each in yaml.load_all(file.read_bytes(), yaml.CSafeLoader)]
    return [(each["kind"], each["metadata"]["name"]) for each in documents if each["kind"] in CLUSTER_WIDE]


def part_documents(instance: Instance, site: Site) -> list[dict[str, Any]]:
    """Return the documents of OpenBao, PostgreSQL and the External Secrets Operator, in order of creation."""
    credentials = Credentials.of(instance)
    return [
        *_claims(site),
        *_openbao(instance, site, credentials),
        *_postgres(site, credentials),
        *_external_secrets(site),
    ]


def _claims(site: Site) -> Iterator[dict[str, Any]]:
    if site.storage != "claim":
        return
    for name, namespace in (("openbao", "vault"), ("postgres", "postgres")):
        yield from load_documents(
            MANIFESTS / "claim.yaml", {"name": name, "namespace": namespace, "size": "1Gi"}
        )


def _openbao(instance: Instance, site: Site, credentials: Credentials) -> list[dict[str, Any]]:
    on_own_node = site.storage == "host"
    # Elsewhere nobody rotates a file, while every kubelet bounds what a container writes to its output.
    audit_file = AUDIT_FILE if on_own_node else "stdout"
    configuration = fill("openbao.hcl", (MANIFESTS / "openbao.hcl").read_text(), {"audit_file": audit_file})
    certificate = (instance.pki_folder / f"{CERTIFICATE_FILE_STEM}.crt").read_bytes()
    authority = (instance.pki_folder / f"{AUTHORITY_FILE_STEM}.crt").read_bytes()
    audit_volume = site.volume("audit", "openbao-audit") if on_own_node else {"name": "audit", "emptyDir": {}}
    return load_documents(
        MANIFESTS / "openbao.yaml",
        {
            "image": site.images["openbao"],
            "cluster_ip": site.openbao_cluster_ip,
            "configuration": configuration,
            "checksum": site.checksum("openbao", configuration, certificate, authority),
            "seal_key_base64": _base64(credentials.openbao_seal_key),
            "admin_password_base64": _base64(credentials.openbao_admin_password),
            "certificate_base64": _base64(certificate),
            "certificate_key_base64": _base64(
                (instance.pki_folder / f"{CERTIFICATE_FILE_STEM}.key").read_bytes()
            ),
            "data_volume": site.volume("data", "openbao"),
            "audit_volume": audit_volume,
        },
    )


def _postgres(site: Site, credentials: Credentials) -> list[dict[str, Any]]:
    return load_documents(
        MANIFESTS / "postgres.yaml",
        {
            "image": site.images["postgres"],
            "checksum": site.checksum("postgres", (MANIFESTS / "postgres.yaml").read_bytes()),
            "password_base64": _base64(credentials.postgres_password),
            "data_volume": site.volume("data", "postgres"),
        },
    )


def _external_secrets(site: Site) -> list[dict[str, Any]]:
    return load_documents(
        MANIFESTS / "external-secrets.yaml",
        {"image": site.images["external-secrets"], "checksum": site.checksum("external-secrets")},
    )


def _base64(content: str | bytes) -> str:
    return base64.b64encode(content.encode() if isinstance(content, str) else content).decode()
