"""The real servers behind proxies that break what passes, and providers that may be in haste."""

import os
import secrets
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx
import hvac
import pytest
from pydantic import SecretStr

from tests.faults import limits
from tests.faults.cli import PROJECT, Cli
from tests.faults.fleet import Fleet, NewFleet
from tests.faults.runs import Run, Runner, carried_out
from tests.faults.servers import Servers
from tests.faults.wires import Wires, wired
from tests.faults.world import ADMIN_KEY_VARIABLE, World
from tests.support.gateway import admin

NewWires = Callable[[], Wires]
SEED = os.environ.get("LLM_GATEWAY_SOAK", "")
SOAK = bool(SEED)
"""Whether many runs are drawn from the seed, instead of few that are always the same."""
TIMES = 5 if SOAK else 1
"""How many times as many there are."""

AT_ONCE = 4
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


@pytest.fixture(scope="session")
def in_haste() -> Iterator[None]:
    """Let the providers in this process be in haste where a test wants it."""
    with pytest.MonkeyPatch.context() as patch:
        limits.install(patch)
        yield


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
def runner(servers: Servers, new_wires: NewWires, credentials: Mapping[str, str], in_haste: None) -> Runner:
    del credentials, in_haste
    return Runner(servers, [new_wires() for _ in range(AT_ONCE)])


@pytest.fixture
def new_fleet(
    credentials: Mapping[str, str],
    platform: Mapping[str, str],
    servers: Servers,
    new_wires: NewWires,
    tmp_path: Path,
) -> Iterator[NewFleet]:
    """Make a fleet; whatever is left of it goes at the end."""
    cli = Cli(tmp_path / "program", {**platform, **credentials})
    worlds: dict[World, Run] = {}

    def fleet(runs: Sequence[Run]) -> Fleet:
        worlds.update({World(servers, new_wires(), PROJECT): run for run in runs})
        return Fleet(cli, worlds)

    yield fleet
    for world in worlds:
        world.tidy()
