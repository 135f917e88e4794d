"""The processes of the node, in the order in which they start."""

from dataclasses import dataclass

from local.node.layout import KUBELET_FOLDER, NODE_NAME, Layout

__all__ = ["Part", "parts"]

ETCD_CLIENT = "https://127.0.0.1:2379"
ETCD_PEER = "https://127.0.0.1:2380"


@dataclass(frozen=True)
class Part:
    """One process that the node keeps running.

    Parameters
    ----------
    name
        What the user calls it; also the name of its log.
    command
        Program and arguments; no secret is among them.
    needs_api
        It is started only when the API server is ready: earlier it would fail or back off.
    """

    name: str
    command: tuple[str, ...]
    needs_api: bool = False


def parts(layout: Layout) -> list[Part]:
    """Return the node's processes."""
    return [
        Part("containerd", ("containerd", f"--config={layout.configuration_folder}/containerd.toml")),
        _etcd(layout),
        _api_server(layout),
        _controller_manager(layout),
        _scheduler(layout),
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


def _etcd(layout: Layout) -> Part:
    pki = layout.instance.pki_folder
    return Part(
        "etcd",
        (
            str(layout.hyperkube),
            "etcd",
            "--name=local",
            f"--data-dir={layout.instance.node_folder}/etcd",
            "--logger=zap",
            "--log-level=warn",
            f"--listen-client-urls={ETCD_CLIENT}",
            f"--advertise-client-urls={ETCD_CLIENT}",
            f"--listen-peer-urls={ETCD_PEER}",
            f"--initial-advertise-peer-urls={ETCD_PEER}",
            f"--initial-cluster=local={ETCD_PEER}",
            f"--cert-file={pki}/etcd.crt",
            f"--key-file={pki}/etcd.key",
            f"--trusted-ca-file={pki}/etcd-ca.crt",
            "--client-cert-auth",
            f"--peer-cert-file={pki}/etcd.crt",
            f"--peer-key-file={pki}/etcd.key",
            f"--peer-trusted-ca-file={pki}/etcd-ca.crt",
            "--peer-client-cert-auth",
        ),
    )


def _api_server(layout: Layout) -> Part:
    instance, pki = layout.instance, layout.instance.pki_folder
    return Part(
        "kube-apiserver",
        (
            str(layout.hyperkube),
            "kube-apiserver",
            f"--etcd-servers={ETCD_CLIENT}",
            f"--etcd-cafile={pki}/etcd-ca.crt",
            f"--etcd-certfile={pki}/apiserver-etcd-client.crt",
            f"--etcd-keyfile={pki}/apiserver-etcd-client.key",
            f"--bind-address={instance.node_address}",
            "--secure-port=6443",
            # Not loopback: this is the endpoint of the Service `kubernetes`.
            f"--advertise-address={instance.node_address}",
            f"--tls-cert-file={pki}/apiserver.crt",
            f"--tls-private-key-file={pki}/apiserver.key",
            f"--client-ca-file={pki}/ca.crt",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={pki}/sa.pub",
            f"--service-account-signing-key-file={pki}/sa.key",
            f"--service-cluster-ip-range={instance.service_network}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            "--profiling=false",
            "--shutdown-delay-duration=0s",
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
        ),
    )


def _controller_manager(layout: Layout) -> Part:
    instance, pki = layout.instance, layout.instance.pki_folder
    return Part(
        "kube-controller-manager",
        (
            str(layout.hyperkube),
            "kube-controller-manager",
            *_own_kubeconfig(layout, "kube-controller-manager"),
            "--secure-port=10257",
            "--use-service-account-credentials",
            f"--service-account-private-key-file={pki}/sa.key",
            f"--root-ca-file={pki}/ca.crt",
            f"--cluster-signing-cert-file={pki}/ca.crt",
            f"--cluster-signing-key-file={pki}/ca.key",
            "--allocate-node-cidrs",
            f"--cluster-cidr={instance.pod_network}",
            f"--service-cluster-ip-range={instance.service_network}",
            # Its default lies below /usr, which belongs to the host.
            f"--flex-volume-plugin-dir={instance.node_folder}/volume-plugins",
            "--controllers=*,bootstrap-signer-controller,token-cleaner-controller",
        ),
        needs_api=True,
    )


def _scheduler(layout: Layout) -> Part:
    return Part(
        "kube-scheduler",
        (
            str(layout.hyperkube),
            "kube-scheduler",
            *_own_kubeconfig(layout, "kube-scheduler"),
            "--secure-port=10259",
        ),
        needs_api=True,
    )


def _own_kubeconfig(layout: Layout, user: str) -> tuple[str, ...]:
    file = layout.instance.pki_folder / f"{user}.kubeconfig"
    return (
        f"--kubeconfig={file}",
        f"--authentication-kubeconfig={file}",
        f"--authorization-kubeconfig={file}",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        "--profiling=false",
    )
