"""How long the providers in this process wait: as ever, or so shortly that an outage costs no time."""

import dataclasses
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import hvac
import pytest

from providers.litellm import connection as of_gateway
from providers.litellm.client import GatewayClient, http_client
from providers.vault import connection as of_vault
from providers.vault.connection import VaultConnection

__all__ = ["hasty", "install"]

_TIME_LIMIT_SECONDS = 1.0
_PATIENCE_SECONDS = 0.4
_SLEEPS_DIVIDED_BY = 10

_thread = threading.local()


@contextmanager
def hasty() -> Iterator[None]:
    """Let what connects in this thread, within the block, give up early."""
    _thread.hasty = True
    try:
        yield
    finally:
        _thread.hasty = False


def _is_hasty() -> bool:
    return getattr(_thread, "hasty", False)


def install(patch: pytest.MonkeyPatch) -> None:
    """Make the providers ask whether they are in haste."""
    patch.setattr(of_gateway, "http_client", _http_client)
    patch.setattr(of_gateway, "GatewayClient", _gateway_client)
    patch.setattr(of_vault, "hvac", SimpleNamespace(Client=_vault_client))
    patch.setattr(VaultConnection, "parse", _vault_connection)
    patch.setattr("tenacity.nap.time", SimpleNamespace(sleep=_sleep))


def _sleep(seconds: float) -> None:
    time.sleep(seconds / _SLEEPS_DIVIDED_BY if _is_hasty() else seconds)


def _http_client(*arguments: Any, **options: Any) -> httpx.Client:
    client = http_client(*arguments, **options)
    if _is_hasty():
        client.timeout = httpx.Timeout(_TIME_LIMIT_SECONDS)
    return client


def _gateway_client(*arguments: Any, **options: Any) -> GatewayClient:
    if _is_hasty():
        options["patience_seconds"] = _PATIENCE_SECONDS
    return GatewayClient(*arguments, **options)


def _vault_client(**options: Any) -> hvac.Client:
    if _is_hasty():
        options["timeout"] = _TIME_LIMIT_SECONDS
    return hvac.Client(**options)


def _vault_connection(value: Mapping[str, Any] | None) -> VaultConnection:
    connection = _original_parse(value)
    return dataclasses.replace(connection, patience_seconds=_PATIENCE_SECONDS) if _is_hasty() else connection


_original_parse = VaultConnection.parse
