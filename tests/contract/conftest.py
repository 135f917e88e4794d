"""Keys of the real gateway, one engine a test."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import hvac
import pytest
from pydantic import SecretStr

from providers.litellm.client import GatewayClient
from tests.contract.gateways import Faults, new_process
from tests.unit.providers.engine import KeyEngine, urn

MOUNT = f"contract-{secrets.token_hex(4)}"
"""A KV v2 mount of this run's own; with `-v1` behind it, one of KV v1."""

NewProcess = Callable[..., GatewayClient]


@pytest.fixture
def process(gateway_url: str, master_key: SecretStr) -> Iterator[NewProcess]:
    """Start what stands for a new process of the plugin, with faults or without."""
    with ExitStack() as clients:

        def start(faults: Faults | None = None, patience_seconds: float = 20) -> GatewayClient:
            http = httpx.Client(base_url=gateway_url, transport=faults or Faults(), timeout=30)
            return new_process(clients.enter_context(http), master_key, patience_seconds)

        yield start


@pytest.fixture
def admin(gateway_url: str, master_key: SecretStr) -> Iterator[httpx.Client]:
    """Give the API, for what others do beside Pulumi."""
    headers = {"Authorization": f"Bearer {master_key.get_secret_value()}"}
    with httpx.Client(base_url=gateway_url, headers=headers, timeout=30) as client:
        yield client


@pytest.fixture
def engine(process: NewProcess) -> Iterator[KeyEngine]:
    """Give a resource a name of its own; whatever bears its URN is gone afterwards."""
    engine = KeyEngine(f"contract-{secrets.token_hex(4)}")
    yield engine
    gateway = process()
    for key in list(gateway.list_keys()):
        if key.metadata.get("pulumi-urn") == urn(engine.name):
            gateway.delete(key.token_id)


@pytest.fixture
def living(process: NewProcess, engine: KeyEngine) -> Callable[[], list[str]]:
    """List the hashes of the keys that bear the engine's URN."""

    def listed() -> list[str]:
        marked = urn(engine.name)
        return [k.token_id for k in process().list_keys() if k.metadata.get("pulumi-urn") == marked]

    return listed


@pytest.fixture(scope="session")
def client(vault_env: dict[str, str]) -> Iterator[hvac.Client]:
    """Give the real Vault or OpenBao, with this run's mounts."""
    client = hvac.Client(
        vault_env["VAULT_ADDR"], vault_env["VAULT_TOKEN"], verify=vault_env["VAULT_CACERT"] or True
    )
    client.sys.enable_secrets_engine("kv", path=MOUNT, options={"version": "2"})
    client.sys.enable_secrets_engine("kv", path=f"{MOUNT}-v1", options={"version": "1"})
    yield client
    client.delete(f"sys/mounts/{MOUNT}")
    client.delete(f"sys/mounts/{MOUNT}-v1")
    client.adapter.close()


@pytest.fixture
def vault_environment(
    client: hvac.Client, vault_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the providers find that server as they do in a user's shell."""
    del client
    for name, value in vault_env.items():
        monkeypatch.setenv(name, value)
