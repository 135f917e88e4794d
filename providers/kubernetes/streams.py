"""WebSockets to an API server, with the address, the TLS and the proxy of the Kubernetes client."""

import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import websocket
from kubernetes import client

__all__ = ["open_websocket"]


def open_websocket(
    configuration: client.Configuration,
    url: str,
    headers: Mapping[str, str],
    *,
    protocol: str,
    timeout_seconds: float | None,
) -> websocket.WebSocket:
    """Open one. The client's own function for it knows no timeout, and so could wait for ever.

    Parameters
    ----------
    configuration
        Of the Kubernetes client.
    url
        Of the API: http or https.
    headers
        With the credential.
    protocol
        The subprotocol that is asked for.
    timeout_seconds
        To connect, and to be answered.

    Raises
    ------
    OSError, websocket.WebSocketException
        If it isn't opened.
    """
    return websocket.create_connection(
        url.replace("http", "ws", 1),
        timeout=timeout_seconds,
        sslopt={"context": _tls(configuration), "server_hostname": configuration.tls_server_name},
        header=[f"{name}: {value}" for name, value in headers.items()],
        subprotocols=[protocol],
        **_proxy(configuration),
    )


def _tls(configuration: client.Configuration) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert, cadata=configuration.ca_cert_data)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _proxy(configuration: client.Configuration) -> dict[str, Any]:
    """Say the proxy of the kubeconfig in the words of websocket-client; it finds those of the environment."""
    if not configuration.proxy:
        return {}
    proxy = urlsplit(configuration.proxy)
    options: dict[str, Any] = {
        "http_proxy_host": proxy.hostname,
        "http_proxy_port": proxy.port,
        "proxy_type": proxy.scheme.replace("https", "http"),
    }
    if proxy.username:
        options["http_proxy_auth"] = (proxy.username, proxy.password or "")
    if configuration.no_proxy:
        options["http_no_proxy"] = configuration.no_proxy.split(",")
    return options
