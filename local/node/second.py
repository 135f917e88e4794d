"""A second cluster within the node: ``python -m local.node.second NAME FOLDER HYPERKUBE``.

A control plane without a node, for what one Vault does for several clusters. It runs in the first node's
namespaces, at an address of its own, and ends with that node.
"""

import sys
from pathlib import Path

from local.instance import INSTANCES, Instance
from local.node import cgroups, network
from local.node.control_plane import ControlPlane, Part, api_is_ready
from local.node.supervisor import Supervisor

__all__ = ["PREFIX", "second_control_plane", "second_parts"]

PREFIX = "second-"
ENVIRONMENT = {"HOME": "/root", "LANG": "C.UTF-8"}
# Who runs no Pod needs little more than ServiceAccounts with their tokens, and objects that go when deleted.
CONTROLLERS = (
    "garbage-collector-controller",
    "namespace-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
)


def second_control_plane(instance: Instance, hyperkube: Path) -> ControlPlane:
    """Return the second cluster's control plane."""
    folder = instance.second_folder
    return ControlPlane(
        hyperkube=hyperkube,
        pki=folder / "pki",
        folder=folder,
        address=instance.second_address,
        etcd_address=instance.second_address,
        service_network=instance.second_service_network,
        prefix=PREFIX,
    )


def second_parts(plane: ControlPlane) -> list[Part]:
    """Return its processes."""
    return [
        plane.etcd(),
        plane.api_server(),
        plane.controller_manager("--secure-port=0", f"--controllers={','.join(CONTROLLERS)}"),
    ]


def main(arguments: list[str]) -> None:
    """Keep the second cluster running, from within the node's namespaces; whoever ends it ends its parts."""
    name, folder, hyperkube = arguments
    instance = Instance(name, INSTANCES[name], Path(folder))
    plane = second_control_plane(instance, Path(hyperkube))

    cgroups.enter_system_group(instance.cgroup)
    network.add_second_address(instance)
    supervisor = Supervisor(
        second_parts(plane), ENVIRONMENT, instance.log_folder, instance.second_folder / "processes.json"
    )
    # Logs are rotated by the node's own first process.
    supervisor.run(lambda: api_is_ready(plane), lambda: None)


if __name__ == "__main__":
    main(sys.argv[1:])
