"""The control plane of one cluster: etcd, API server and controller manager, and when it serves."""

import http.client
import ssl
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ISSUER", "ControlPlane", "Part", "api_is_ready"]

ISSUER = "https://kubernetes.default.svc.cluster.local"
"""Issuer of the ServiceAccounts' tokens, and the API server's own audience: what most clusters say."""
API_PORT = 6443


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


@dataclass(frozen=True)
class ControlPlane:
    """One cluster's control plane.

    Parameters
    ----------
    hyperkube
        The binary that holds etcd and Kubernetes.
    pki
        Folder of its certificates, keys and kubeconfigs.
    folder
        What it keeps.
    address
        Where the API server listens.
    etcd_address
        Where etcd listens.
    service_network
        Where ClusterIPs come from.
    prefix
        What the names of its parts begin with.
    """

    hyperkube: Path
    pki: Path
    folder: Path
    address: str
    etcd_address: str
    service_network: str
    prefix: str = ""

    @property
    def etcd_url(self) -> str:
        return f"https://{self.etcd_address}:2379"

    def etcd(self) -> Part:
        peer_url = f"https://{self.etcd_address}:2380"
        return self._part(
            "etcd",
            "--name=local",
            f"--data-dir={self.folder}/etcd",
            "--logger=zap",
            "--log-level=warn",
            f"--listen-client-urls={self.etcd_url}",
            f"--advertise-client-urls={self.etcd_url}",
            f"--listen-peer-urls={peer_url}",
            f"--initial-advertise-peer-urls={peer_url}",
            f"--initial-cluster=local={peer_url}",
            f"--cert-file={self.pki}/etcd.crt",
            f"--key-file={self.pki}/etcd.key",
            f"--trusted-ca-file={self.pki}/etcd-ca.crt",
            "--client-cert-auth",
            f"--peer-cert-file={self.pki}/etcd.crt",
            f"--peer-key-file={self.pki}/etcd.key",
            f"--peer-trusted-ca-file={self.pki}/etcd-ca.crt",
            "--peer-client-cert-auth",
        )

    def api_server(self, *further: str) -> Part:
        return self._part(
            "kube-apiserver",
            f"--etcd-servers={self.etcd_url}",
            f"--etcd-cafile={self.pki}/etcd-ca.crt",
            f"--etcd-certfile={self.pki}/apiserver-etcd-client.crt",
            f"--etcd-keyfile={self.pki}/apiserver-etcd-client.key",
            f"--bind-address={self.address}",
            f"--secure-port={API_PORT}",
            # Not loopback: this is the endpoint of the Service `kubernetes`.
            f"--advertise-address={self.address}",
            f"--tls-cert-file={self.pki}/apiserver.crt",
            f"--tls-private-key-file={self.pki}/apiserver.key",
            f"--client-ca-file={self.pki}/ca.crt",
            f"--service-account-issuer={ISSUER}",
            f"--service-account-key-file={self.pki}/sa.pub",
            f"--service-account-signing-key-file={self.pki}/sa.key",
            f"--service-cluster-ip-range={self.service_network}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            "--profiling=false",
            "--shutdown-delay-duration=0s",
            *further,
        )

    def controller_manager(self, *further: str) -> Part:
        return self._part(
            "kube-controller-manager",
            *self.own_kubeconfig("kube-controller-manager"),
            "--use-service-account-credentials",
            f"--service-account-private-key-file={self.pki}/sa.key",
            f"--root-ca-file={self.pki}/ca.crt",
            f"--cluster-signing-cert-file={self.pki}/ca.crt",
            f"--cluster-signing-key-file={self.pki}/ca.key",
            f"--service-cluster-ip-range={self.service_network}",
            # Its default lies below /usr, which belongs to the host.
            f"--flex-volume-plugin-dir={self.folder}/volume-plugins",
            *further,
            needs_api=True,
        )

    def own_kubeconfig(self, user: str) -> tuple[str, ...]:
        """Return the options of a part that logs in to the API server and serves nobody but this node."""
        file = self.pki / f"{user}.kubeconfig"
        return (
            f"--kubeconfig={file}",
            f"--authentication-kubeconfig={file}",
            f"--authorization-kubeconfig={file}",
            "--bind-address=127.0.0.1",
            "--leader-elect=false",
            "--profiling=false",
        )

    def _part(self, program: str, *options: str, needs_api: bool = False) -> Part:
        return Part(f"{self.prefix}{program}", (str(self.hyperkube), program, *options), needs_api)


def api_is_ready(plane: ControlPlane) -> bool:
    """Ask the API server once, as its administrator."""
    context = ssl.create_default_context(cafile=str(plane.pki / "ca.crt"))
    context.load_cert_chain(plane.pki / "admin.crt", plane.pki / "admin.key")
    connection = http.client.HTTPSConnection(plane.address, API_PORT, timeout=2, context=context)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
