"""`up` and `down` of a platform on the local node."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local.cluster.api import Cluster
from local.cluster.deploy import deploy, pod_probe, wait_for_api
from local.cluster.documents import DATA_FOLDERS, Site, dns_documents
from local.files import private_folder
from local.images import digests, import_missing, local_images
from local.instance import Instance
from local.node import lifecycle, network
from local.node.certificates import ensure_certificates
from local.node.layout import CONTAINERD_SOCKET, Layout
from local.openbao import AUTHORITY_FILE_STEM, OpenBao, ensure_openbao_certificate
from local.openbao_start import wait_for_openbao
from local.preconditions import check_machine
from local.processes import Process
from local.record import PlatformRecord
from local.waiting import wait_until
from toolchain import ensure
from toolchain.console import Step, console, step
from toolchain.errors import UserError

__all__ = ["LeftoversError", "bring_down", "bring_up"]

CONTAINERD_TIMEOUT_SECONDS = 20.0
PART_TIMEOUT_SECONDS = 180.0


class LeftoversError(UserError):
    """Something of a node that was stopped is still there."""

    def __init__(self, instance: Instance, left: list[str]) -> None:
        super().__init__(
            f"Of the node of instance {instance.name} this is left and can't be removed: {', '.join(left)}. "
            "See what holds it, and run `python -m local down` again."
        )


def bring_up(instance: Instance) -> None:
    """Start the node and everything on it, or whatever of it doesn't run; data that are there are kept."""
    check_machine(instance)
    layout = Layout.ready(instance)
    record = PlatformRecord(images=local_images())
    record.save(instance)
    ensure_openbao_certificate(instance)
    _make_data_folders(instance)

    with step("Kubernetes node") as current:
        node = _running_node(layout)
        cluster = Cluster(instance.pki_folder / "admin.kubeconfig")
        with ThreadPoolExecutor(1) as pool:
            imported = pool.submit(_import_images, layout, node, current)
            wait_for_api(cluster, current)
            for document in dns_documents():
                cluster.apply(document)
            current.note("images")
            imported.result()
    site = Site(record.images, record.storage, instance.openbao_address, digests(layout, node, record.images))
    with step("Manifests"):
        checksums = deploy(cluster, instance, site, ensure("external-secrets") / "crds")

    started_at = node.started_at()
    openbao = OpenBao(openbao_url(instance), instance.pki_folder / f"{AUTHORITY_FILE_STEM}.crt")
    with step("OpenBao") as current:
        wait_for_openbao(
            instance,
            openbao,
            pod_probe(cluster, "openbao", checksums, started_at),
            lambda: _wipe_openbao(cluster, instance, site),
            current,
        )
    for part, title in (("postgres", "PostgreSQL"), ("external-secrets", "External Secrets Operator")):
        with step(title) as current:
            wait_until(part, pod_probe(cluster, part, checksums, started_at), PART_TIMEOUT_SECONDS, current)


def bring_down(instance: Instance) -> bool:
    """Stop the node, make sure that nothing of it is left, and tell whether it was running.

    Raises
    ------
    LeftoversError
        Something can't be removed.
    """
    if was_running := lifecycle.find(instance) is not None:
        with step("Kubernetes node stops"):
            lifecycle.stop_node(instance)
    else:
        lifecycle.clear(instance)
    if left := lifecycle.leftovers(instance):
        raise LeftoversError(instance, left)
    return was_running


def openbao_url(instance: Instance) -> str:
    return f"https://{instance.openbao_address}:8200"


def _running_node(layout: Layout) -> Process:
    """Return the node as it should be; one that isn't is started anew."""
    instance = layout.instance
    node = lifecycle.find(instance)
    renewed = ensure_certificates(instance)
    if node is None:
        return lifecycle.start(layout)
    if renewed:
        reason = f"certificates were renewed: {', '.join(renewed)}"
    elif node.arguments[5:] != layout.program_arguments:
        reason = "its programs changed"
    elif not network.is_attached(instance):
        reason = "its start was interrupted"
    else:
        return node
    console.print(f"The node is started anew: {reason}.")
    lifecycle.stop_node(instance)
    return lifecycle.start(layout)


def _import_images(layout: Layout, node: Process, current: Step) -> None:
    socket = Path(f"/proc/{node.pid}/root{CONTAINERD_SOCKET}")
    wait_until(
        "containerd", lambda: None if socket.exists() else "containerd", CONTAINERD_TIMEOUT_SECONDS, current
    )
    import_missing(layout, node)


def _make_data_folders(instance: Instance) -> None:
    private_folder(instance.data_folder)
    for name, owner in DATA_FOLDERS.items():
        os.chown(private_folder(instance.data_folder / name), owner, owner)


def _wipe_openbao(cluster: Cluster, instance: Instance, site: Site) -> None:
    """Delete the data of an OpenBao that never was initialised to the end."""
    cluster.delete("StatefulSet", "openbao", "vault")
    cluster.delete("Pod", "openbao-0", "vault", grace_seconds=0)
    with step("OpenBao's storage") as current:
        wait_until(
            "openbao",
            lambda: "its Pod" if cluster.get("Pod", "openbao-0", "vault") else None,
            PART_TIMEOUT_SECONDS,
            current,
        )
    shutil.rmtree(instance.data_folder / "openbao")
    _make_data_folders(instance)
    deploy(cluster, instance, site, ensure("external-secrets") / "crds")
