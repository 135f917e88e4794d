"""The real servers behind proxies that break what passes, and providers that don't wait long."""

import os
import secrets
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import httpx
import hvac
import pytest
from pydantic import SecretStr

from providers.litellm import client
from providers.vault.connection import VaultConnection
from tests.faults.runs import Runner, carried_out
from tests.faults.servers import Servers
from tests.faults.wires import Wires, wired
from tests.faults.world import ADMIN_KEY_VARIABLE
from tests.support.gateway import admin

NewWires = Callable[[], Wires]
SEED = os.environ.get("LLM_GATEWAY_SOAK", "")
SOAK = bool(SEED)
"""Whether every run is made and many are drawn from the seed, instead of a choice that is always the same."""

_AT_ONCE = 4
_TIME_LIMIT_SECONDS = 1.0
_PATIENCE_SECONDS = 0.4
_SLEEPS_DIVIDED_BY = 10
_UPSTREAM_TIMEOUT_SECONDS = 60


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many different runs there were, and how to repeat them."""
    for way, runs in carried_out.items():
        terminalreporter.write_line(f"faults: {len(runs)} different runs {way}")
    if SOAK:
        terminalreporter.write_line(f"faults: drawn from the seed {SEED}; to repeat: make soak SEED={SEED}")


@pytest.fixture(scope="session")
def servers(gateway_url: str, master_key: SecretStr, vault_env: Mapping[str, str]) -> Iterator[Servers]:
    """Give both servers, and a KV v2 mount of this run's own."""
    vault = hvac.Client(vault_env["VAULT_ADDR"], vault_env["VAULT_TOKEN"], verify=vault_env["VAULT_CACERT"])
    mount = f"faults-{secrets.token_hex(4)}"
    vault.sys.enable_secrets_engine("kv", path=mount, options={"version": "2"})
    with admin(gateway_url, master_key) as gateway:
        yield Servers(gateway, vault, mount)
    vault.delete(f"sys/mounts/{mount}")
    vault.adapter.close()


@pytest.fixture(scope="session")
def credentials(vault_env: Mapping[str, str], master_key: SecretStr) -> Iterator[Mapping[str, str]]:
    """Put what the providers refer to into the environment."""
    variables = {
        ADMIN_KEY_VARIABLE: master_key.get_secret_value(),
        "VAULT_TOKEN": vault_env["VAULT_TOKEN"],
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield variables


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the time limits and the waits of the providers in this process."""
    monkeypatch.setattr(client, "_TIMEOUT", httpx.Timeout(_TIME_LIMIT_SECONDS))
    monkeypatch.setattr("providers.vault.connection._TIMEOUT_SECONDS", _TIME_LIMIT_SECONDS)
    impatient = partial(client.GatewayClient, patience_seconds=_PATIENCE_SECONDS)
    monkeypatch.setattr("providers.litellm.connection.GatewayClient", impatient)
    parse = VaultConnection.parse
    monkeypatch.setattr(
        VaultConnection, "parse", lambda value: replace(parse(value), patience_seconds=_PATIENCE_SECONDS)
    )
    monkeypatch.setattr(
        "tenacity.nap.time", SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / _SLEEPS_DIVIDED_BY))
    )


@pytest.fixture(scope="session")
def new_wires(gateway_url: str, vault_env: Mapping[str, str]) -> Iterator[NewWires]:
    """Start pairs of proxies, which end with the session."""
    trusted = ssl.create_default_context(cafile=vault_env["VAULT_CACERT"])
    with ExitStack() as stack:
        gateway = stack.enter_context(httpx.Client(base_url=gateway_url, timeout=_UPSTREAM_TIMEOUT_SECONDS))
        vault = stack.enter_context(
            httpx.Client(base_url=vault_env["VAULT_ADDR"], verify=trusted, timeout=_UPSTREAM_TIMEOUT_SECONDS)
        )
        yield lambda: stack.enter_context(wired(gateway, vault))


@pytest.fixture(scope="session")
def runner(servers: Servers, new_wires: NewWires) -> Runner:
    return Runner(servers, [new_wires() for _ in range(_AT_ONCE)])
