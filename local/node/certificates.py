"""Who is who in a cluster: its authorities, certificates and kubeconfigs."""

import base64
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from local.files import write_private
from local.instance import Instance
from local.node.layout import NODE_NAME
from local.pki import Authority, Identity, ensure_signing_key

__all__ = ["ensure_certificates", "ensure_control_plane_certificates"]

LOOPBACK = ("localhost", "127.0.0.1", "::1")
API_NAMES = (
    *LOOPBACK,
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)
ADMINISTRATORS = "system:masters"
AUTHORITIES = {"ca": "kubernetes-ca", "etcd-ca": "etcd-ca", "front-proxy-ca": "front-proxy-ca"}
USERS = {
    "admin": Identity("kubernetes-admin", ADMINISTRATORS, client=True),
    "kube-controller-manager": Identity("system:kube-controller-manager", client=True),
}
"""Who logs in to the API server of every cluster."""
NODE_USERS = {
    "kube-scheduler": Identity("system:kube-scheduler", client=True),
    "kube-proxy": Identity("system:kube-proxy", client=True),
    "kubelet": Identity(f"system:node:{NODE_NAME}", "system:nodes", client=True),
    "coredns": Identity("coredns", client=True),
}
"""Who logs in beside them where there is a node."""


def ensure_certificates(instance: Instance) -> list[str]:
    """Make or renew everything by which the parts of the node's cluster know each other.

    Returns
    -------
    list of str
        Names of the certificates that were issued now; a part that runs still uses the one that it read.
    """
    folder = instance.pki_folder
    issued = ensure_control_plane_certificates(
        folder,
        f"llm-gateway-{instance.name}",
        instance.api_url,
        (instance.kubernetes_service_address, instance.node_address),
    )
    kubelet_serving = Identity(
        f"system:node:{NODE_NAME}", "system:nodes", server_names=(NODE_NAME, *LOOPBACK, instance.node_address)
    )
    kubelet_client = Identity("kube-apiserver-kubelet-client", ADMINISTRATORS, client=True)
    of_the_cluster = {"apiserver-kubelet-client": kubelet_client, "kubelet-serving": kubelet_serving}
    issued += _issue(folder, "ca", of_the_cluster | NODE_USERS)
    issued += _issue(
        folder, "front-proxy-ca", {"front-proxy-client": Identity("front-proxy-client", client=True)}
    )
    _write_kubeconfigs(folder, f"llm-gateway-{instance.name}", instance.api_url, NODE_USERS)
    return issued


def ensure_control_plane_certificates(
    folder: Path, name: str, api_url: str, addresses: tuple[str, ...], etcd_addresses: tuple[str, ...] = ()
) -> list[str]:
    """Make or renew what a control plane needs, its administrator's kubeconfig with it.

    Parameters
    ----------
    folder
        Where it is kept.
    name
        Of the cluster, in the kubeconfigs.
    api_url
        Of the API server, in the kubeconfigs.
    addresses, etcd_addresses
        At which the API server and etcd are reached, beside loopback.

    Returns
    -------
    list of str
        Names of the certificates that were issued now.
    """
    ensure_signing_key(folder, "sa")
    api_server = Identity("kube-apiserver", server_names=(*API_NAMES, *addresses))
    issued = _issue(folder, "ca", {"apiserver": api_server} | USERS)
    issued += _issue(
        folder,
        "etcd-ca",
        {
            "etcd": Identity("etcd", server_names=(*LOOPBACK, *etcd_addresses), client=True),
            "apiserver-etcd-client": Identity("kube-apiserver-etcd-client", client=True),
        },
    )
    _write_kubeconfigs(folder, name, api_url, USERS)
    return issued


def _issue(folder: Path, authority_file: str, identities: Mapping[str, Identity]) -> list[str]:
    authority = Authority.ensure(folder, authority_file, AUTHORITIES[authority_file])
    return [name for name, identity in identities.items() if authority.issue(name, identity)]


def _write_kubeconfigs(folder: Path, name: str, api_url: str, users: Iterable[str]) -> None:
    def embedded(file_name: str) -> str:
        return base64.b64encode((folder / file_name).read_bytes()).decode()

    cluster = {"server": api_url, "certificate-authority-data": embedded("ca.crt")}
    for user in users:
        login = {
            "client-certificate-data": embedded(f"{user}.crt"),
            "client-key-data": embedded(f"{user}.key"),
        }
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": user, "user": login}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        }
        write_private(folder / f"{user}.kubeconfig", json.dumps(document, indent=1))
