"""The configuration files of the node's parts, made anew at every start."""

from pathlib import Path
from typing import Any

from local.files import private_folder, write_private
from local.node.layout import CONTAINERD_SOCKET, NODE_NAME, Layout
from local.templates import fill

__all__ = ["compose", "write_configuration"]

TEMPLATES = Path(__file__).parent / "templates"
CNI_FOLDER = "cni"


def compose(layout: Layout) -> dict[str, str]:
    """Return every configuration file of the node by its path below the configuration folder."""
    instance = layout.instance
    pki, node = instance.pki_folder, instance.node_address
    values: dict[str, dict[str, Any]] = {
        "containerd.toml": {
            "containerd_root": layout.containerd_root,
            "containerd_socket": CONTAINERD_SOCKET,
            "cni_plugins": layout.cni_plugins,
            "cni_configuration": layout.configuration_folder / CNI_FOLDER,
        },
        "bridge.conflist": {"node_pod_network": instance.node_pod_network},
        "kubelet.yaml": {
            "cgroup": instance.cgroup,
            "node_address": node,
            "pki": pki,
            "containerd_socket": CONTAINERD_SOCKET,
        },
        "kube-proxy.yaml": {
            "pod_network": instance.pod_network,
            "node_address": node,
            "node_name": NODE_NAME,
            "pki": pki,
        },
        "Corefile": {"node_address": node, "pki": pki},
    }
    folders = {"bridge.conflist": f"{CNI_FOLDER}/"}
    return {
        folders.get(name, "") + name: fill(name, (TEMPLATES / name).read_text(), filling)
        for name, filling in values.items()
    }


def write_configuration(layout: Layout) -> None:
    """Write the node's configuration files and make the folders that its parts expect."""
    for name, content in compose(layout).items():
        write_private(layout.configuration_folder / name, content)
    node = layout.instance.node_folder
    for folder in ("etcd", "containerd", "kubelet", "volume-plugins", "sysctl", "log/pods", "data"):
        private_folder(node / folder)
