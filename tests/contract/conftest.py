"""Keys of the real gateway, one engine a test."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest
from pydantic import SecretStr

from providers.litellm.client import GatewayClient
from tests.contract.gateways import Faults, new_process
from tests.unit.providers.engine import KeyEngine, urn

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
