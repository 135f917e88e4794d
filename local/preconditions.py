"""What a machine must allow for a local node; each failing check is one sentence with the way out."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from local.instance import Instance
from local.node import cgroups, network
from local.node.layout import HIDDEN_FOLDERS
from local.node.lifecycle import INIT_MODULE, NAMESPACES, find
from local.processes import find_module
from toolchain import paths
from toolchain.errors import UserError

__all__ = ["PreconditionError", "check_machine"]

PROGRAMS = {"unshare": "util-linux", "nsenter": "util-linux", "mount": "util-linux", "ip": "iproute2"}
WAY_OUT = "or use a cluster that you have already: `python -m local up --kubeconfig FILE`"


class PreconditionError(UserError):
    """The machine can't run a node as it is."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"The local node can't start: {problem}. {remedy}, {WAY_OUT}.")


def check_machine(instance: Instance) -> None:
    """Check everything that the node needs, before anything is made.

    Raises
    ------
    PreconditionError
        The first check that fails.
    """
    checks = [
        _is_linux,
        _is_root,
        _has_programs,
        _has_namespaces,
        _has_control_groups,
        _folders_stay_visible,
        _link_is_free,
        _addresses_are_free,
    ]
    for check in checks:
        check(instance)


def _is_linux(_: Instance) -> None:
    if sys.platform != "linux":
        raise PreconditionError(f"it needs Linux, and this is {sys.platform}", "Use a Linux machine")


def _is_root(_: Instance) -> None:
    if os.geteuid() != 0:
        raise PreconditionError(
            f"it needs root, and this is user {os.geteuid()}",
            "Run the command as root, for example with sudo -E",
        )


def _has_programs(_: Instance) -> None:
    for program, package in PROGRAMS.items():
        if not shutil.which(program):
            raise PreconditionError(
                f"the program {program!r} is not on PATH", f"Install the package {package}"
            )


def _has_namespaces(_: Instance) -> None:
    answer = subprocess.run(
        ("unshare", *NAMESPACES, "mount", "-t", "tmpfs", "tmpfs", "/run"),
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise PreconditionError(
            f"the kernel refuses new namespaces ({answer.stderr.strip()})",
            "Use a machine or a container with CAP_SYS_ADMIN and CAP_NET_ADMIN",
        )


def _has_control_groups(_: Instance) -> None:
    if missing := cgroups.missing_controllers():
        raise PreconditionError(
            f"the control group controllers {', '.join(sorted(missing))} are missing below {cgroups.MOUNT}",
            "Mount them",
        )
    for root in cgroups.hierarchies():
        if not os.access(root, os.W_OK):
            raise PreconditionError(f"{root} is mounted read-only", "Mount it writable")


def _folders_stay_visible(instance: Instance) -> None:
    needed = {
        "LLM_GATEWAY_STATE": instance.folder,
        "LLM_GATEWAY_CACHE": paths.cache_folder(),
        "the Python environment": Path(sys.prefix),
    }
    for name, folder in needed.items():
        for hidden in HIDDEN_FOLDERS:
            if folder.resolve().is_relative_to(hidden.resolve()):
                raise PreconditionError(
                    f"{folder} ({name}) lies below {hidden}, which the node covers with its own folder",
                    "Choose another place",
                )


def _link_is_free(instance: Instance) -> None:
    # A link without a node is a remainder that the start removes; one of another node is in use.
    if find(instance):
        return
    others = [node for node in find_module(INIT_MODULE, instance.name) if network.link_exists(instance.link)]
    if others:
        folder = Path(others[0].arguments[4])
        raise PreconditionError(
            f"the link {instance.link} and its addresses are held by process {others[0].pid}, a node of "
            f"instance {instance.name} in {folder}",
            f"Stop that one with `LLM_GATEWAY_STATE={folder.parent} python -m local down "
            f"--instance {instance.name}`",
        )


def _addresses_are_free(instance: Instance) -> None:
    for destination, device in network.foreign_routes(instance):
        raise PreconditionError(
            f"the route to {destination} by device {device} overlaps the addresses of instance "
            f"{instance.name} ({instance.link_network}, {instance.pod_network}, {instance.service_network})",
            "Choose another instance with --instance, or remove the route",
        )
