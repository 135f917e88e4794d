"""The custom resource definitions of the External Secrets Operator."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local.cluster.api import Cluster

__all__ = ["apply_definitions", "definition_names"]

NAMESPACE = "external-secrets"
RECORD = "llm-gateway-definitions"
REQUESTS_AT_ONCE = 4


def definition_names(folder: Path) -> dict[str, Path]:
    """Return each definition's file by its name; the files are called GROUP_PLURAL.yaml."""
    files = sorted(folder.glob("*.yaml"))
    return {"{1}.{0}".format(*file.stem.split("_", 1)): file for file in files}


def apply_definitions(cluster: Cluster, folder: Path) -> bool:
    """Apply the definitions unless the cluster has these very ones.

    Returns
    -------
    bool
        Whether any was applied.
    """
    files = definition_names(folder)
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files.values())).hexdigest()
    record = cluster.get("ConfigMap", RECORD, NAMESPACE)
    present = {metadata["name"] for metadata in cluster.list_metadata("CustomResourceDefinition")}
    if record and record["data"] == {"sha256": digest} and present.issuperset(files):
        return False
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        list(pool.map(lambda item: cluster.apply_definition(item[0], item[1].read_text()), files.items()))
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": RECORD, "namespace": NAMESPACE},
            "data": {"sha256": digest},
        }
    )
    return True
