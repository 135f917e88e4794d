"""How long the providers in this process wait: as ever, or so shortly that an outage costs no time."""

import dataclasses
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import httpx
import hvac
import pytest
from pydantic import SecretStr

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
    patch.setattr(of_vault, "_pooled", _pooled)
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


def _pooled(address: str, token: SecretStr, namespace: str | None, ca_cert_file: str | None) -> hvac.Client:
    return _vault_client(
        address, token, namespace, ca_cert_file, _TIME_LIMIT_SECONDS if _is_hasty() else None
    )


@lru_cache(maxsize=64)
def _vault_client(
    address: str,
    token: SecretStr,
    namespace: str | None,
    ca_cert_file: str | None,
    time_limit_seconds: float | None,
) -> hvac.Client:
    client = _original_pooled(address, token, namespace, ca_cert_file)
    if time_limit_seconds is not None:
        adapter: Any = client.adapter
        adapter._kwargs["timeout"] = time_limit_seconds
    return client


def _vault_connection(value: Mapping[str, Any] | None) -> VaultConnection:
    connection = _original_parse(value)
    return dataclasses.replace(connection, patience_seconds=_PATIENCE_SECONDS) if _is_hasty() else connection


_original_pooled = of_vault._pooled.__wrapped__
_original_parse = VaultConnection.parse
