"""`up` and `down` of a platform in a cluster that exists already."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from local.cluster import forward
from local.cluster.api import Cluster
from local.cluster.definitions import definition_names
from local.cluster.deploy import PART_NAMESPACES, deploy, pod_probe
from local.cluster.documents import Site, cluster_wide_objects, namespace_documents
from local.images import public_images
from local.instance import Instance
from local.openbao import AUTHORITY_FILE_STEM, OpenBao, ensure_openbao_certificate
from local.openbao_start import initialised_marker, wait_for_openbao
from local.record import ForeignStorage, PlatformRecord
from local.waiting import wait_until
from toolchain import ensure
from toolchain.console import console, step
from toolchain.errors import UserError

__all__ = ["ForeignObjectsError", "Request", "StillInUseError", "bring_down", "bring_up"]

PART_TIMEOUT_SECONDS = 300.0
"""Longer than on the local node: the images are pulled."""
DELETION_TIMEOUT_SECONDS = 120.0
SHOWN_NAMES = 6
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
STORE_KINDS = (
    "secretstores",
    "clustersecretstores",
    "externalsecrets",
    "clusterexternalsecrets",
    "pushsecrets",
)


@dataclass(frozen=True)
class Request:
    """What the user asks for.

    Parameters
    ----------
    kubeconfig
        File whose current context is the cluster.
    storage
        Kind of volume; None: a claim where the cluster has a default storage class.
    images
        ``NAME=REFERENCE`` each, in place of the public images.
    """

    kubeconfig: Path
    storage: ForeignStorage | None = None
    images: list[str] = field(default_factory=list)


class ForeignObjectsError(UserError):
    """The cluster holds things of the same name that somebody else made."""

    def __init__(self, server: str, found: list[str]) -> None:
        super().__init__(
            f"The cluster at {server} has {_some(found)} already, and this platform didn't make them: "
            "it changes nothing of others. Use another cluster, or let the program's config name the server "
            "and the operator that are there."
        )


class StillInUseError(UserError):
    """The operator has objects to look after, which would hang without it."""

    def __init__(self, server: str, found: list[str]) -> None:
        super().__init__(
            f"In the cluster at {server} these still need the operator: {_some(found)}. "
            "Remove them first, with `python -m local destroy`."
        )


def bring_up(instance: Instance, record: PlatformRecord | None, request: Request) -> None:
    """Put the platform into a cluster and open a way to OpenBao.

    Parameters
    ----------
    instance
        Which platform.
    record
        Where it was before, if it was.
    request
        The cluster; what it leaves open is taken from the record.
    """
    owner = record.owner if record else secrets.token_hex(4)
    cluster = Cluster(request.kubeconfig, owner)
    with step("Cluster"):
        if others := _made_by_others(cluster):
            raise ForeignObjectsError(cluster.server, others)
        storage = request.storage or (record.storage if record else _best_storage(cluster))
    images = public_images(request.images) if request.images or not record else record.images
    record = PlatformRecord(kubeconfig=request.kubeconfig, storage=storage, images=images, owner=owner)
    record.save(instance)
    if storage == "empty":
        console.print(
            "Data are kept in the Pods only (--storage empty): they are lost when a Pod is replaced."
        )
    ensure_openbao_certificate(instance)

    site = Site(images, storage)
    definitions = ensure("external-secrets") / "crds"
    with step("Manifests"):
        checksums = deploy(cluster, instance, site, definitions)
    for part in PART_NAMESPACES:
        with step(f"Pod of {part}") as current:
            wait_until(part, pod_probe(cluster, part, checksums, 0.0), PART_TIMEOUT_SECONDS, current)
    with step("Way to OpenBao"):
        forward.start(instance, ensure("kubectl"), request.kubeconfig)
    openbao = OpenBao(
        f"https://127.0.0.1:{instance.forward_port}", instance.pki_folder / f"{AUTHORITY_FILE_STEM}.crt"
    )

    def wipe() -> None:
        _wipe_openbao(cluster)
        deploy(cluster, instance, site, definitions)

    if storage == "empty":
        # Every new Pod initialises itself anew.
        initialised_marker(instance).unlink(missing_ok=True)
    with step("OpenBao") as current:
        wait_for_openbao(instance, openbao, pod_probe(cluster, "openbao", checksums, 0.0), wipe, current)


def bring_down(instance: Instance, kubeconfig: Path, owner: str) -> bool:
    """Close the way to OpenBao and remove from the cluster all that this platform made there, data included.

    Returns
    -------
    bool
        Whether there was anything.

    Raises
    ------
    StillInUseError
        The operator still looks after objects of the user's.
    """
    cluster = Cluster(kubeconfig, owner)
    definitions = definition_names(ensure("external-secrets") / "crds")
    own_definitions = [
        metadata["name"]
        for metadata in cluster.list_metadata("CustomResourceDefinition")
        if metadata["name"] in definitions and cluster.made(metadata)
    ]
    if own_definitions and (users := _objects_of_operator(cluster)):
        raise StillInUseError(cluster.server, users)
    forward.stop_forward(instance)
    with step("Platform is removed from the cluster") as current:
        deleted = [cluster.delete("CustomResourceDefinition", name) for name in own_definitions]
        for kind, name in cluster_wide_objects():
            deleted.append(_delete_own(cluster, kind, name))
        namespaces = [document["metadata"]["name"] for document in namespace_documents()]
        deleted += [_delete_own(cluster, "Namespace", name) for name in namespaces]
        wait_until(
            "namespaces",
            lambda: next((name for name in namespaces if _is_own(cluster, "Namespace", name)), None),
            DELETION_TIMEOUT_SECONDS,
            current,
        )
    initialised_marker(instance).unlink(missing_ok=True)
    PlatformRecord.forget(instance)
    return any(deleted)


def _some(names: list[str]) -> str:
    more = len(names) - SHOWN_NAMES
    return ", ".join(names[:SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")


def _made_by_others(cluster: Cluster) -> list[str]:
    names = [("Namespace", document["metadata"]["name"]) for document in namespace_documents()]
    found = []
    for kind, name in [*names, *cluster_wide_objects()]:
        existing = cluster.get(kind, name)
        if existing and not cluster.made(existing["metadata"]):
            found.append(f"{kind} {name}")
    definitions = definition_names(ensure("external-secrets") / "crds")
    found += [
        f"CustomResourceDefinition {metadata['name']}"
        for metadata in cluster.list_metadata("CustomResourceDefinition")
        if metadata["name"] in definitions and not cluster.made(metadata)
    ]
    return found


def _objects_of_operator(cluster: Cluster) -> list[str]:
    return [
        f"{plural} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}"
        for plural in STORE_KINDS
        for item in cluster.objects_at(f"/apis/external-secrets.io/v1/{plural}")
    ]


def _is_own(cluster: Cluster, kind: str, name: str) -> bool:
    existing = cluster.get(kind, name)
    return existing is not None and cluster.made(existing["metadata"])


def _delete_own(cluster: Cluster, kind: str, name: str) -> bool:
    return _is_own(cluster, kind, name) and cluster.delete(kind, name)


def _best_storage(cluster: Cluster) -> ForeignStorage:
    classes = [item["metadata"].get("annotations") or {} for item in cluster.objects("StorageClass")]
    return "claim" if any(annotations.get(DEFAULT_CLASS) == "true" for annotations in classes) else "empty"


def _wipe_openbao(cluster: Cluster) -> None:
    """Delete the data of an OpenBao that never was initialised to the end."""
    cluster.delete("StatefulSet", "openbao", "vault")
    cluster.delete("Pod", "openbao-0", "vault", grace_seconds=0)
    cluster.delete("PersistentVolumeClaim", "openbao", "vault")
    with step("OpenBao's storage") as current:
        wait_until(
            "openbao",
            lambda: "its Pod" if cluster.get("Pod", "openbao-0", "vault") else None,
            DELETION_TIMEOUT_SECONDS,
            current,
        )
