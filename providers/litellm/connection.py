"""From a resource's `gateway` input to a client: one per gateway and process, the admin key by reference."""

import json
import ssl
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from providers.credentials import is_sendable
from providers.kubernetes.cluster_input import ForwardedService
from providers.kubernetes.connection import ClusterConnection
from providers.litellm.client import GatewayClient, http_client
from providers.litellm.errors import GatewaySetupError
from providers.loading import load
from providers.reference import SecretMissingError, SecretReference, SecretUnusableError
from providers.vault.connection import VaultConnection

__all__ = ["AdminKey", "connect"]

_REMEMBERED_SECONDS = 60
_READY_TIMEOUT_SECONDS = 120

_clients: dict[str, GatewayClient] = {}
_clients_lock = threading.Lock()


class AdminKey:
    """The admin key, fetched when a call is made.

    It is remembered for a minute, so that Vault isn't asked a thousand times for a thousand keys.

    Parameters
    ----------
    reference
        Where it is found.
    vault
        The server that a Vault reference means.
    what_to_do
        If nothing is there; by default what the reference says itself.
    """

    def __init__(self, reference: SecretReference, vault: VaultConnection, what_to_do: str = "") -> None:
        self._reference = reference
        self._what_to_do = what_to_do
        self._vault = vault
        self._lock = threading.Lock()
        self._fetched: tuple[float, SecretStr] | None = None

    def __call__(self) -> SecretStr:
        with self._lock:
            if self._fetched is None or time.monotonic() - self._fetched[0] > _REMEMBERED_SECONDS:
                self._fetched = self._fetch()
            return self._fetched[1]

    def fresh(self) -> SecretStr:
        """Fetch it now: somebody else may have rotated it since."""
        with self._lock:
            self._fetched = self._fetch()
            return self._fetched[1]

    def _fetch(self) -> tuple[float, SecretStr]:
        try:
            secret = self._reference.resolve(self._vault)
        except SecretMissingError as error:
            if not self._what_to_do:
                raise
            raise SecretMissingError(error.reference, f"isn't there; {self._what_to_do}") from None
        if not is_sendable(secret.get_secret_value()):
            raise SecretUnusableError(str(self._reference))
        return time.monotonic(), secret


def connect(gateway: Mapping[str, Any]) -> GatewayClient:
    """Give the client of a gateway. Opens no connection.

    Parameters
    ----------
    gateway
        The input of that name; checked before.

    Raises
    ------
    GatewaySetupError
        If its CA file isn't there, or isn't one.
    """
    name = json.dumps(gateway, sort_keys=True)
    with _clients_lock:
        if name not in _clients:
            _clients[name] = _new_client(gateway)
        return _clients[name]


def _new_client(gateway: Mapping[str, Any]) -> GatewayClient:
    url, http = _forwarded(gateway) if gateway.get("reach") else _direct(gateway)
    reference = SecretReference.parse(gateway["admin_key"])
    what_to_do = ""
    if owner := gateway.get("admin_key_owner"):
        what_to_do = f"`pulumi up --refresh` gives {owner} a new one"
    admin_key = AdminKey(reference, VaultConnection.parse(gateway.get("vault")), what_to_do)
    return GatewayClient(
        url,
        http,
        admin_key,
        admin_key_place=f"{reference} ({what_to_do})" if what_to_do else str(reference),
        fresh_admin_key=admin_key.fresh,
        ready_timeout_seconds=gateway.get("ready_timeout_seconds", _READY_TIMEOUT_SECONDS),
    )


def _direct(gateway: Mapping[str, Any]) -> tuple[str, httpx.Client]:
    url = gateway["url"].rstrip("/")
    ca_cert_file = gateway.get("ca_cert_file")
    if ca_cert_file and not Path(ca_cert_file).is_file():
        raise GatewaySetupError(f"the CA file {ca_cert_file} of the gateway at {url} isn't there")
    try:
        return url, http_client(url, ca_cert_file)
    except ssl.SSLError:
        raise GatewaySetupError(
            f"the CA file {ca_cert_file} of the gateway at {url} holds no certificate in PEM"
        ) from None


def _forwarded(gateway: Mapping[str, Any]) -> tuple[str, httpx.Client]:
    """Reach the gateway by its Service, through the Kubernetes API; its `url` is only what apps are told."""
    load("providers.kubernetes.port_forward")
    from providers.kubernetes.port_forward import PortForwardTransport  # noqa: PLC0415 - few stacks need it

    service = ForwardedService.parse(gateway["reach"])
    cluster = ClusterConnection.parse(gateway.get("cluster"))
    return service.url, http_client(service.url, transport=PortForwardTransport(cluster, service))
