"""HTTP to a Service through the Kubernetes API: each connection is a port-forward to one of its ready Pods.

Nothing listens on this machine: the bytes of a connection go over a WebSocket to the API server, inside its
TLS and with the credential of the kubeconfig, and from there to the Pod.
"""

import random
from collections.abc import Iterable, Mapping
from typing import Any

import httpcore
import httpx

from providers.kubernetes.cluster_input import ForwardedService
from providers.kubernetes.connection import ClusterConnection
from providers.kubernetes.errors import ClusterSetupError, ClusterUnavailableError, ObjectMissingError
from providers.kubernetes.objects import POD, SERVICE, Named
from providers.kubernetes.pods import container_port, is_ready, label_selector, trouble
from providers.kubernetes.tunnel import PROTOCOL, Tunnel

__all__ = ["PortForwardTransport"]

_CONNECTIONS = 10
_KEPT_SECONDS = 15
"""How long an idle connection is kept: to open one takes three requests to the API server."""

# What the connections' own library raises, as httpx says it.
_ERRORS: Mapping[type[Exception], type[httpx.TransportError]] = {
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.WriteTimeout: httpx.WriteTimeout,
    httpcore.PoolTimeout: httpx.PoolTimeout,
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ReadError: httpx.ReadError,
    httpcore.WriteError: httpx.WriteError,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
    httpcore.LocalProtocolError: httpx.LocalProtocolError,
}


class PortForwardTransport(httpx.BaseTransport):
    """The transport of an `httpx.Client` whose requests go to a Service, whatever host they name.

    Parameters
    ----------
    cluster
        Where the Service is.
    service
        The Service.
    """

    def __init__(self, cluster: ClusterConnection, service: ForwardedService) -> None:
        self._pool = httpcore.ConnectionPool(
            max_connections=_CONNECTIONS,
            keepalive_expiry=_KEPT_SECONDS,
            network_backend=_Pods(cluster, service),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read the whole answer: the key API's are small.

        Raises
        ------
        httpx.TransportError
            If there is no Pod, or the connection breaks: another request finds another Pod.
        providers.kubernetes.errors.ClusterError
            If the cluster refuses, which another request doesn't change.
        """
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        try:
            answer = self._pool.handle_request(
                httpcore.Request(
                    request.method,
                    url,
                    headers=request.headers.raw,
                    content=request.read(),
                    extensions=request.extensions,
                )
            )
            try:
                content = answer.read()
            finally:
                answer.close()
        except tuple(_ERRORS) as error:
            raise _ERRORS[type(error)](str(error), request=request) from None
        return httpx.Response(answer.status, headers=answer.headers, content=content)

    def close(self) -> None:
        self._pool.close()


class _Pods(httpcore.NetworkBackend):
    """Opens a connection to any ready Pod of a Service."""

    def __init__(self, cluster: ClusterConnection, service: ForwardedService) -> None:
        self._cluster = cluster
        self._service = Named(SERVICE, service.namespace, service.name)
        self._port = service.port

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        del host, port, local_address, socket_options  # the Service is the address
        api = self._cluster.api()
        try:
            pods, target = self._ready_pods()
            # Any of them, so that a Pod that has just died is met once only.
            for pod in random.sample(pods, len(pods)):
                named = Named(POD, self._service.namespace, pod["metadata"]["name"])
                way = f"portforward?ports={container_port(pod, target)}"
                try:
                    return Tunnel(api.stream(named, way, protocol=PROTOCOL, timeout_seconds=timeout))
                except (ObjectMissingError, ClusterUnavailableError) as error:
                    why = str(error)
        except ClusterUnavailableError as error:
            raise httpcore.ConnectError(error.why) from None
        raise httpcore.ConnectError(why)

    def _ready_pods(self) -> tuple[list[dict[str, Any]], int | str]:
        """Find the Pods, and their port by number or name."""
        api = self._cluster.api()
        spec = api.get(self._service)["spec"]
        ports = {entry["port"]: entry.get("targetPort", entry["port"]) for entry in spec.get("ports") or ()}
        if self._port not in ports or not spec.get("selector"):
            raise ClusterSetupError(
                f"{self._service} in {api.name} has no Pods behind port {self._port} "
                f"(its ports: {', '.join(map(str, ports)) or 'none'}); "
                "expected the gateway's Service and its port"
            )
        pods = api.items(POD, self._service.namespace, {"labelSelector": label_selector(spec["selector"])})
        ready = [pod for pod in pods if is_ready(pod)]
        if not ready:
            found = trouble(pods)
            raise httpcore.ConnectError(
                f"the {self._service} has no ready Pod{f' ({found})' if found else ''}"
            )
        return ready, ports[self._port]
