"""The node's control groups: made before its start, emptied and removed after its end.

Version 1 (one folder per hierarchy) is what this was run on; version 2 (one tree) takes the same steps.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

__all__ = ["create", "enter_system_group", "exists", "hierarchies", "members", "remove"]

MOUNT = Path("/sys/fs/cgroup")
SYSTEM_GROUP = "system"
POD_GROUP = "kubepods"
CONTROLLERS = "+cpu +cpuset +memory +pids +io"
HYBRID_TREE = "unified"
"""Version 2 beside version 1, without controllers: not ours to set up, but runc leaves groups in it."""
NEEDED = {"cpu", "cpuset", "memory", "pids"}


def hierarchies(mount: Path = MOUNT) -> list[Path]:
    """Return the roots of all hierarchies: one in version 2, one per controller in version 1."""
    if (mount / "cgroup.controllers").exists():
        return [mount]
    return [folder for folder in _trees(mount) if folder.name != HYBRID_TREE]


def missing_controllers(mount: Path = MOUNT) -> set[str]:
    """Return the controllers that the kubelet needs and this machine doesn't have."""
    if (mount / "cgroup.controllers").exists():
        return NEEDED - set((mount / "cgroup.controllers").read_text().split())
    return NEEDED - {name for folder in hierarchies(mount) for name in folder.name.split(",")}


def create(name: str) -> None:
    """Make the group and, in it, the one for the node's own processes."""
    for root in hierarchies():
        for parent, child in ((root, root / name), (root / name, root / name / SYSTEM_GROUP)):
            if (parent / "cgroup.subtree_control").exists():
                (parent / "cgroup.subtree_control").write_text(CONTROLLERS)
            child.mkdir(exist_ok=True)
            # A version 1 cpuset is born empty, and nothing can run in an empty one.
            for setting in ("cpuset.cpus", "cpuset.mems"):
                if (parent / "cgroup.subtree_control").exists() or not (child / setting).exists():
                    continue
                (child / setting).write_text((parent / setting).read_text())


def enter_system_group(name: str) -> None:
    """Move the calling process, and so all its children, into the node's own group."""
    for root in hierarchies():
        (root / name / SYSTEM_GROUP / "cgroup.procs").write_text("0")


def exists(name: str) -> bool:
    return any((root / name).exists() for root in _trees())


def members(name: str, below: str = "") -> set[int]:
    """Return the process numbers in the group and in all groups below it."""
    found: set[int] = set()
    for root in _trees():
        for file in (root / name / below).rglob("cgroup.procs"):
            with contextlib.suppress(OSError):
                found.update(int(line) for line in file.read_text().split())
    return found


def pod_members(name: str) -> set[int]:
    """Return the process numbers of all Pods."""
    return members(name, POD_GROUP)


def members_by_pod(name: str) -> dict[str, set[int]]:
    """Return the process numbers of each Pod by its uid."""
    found: dict[str, set[int]] = {}
    for folder in (hierarchies()[0] / name / POD_GROUP).rglob("pod*"):
        uid = folder.name.removeprefix("pod")
        for file in folder.rglob("cgroup.procs"):
            with contextlib.suppress(OSError):
                found.setdefault(uid, set()).update(int(line) for line in file.read_text().split())
    return found


def remove(name: str, patience_seconds: float = 10.0) -> None:
    """Kill whatever is left in the group and remove it, deepest folder first."""
    deadline = time.monotonic() + patience_seconds
    while exists(name) and time.monotonic() < deadline:
        for pid in members(name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for root in _trees():
            _remove_tree(root / name)
        time.sleep(0.02)


def _trees(mount: Path = MOUNT) -> list[Path]:
    if (mount / "cgroup.controllers").exists():
        return [mount]
    return [
        folder
        for folder in sorted(mount.iterdir())
        if not folder.is_symlink() and (folder / "cgroup.procs").exists()
    ]


def _remove_tree(group: Path) -> None:
    for folder, _, _ in os.walk(group, topdown=False):
        # A group that a dying process still holds is tried again in the next round.
        with contextlib.suppress(OSError):
            Path(folder).rmdir()
