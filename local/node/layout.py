"""Where everything of one node lies: its programs, its folders on the host, and where it sees them itself."""

from dataclasses import dataclass
from pathlib import Path

from local.instance import Instance
from toolchain import ensure

__all__ = ["HIDDEN_FOLDERS", "KUBELET_FOLDER", "NODE_DATA", "NODE_NAME", "Layout"]

NODE_NAME = "node1"
NODE_DATA = Path("/run/node-data")
"""The data folder as the node sees it: the path that hostPath volumes name."""
KUBELET_FOLDER = Path("/var/lib/kubelet")
CONTAINERD_SOCKET = Path("/run/containerd/containerd.sock")
HIDDEN_FOLDERS = (Path("/run"), Path("/var/lib"), Path("/var/log"))
"""Folders of the host that the node covers with its own."""


@dataclass(frozen=True)
class Layout:
    """One node's programs and folders.

    Parameters
    ----------
    instance
        The platform that the node belongs to.
    hyperkube
        The binary that holds etcd, Kubernetes and kubectl.
    coredns
        The binary of the cluster's DNS server.
    prefix
        Folder of unpacked Debian packages: containerd, runc, CNI plugins, nft.
    """

    instance: Instance
    hyperkube: Path
    coredns: Path
    prefix: Path

    @classmethod
    def ready(cls, instance: Instance) -> "Layout":
        """Return the layout with every program built."""
        return cls(instance, ensure("hyperkube"), ensure("coredns"), ensure("node-prefix"))

    @property
    def program_arguments(self) -> tuple[str, str, str]:
        """The programs, as the node's first process is told them."""
        return str(self.hyperkube), str(self.coredns), str(self.prefix)

    @property
    def configuration_folder(self) -> Path:
        return self.instance.node_folder / "configuration"

    @property
    def containerd_root(self) -> Path:
        return self.instance.node_folder / "containerd"

    @property
    def cni_plugins(self) -> Path:
        return self.prefix / "usr" / "lib" / "cni"

    @property
    def search_path(self) -> str:
        """The node's PATH: its own programs before the host's."""
        own = (self.prefix / "usr" / "bin", self.prefix / "usr" / "sbin")
        return ":".join(
            [*map(str, own), "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        )

    @property
    def environment(self) -> dict[str, str]:
        """Variables that every process of the node gets, and no other."""
        libraries = self.prefix / "usr" / "lib" / "x86_64-linux-gnu"
        return {
            "PATH": self.search_path,
            "LD_LIBRARY_PATH": str(libraries),
            "HOME": "/root",
            "LANG": "C.UTF-8",
        }
