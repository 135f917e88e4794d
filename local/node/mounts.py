"""The node's own view of the file system; it vanishes with the node's mount namespace."""

import subprocess
from pathlib import Path

from local.instance import Instance
from local.node.layout import KUBELET_FOLDER, NODE_DATA

__all__ = ["set_up_mounts"]

# The kubelet writes these, and they are the host's: it gets files of its own in their place.
KERNEL_SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
}


def set_up_mounts(instance: Instance) -> None:
    """Cover the host's folders that the node's programs write to with the node's own."""
    node = instance.node_folder
    _mount("--make-rshared", "/")
    for folder in ("/run", "/var/lib"):
        _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", folder)
    _bind(node / "kubelet", KUBELET_FOLDER)
    # What a Pod mounts below must be seen by the containers and the other way round.
    _mount("--make-rshared", str(KUBELET_FOLDER))
    _bind(instance.log_folder, Path("/var/log"))
    _bind(instance.data_folder, NODE_DATA)
    for name, value in KERNEL_SETTINGS.items():
        file = node / "sysctl" / name.replace("/", ".")
        file.write_text(f"{value}\n")
        _mount("--bind", str(file), f"/proc/sys/{name}")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def _bind(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    _mount("--bind", str(source), str(target))


def _mount(*arguments: str) -> None:
    subprocess.run(("mount", *arguments), check=True)
