"""The node's connection to the host: one virtual Ethernet pair and two routes."""

import ipaddress
import json
import subprocess
from typing import Any

from local.instance import Instance
from toolchain.errors import UserError

__all__ = [
    "add_second_address",
    "attach",
    "detach",
    "drop_route_to_second",
    "foreign_routes",
    "is_attached",
    "link_exists",
    "own_routes",
    "route_to_second",
    "set_up_inside",
]

NODE_LINK = "eth0"


class NetworkError(UserError):
    """The host refuses a link, an address or a route."""

    def __init__(self, command: tuple[str, ...], answer: str) -> None:
        super().__init__(
            f"The host refuses `{' '.join(command)}`: {answer.strip()}. See what holds the address with "
            "`ip address` and `ip route`, or use a cluster that you have already, with --kubeconfig FILE."
        )


def attach(instance: Instance, node_pid: int) -> None:
    """Connect the host with the network namespace of a process."""
    _ip("link", "add", instance.link, "type", "veth", "peer", "name", NODE_LINK, "netns", str(node_pid))
    _ip("address", "add", f"{instance.host_address}/30", "dev", instance.link)
    _ip("link", "set", instance.link, "up")
    for network in (instance.pod_network, instance.service_network):
        _ip("route", "add", network, "via", instance.node_address, "dev", instance.link)


def set_up_inside(instance: Instance) -> None:
    """Give the node its address; called by a process within the node."""
    _ip("link", "set", "lo", "up")
    _ip("address", "add", f"{instance.node_address}/30", "dev", NODE_LINK)
    _ip("link", "set", NODE_LINK, "up")
    _ip("route", "add", "default", "via", instance.host_address)


def add_second_address(instance: Instance) -> None:
    """Give the node the second cluster's address; called by a process within the node."""
    _ip("address", "replace", f"{instance.second_address}/32", "dev", NODE_LINK)


def route_to_second(instance: Instance) -> None:
    """Let the host reach the second cluster's address through the node."""
    _ip("route", "replace", instance.second_address, "via", instance.node_address, "dev", instance.link)


def drop_route_to_second(instance: Instance) -> None:
    """Undo that, where it was done."""
    if instance.second_address in own_routes(instance):
        _ip("route", "delete", instance.second_address, "dev", instance.link)


def detach(instance: Instance) -> None:
    """Remove the pair; its routes and its other end go with it."""
    try:
        _ip("link", "delete", instance.link)
    except NetworkError:
        # The namespace of its other end may be gone by now, which takes the pair along.
        if link_exists(instance.link):
            raise


def link_exists(name: str = NODE_LINK) -> bool:
    return any(link["ifname"] == name for link in _listing("link"))


def is_attached(instance: Instance) -> bool:
    """Tell whether the connection is complete: a start that was interrupted may have left a part of it."""
    wanted = {instance.pod_network, instance.service_network}
    return link_exists(instance.link) and wanted.issubset(own_routes(instance))


def own_routes(instance: Instance) -> list[str]:
    """Return the destinations that the host routes to the node."""
    return [route["dst"] for route in _listing("route") if route.get("dev") == instance.link]


def foreign_routes(instance: Instance) -> list[tuple[str, str]]:
    """Return routes of others (destination, device) that overlap the instance's networks."""
    networks = (instance.link_network, instance.pod_network, instance.service_network)
    own = [ipaddress.ip_network(network) for network in networks]
    found = []
    for route in _listing("route", "-4"):
        if route["dst"] == "default" or route.get("dev") == instance.link:
            continue
        taken = ipaddress.ip_network(route["dst"])
        # A route of everything, or of all private addresses, is less specific than ours and does no harm.
        if any(taken.overlaps(network) and taken.prefixlen >= network.prefixlen for network in own):
            found.append((route["dst"], str(route.get("dev", "?"))))
    return found


def _listing(kind: str, *options: str) -> list[dict[str, Any]]:
    listing: list[dict[str, Any]] = json.loads(_ip("-json", *options, kind, "show") or "[]")
    return listing


def _ip(*arguments: str) -> str:
    result = subprocess.run(("ip", *arguments), capture_output=True, text=True, check=False)
    if result.returncode:
        raise NetworkError(("ip", *arguments), result.stderr)
    return result.stdout
