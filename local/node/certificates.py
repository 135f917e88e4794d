"""Who is who in the cluster: its authorities, certificates and kubeconfigs."""

import base64
import json
from pathlib import Path

from local.files import write_private
from local.instance import Instance
from local.node.layout import NODE_NAME
from local.pki import Authority, Identity, ensure_signing_key

__all__ = ["ensure_certificates"]

LOOPBACK = ("localhost", "127.0.0.1", "::1")
ADMINISTRATORS = "system:masters"


def ensure_certificates(instance: Instance) -> list[str]:
    """Make or renew everything by which the cluster's parts know each other.

    Returns
    -------
    list of str
        Names of the certificates that were issued now; a part that runs still uses the one that it read.
    """
    folder = instance.pki_folder
    cluster = Authority.ensure(folder, "ca", "kubernetes-ca")
    etcd = Authority.ensure(folder, "etcd-ca", "etcd-ca")
    front_proxy = Authority.ensure(folder, "front-proxy-ca", "front-proxy-ca")
    ensure_signing_key(folder, "sa")

    api_names = (
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    )
    api_addresses = (instance.kubernetes_service_address, instance.node_address)
    users = {
        "admin": Identity("kubernetes-admin", ADMINISTRATORS, client=True),
        "kube-controller-manager": Identity("system:kube-controller-manager", client=True),
        "kube-scheduler": Identity("system:kube-scheduler", client=True),
        "kube-proxy": Identity("system:kube-proxy", client=True),
        "kubelet": Identity(f"system:node:{NODE_NAME}", "system:nodes", client=True),
        "coredns": Identity("coredns", client=True),
    }
    certificates: list[tuple[Authority, dict[str, Identity]]] = [
        (
            cluster,
            {
                "apiserver": Identity("kube-apiserver", server_names=(*LOOPBACK, *api_names, *api_addresses)),
                "apiserver-kubelet-client": Identity(
                    "kube-apiserver-kubelet-client", ADMINISTRATORS, client=True
                ),
                "kubelet-serving": Identity(
                    f"system:node:{NODE_NAME}",
                    "system:nodes",
                    server_names=(NODE_NAME, *LOOPBACK, instance.node_address),
                ),
                **users,
            },
        ),
        (front_proxy, {"front-proxy-client": Identity("front-proxy-client", client=True)}),
        (
            etcd,
            {
                "etcd": Identity("etcd", server_names=LOOPBACK, client=True),
                "apiserver-etcd-client": Identity("kube-apiserver-etcd-client", client=True),
            },
        ),
    ]
    issued = [
        name
        for authority, identities in certificates
        for name, identity in identities.items()
        if authority.issue(name, identity)
    ]
    for user in users:
        _write_kubeconfig(folder, user, instance)
    return issued


def _write_kubeconfig(folder: Path, user: str, instance: Instance) -> None:
    def embedded(file_name: str) -> str:
        return base64.b64encode((folder / file_name).read_bytes()).decode()

    name = f"llm-gateway-{instance.name}"
    cluster = {"server": instance.api_url, "certificate-authority-data": embedded("ca.crt")}
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
