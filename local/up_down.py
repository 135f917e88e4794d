"""`up` and `down`: of the local node, or of a cluster that exists."""

import shutil
from pathlib import Path

from local import foreign_platform, node_platform
from local.instance import Instance
from local.lock import exclusive
from local.record import PlatformRecord
from toolchain.errors import UserError

__all__ = ["ForeignClusterRequest", "down", "purge_list", "removed_from_cluster", "up"]


class PlaceChangedError(UserError):
    """The platform runs somewhere else already."""

    def __init__(self, instance: Instance, place: str, wanted: str) -> None:
        super().__init__(
            f"The platform {instance.name} is {place}, not {wanted}: end that one first with "
            "`python -m local down --purge`, or choose another --instance."
        )


ForeignClusterRequest = foreign_platform.Request


def up(instance: Instance, request: ForeignClusterRequest | None) -> None:
    """Bring a platform up where it was, or where the request says.

    Parameters
    ----------
    instance
        Which platform.
    request
        A cluster that exists; None: where it was before, or else the local node.

    Raises
    ------
    PlaceChangedError
        It has data somewhere else.
    """
    with exclusive(instance):
        record = PlatformRecord.load(instance)
        before = record.kubeconfig if record else None
        if record and request and before != request.kubeconfig:
            raise PlaceChangedError(instance, _place(before), _place(request.kubeconfig))
        request = request or (ForeignClusterRequest(before) if before else None)
        if request:
            foreign_platform.bring_up(instance, record, request)
        else:
            node_platform.bring_up(instance)


def down(instance: Instance, *, purge: bool) -> bool:
    """Stop a platform; with `purge` delete its data too.

    Returns
    -------
    bool
        Whether there was anything to stop.
    """
    with exclusive(instance):
        record = PlatformRecord.load(instance)
        if record and record.kubeconfig:
            was_there = foreign_platform.bring_down(instance, record.kubeconfig, record.owner)
        else:
            was_there = node_platform.bring_down(instance)
        if purge:
            was_there = was_there or instance.folder.exists()
            _delete_folder(instance)
    return was_there


def purge_list(instance: Instance) -> list[Path]:
    """Return what `purge` would delete."""
    return sorted(instance.folder.iterdir()) if instance.folder.exists() else []


def removed_from_cluster(instance: Instance) -> str | None:
    """Return the cluster from which a `down` would remove the platform's data; None for the local node."""
    record = PlatformRecord.load(instance)
    return str(record.kubeconfig) if record and record.kubeconfig else None


def _delete_folder(instance: Instance) -> None:
    if instance.folder.exists():
        shutil.rmtree(instance.folder)


def _place(kubeconfig: Path | None) -> str:
    return f"in the cluster of {kubeconfig}" if kubeconfig else "on the local node"
