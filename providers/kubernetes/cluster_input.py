"""The `cluster` and `reach` inputs: which cluster is meant, and which Service in it is a gateway's. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from providers.inputs import has_unknown, known_only

__all__ = ["ForwardedService", "check_cluster", "check_reach"]

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


def check_cluster(cluster: Any) -> None:
    """See that a cluster is named in a known way; parts may be unknown.

    Raises
    ------
    ValueError
        With what is wrong.
    """
    for name, value in known_only(cluster, ("kubeconfig", "context")).items():
        if not isinstance(value, str) or not value:
            raise ValueError(f"cluster.{name}: expected a text that is not empty, got {value!r}")


def check_reach(reach: Any) -> None:
    """See that a way to the gateway is complete; parts may be unknown.

    Raises
    ------
    ValueError
        With what is wrong.
    """
    way = known_only(reach, ("port_forward",)).get("port_forward")
    if isinstance(way, str) and has_unknown(way):
        return
    service = known_only(way, ("namespace", "service", "port"))
    for name in ("namespace", "service"):
        value = service.get(name)
        if not has_unknown(value) and not (isinstance(value, str) and _LABEL.fullmatch(value)):
            raise ValueError(f"reach.port_forward.{name}: expected the name of an object, got {value!r}")
    port = service.get("port", _PORT)
    if not has_unknown(port) and not _is_port(port):
        raise ValueError(f"reach.port_forward.port: expected the number of a port, got {port!r}")


def _is_port(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 < value <= _LAST_PORT and value == int(value)
