"""The `cluster` and `reach` inputs: which cluster is meant, and which Service in it is a gateway's. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from providers.inputs import part_problems, text_problems

__all__ = ["ForwardedService", "cluster_problems", "reach_problems"]

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_PORT = 4000
_LAST_PORT = 65_535


@dataclass(frozen=True)
class ForwardedService:
    """A Service that is reached through the Kubernetes API.

    Attributes
    ----------
    port
        Of the Service, not of its Pods.
    """

    namespace: str
    name: str
    port: int

    @classmethod
    def parse(cls, reach: Mapping[str, Any]) -> Self:
        """Read the form in which it stands in a resource's inputs; checked before."""
        service = reach["port_forward"]
        return cls(service["namespace"], service["service"], int(service.get("port", _PORT)))

    @property
    def url(self) -> str:
        """Give its address inside the cluster, by which requests name it."""
        return f"http://{self.name}.{self.namespace}.svc:{self.port}"


def cluster_problems(cluster: Any) -> Iterator[str]:
    """Say what is wrong with how a cluster is named, which may be unknown, as any part of it."""
    return part_problems(cluster, dict.fromkeys(("kubeconfig", "context"), text_problems))


def reach_problems(reach: Any) -> Iterator[str]:
    """Say what is wrong with a way to the gateway, which may be unknown, as any part of it."""
    return part_problems(reach, {"port_forward": _service_problems}, needed=("port_forward",))


def _service_problems(service: Any) -> Iterator[str]:
    parts = {"namespace": _name_problems, "service": _name_problems, "port": _port_problems}
    return part_problems(service, parts, needed=("namespace", "service"))


def _name_problems(name: Any) -> Iterator[str]:
    if not isinstance(name, str) or not _LABEL.fullmatch(name):
        yield f"expected the name of an object, got {name!r}"


def _port_problems(port: Any) -> Iterator[str]:
    is_number = isinstance(port, int | float) and not isinstance(port, bool)
    if not is_number or not 0 < port <= _LAST_PORT or port != int(port):
        yield f"expected the number of a port, got {port!r}"
