"""Volumes: claims of the cluster's StorageClass, or folders of its only node."""

from collections.abc import Iterator, Mapping
from typing import Any

from schema.foundation import FoundationSettings, VolumeSettings

__all__ = ["claim_spec", "folder_volume", "folder_volumes", "ownership", "volumes_of"]


def volumes_of(settings: FoundationSettings) -> dict[str, VolumeSettings]:
    """Give the volumes of a server by their name."""
    volumes = {"data": settings.data_storage}
    if any(device.kind == "file" for device in settings.audit):
        volumes["audit"] = settings.audit_storage
    return volumes


def claim_spec(volume: VolumeSettings) -> dict[str, Any]:
    """Spec of a claim."""
    # An empty class keeps a default StorageClass from taking the claim of a folder.
    storage_class = "" if volume.host_folder else volume.storage_class
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": volume.size}}}
    return spec if storage_class is None else spec | {"storageClassName": storage_class}


def folder_volumes(settings: FoundationSettings) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the name and the body of each PersistentVolume of the servers that is a folder of the node."""
    for kind, volume in volumes_of(settings).items():
        for member in settings.members if volume.host_folder else ():
            yield folder_volume(settings, volume, f"{kind}-{member}")


def folder_volume(
    settings: FoundationSettings, volume: VolumeSettings, claim: str
) -> tuple[str, dict[str, Any]]:
    """Give the name and the body of a PersistentVolume that only one claim may have."""
    name = f"{settings.namespace}-{claim}"
    spec = {
        "capacity": {"storage": volume.size},
        "accessModes": ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "",
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": settings.namespace,
            "name": claim,
        },
        "hostPath": {"path": f"{volume.host_folder}/{name}", "type": "DirectoryOrCreate"},
    }
    return name, {"metadata": {"name": name, "namespace": None}, "spec": spec}


def ownership(settings: FoundationSettings, mounts: Mapping[str, str]) -> dict[str, Any]:
    """Give the container that makes folders of the node the server's own, which Kubernetes doesn't.

    Parameters
    ----------
    mounts
        Name of the volume -> where it is mounted.
    """
    user = settings.server.run_as_user
    return {
        "name": "ownership",
        "image": settings.server.image,
        "command": ["chown", f"{user}:{user}", *mounts.values()],
        "securityContext": {
            "runAsUser": 0,
            "runAsNonRoot": False,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"], "add": ["CHOWN"]},
        },
        "volumeMounts": [{"name": name, "mountPath": path} for name, path in mounts.items()],
    }
