"""Puts the platform into a cluster and tells when its parts serve."""

from pathlib import Path
from typing import Any

from local.cluster.api import Cluster
from local.cluster.definitions import apply_definitions
from local.cluster.documents import Site, namespace_documents, part_documents
from local.cluster.pods import unready_reason
from local.instance import Instance
from local.waiting import Probe, wait_until
from toolchain.console import Step

__all__ = ["PART_NAMESPACES", "deploy", "pod_probe", "wait_for_api"]

API_TIMEOUT_SECONDS = 90.0
WORKLOADS = ("Deployment", "StatefulSet")
PART_NAMESPACES = {"openbao": "vault", "postgres": "postgres", "external-secrets": "external-secrets"}


def wait_for_api(cluster: Cluster, current: Step) -> None:
    """Wait until the API server serves."""
    wait_until(
        "kube-apiserver", lambda: None if cluster.is_ready() else "API server", API_TIMEOUT_SECONDS, current
    )


def deploy(cluster: Cluster, instance: Instance, site: Site, definitions: Path) -> dict[str, str]:
    """Apply everything.

    Returns
    -------
    dict
        By part, the checksum that its Pods will carry.
    """
    for document in namespace_documents():
        cluster.apply(document)
    # The operator ends when a definition that it watches isn't there.
    apply_definitions(cluster, definitions)
    documents = part_documents(instance, site)
    for document in documents:
        cluster.apply(document)
    return {each["metadata"]["name"]: _checksum(each) for each in documents if each["kind"] in WORKLOADS}


def pod_probe(cluster: Cluster, part: str, checksums: dict[str, str], not_before: float) -> Probe:
    """Return what `wait_until` asks about a part's Pods; `not_before` is the start of their node."""
    return lambda: unready_reason(cluster, PART_NAMESPACES[part], part, checksums[part], not_before)


def _checksum(workload: dict[str, Any]) -> str:
    return str(workload["spec"]["template"]["metadata"]["annotations"]["llm-gateway/checksum"])
