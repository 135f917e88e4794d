"""The processes of the node, in the order in which they start."""

from pathlib import Path

from local.node.control_plane import ControlPlane, Part
from local.node.layout import KUBELET_FOLDER, NODE_NAME, Layout

__all__ = ["control_plane", "parts"]


def parts(layout: Layout) -> list[Part]:
    """Return the node's processes."""
    plane = control_plane(layout)
    return [
        Part("containerd", ("containerd", f"--config={layout.configuration_folder}/containerd.toml")),
        plane.etcd(),
        plane.api_server(*_kubelet_and_aggregation(plane.pki)),
        plane.controller_manager(
            "--secure-port=10257",
            "--allocate-node-cidrs",
            f"--cluster-cidr={layout.instance.pod_network}",
            "--controllers=*,bootstrap-signer-controller,token-cleaner-controller",
        ),
        _scheduler(layout, plane),
        Part(
            "kubelet",
            (
                str(layout.hyperkube),
                "kubelet",
                f"--config={layout.configuration_folder}/kubelet.yaml",
                f"--kubeconfig={layout.instance.pki_folder}/kubelet.kubeconfig",
                f"--hostname-override={NODE_NAME}",
                f"--node-ip={layout.instance.node_address}",
                f"--root-dir={KUBELET_FOLDER}",
            ),
            needs_api=True,
        ),
        Part(
            "coredns",
            (str(layout.coredns), "-conf", f"{layout.configuration_folder}/Corefile"),
            needs_api=True,
        ),
        Part(
            "kube-proxy",
            (str(layout.hyperkube), "kube-proxy", f"--config={layout.configuration_folder}/kube-proxy.yaml"),
            needs_api=True,
        ),
    ]


def control_plane(layout: Layout) -> ControlPlane:
    """Return the cluster's control plane: its API server is reached at the node's address."""
    instance = layout.instance
    return ControlPlane(
        hyperkube=layout.hyperkube,
        pki=instance.pki_folder,
        folder=instance.node_folder,
        address=instance.node_address,
        etcd_address="127.0.0.1",
        service_network=instance.service_network,
    )


def _kubelet_and_aggregation(pki: Path) -> tuple[str, ...]:
    """Return what an API server needs that has nodes, and serves the APIs of others."""
    return (
        f"--kubelet-client-certificate={pki}/apiserver-kubelet-client.crt",
        f"--kubelet-client-key={pki}/apiserver-kubelet-client.key",
        f"--kubelet-certificate-authority={pki}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP,Hostname",
        f"--requestheader-client-ca-file={pki}/front-proxy-ca.crt",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={pki}/front-proxy-client.crt",
        f"--proxy-client-key-file={pki}/front-proxy-client.key",
    )


def _scheduler(layout: Layout, plane: ControlPlane) -> Part:
    return Part(
        "kube-scheduler",
        (
            str(layout.hyperkube),
            "kube-scheduler",
            *plane.own_kubeconfig("kube-scheduler"),
            "--secure-port=10259",
        ),
        needs_api=True,
    )
