"""Keys of the real gateway, one engine a test."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import hvac
import pytest
from pydantic import SecretStr
from tenacity import Retrying, stop_after_delay, wait_fixed

from providers.litellm.client import GatewayClient
from providers.litellm.succession import is_superseded
from providers.vault.sources import fingerprint
from tests.contract.gateways import Faults, new_process
from tests.support.gateway import chat
from tests.unit.providers.engine import KeyEngine, urn

MOUNT = f"contract-{secrets.token_hex(4)}"
"""A KV v2 mount of this run's own; with `-v1` behind it, one of KV v1."""

NewEngine = Callable[[], KeyEngine]
NewProcess = Callable[..., GatewayClient]
OK = 200


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
def use(gateway_url: str, admin: httpx.Client) -> Callable[[str], float]:
    """Ask something with a key, and give what the gateway has written down for it, USD."""

    def asked(value: str) -> float:
        token_id = fingerprint(value)
        before = _total_spend(admin, token_id)
        assert chat(gateway_url, value, "gpt-4o") == OK
        for attempt in Retrying(stop=stop_after_delay(60), wait=wait_fixed(0.5)):
            with attempt:
                after = _total_spend(admin, token_id)
                assert after > before
        return after

    return asked


def _total_spend(admin: httpx.Client, token_id: str) -> float:
    return float(admin.get("/key/info", params={"key": token_id}).json()["info"]["total_spend"])


@pytest.fixture
def new_engine(process: NewProcess) -> Iterator[NewEngine]:
    """Give resources names of their own; whatever bears their URNs is gone afterwards."""
    engines: list[KeyEngine] = []

    def new() -> KeyEngine:
        engines.append(KeyEngine(f"contract-{secrets.token_hex(4)}"))
        return engines[-1]

    yield new
    gateway = process()
    owners = {urn(engine.name) for engine in engines}
    for key in list(gateway.list_keys()):
        if key.metadata.get("pulumi-urn") in owners:
            gateway.delete(key.token_id)


@pytest.fixture
def engine(new_engine: NewEngine) -> KeyEngine:
    return new_engine()


@pytest.fixture
def living(process: NewProcess, engine: KeyEngine) -> Callable[[], list[str]]:
    """List the hashes of the keys that bear the engine's URN and have no successor; those will end."""

    def listed() -> list[str]:
        marked = urn(engine.name)
        found = [key for key in process().list_keys() if key.metadata.get("pulumi-urn") == marked]
        ending = [key for key in found if is_superseded(key.metadata)]
        assert all(key.expires for key in ending)
        return [key.token_id for key in found if key not in ending]

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
