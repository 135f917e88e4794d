"""Keys that a real Vault or OpenBao holds and a real gateway knows: one each, whatever is lost on the way."""

import hashlib
import secrets
from collections.abc import Callable
from typing import Any

import httpx
import hvac
import pytest

from providers.litellm.errors import GatewayUnavailableError, LicenceNeededError
from providers.vault.connection import VaultConnection
from providers.vault.errors import VaultMountMissingError, VaultUnavailableError
from tests.contract.conftest import MOUNT, NewProcess
from tests.contract.gateways import Fault, Faults
from tests.unit.providers.engine import KeyEngine, urn

Living = Callable[[], list[str]]

pytestmark = pytest.mark.usefixtures("vault_environment")


class Place:
    """A path of the test's own."""

    def __init__(self, client: hvac.Client) -> None:
        self._kv = client.secrets.kv.v2
        self.deliver = {"mount": MOUNT, "path": f"keys/{secrets.token_hex(4)}"}

    def live(self) -> dict[str, str]:
        answer = self._kv.read_secret_version(
            self.deliver["path"], mount_point=MOUNT, raise_on_deleted_version=True
        )
        return dict(answer["data"]["data"])

    def put(self, **properties: str) -> None:
        self._kv.create_or_update_secret(self.deliver["path"], secret=properties, mount_point=MOUNT)

    def token_id(self) -> str:
        return hashlib.sha256(self.live()["api-key"].encode()).hexdigest()


@pytest.fixture
def place(client: hvac.Client) -> Place:
    return Place(client)


def test_a_delivered_key_is_known_to_the_gateway(
    process: NewProcess, engine: KeyEngine, place: Place, gateway_url: str
) -> None:
    place.put(theirs="kept")
    engine.up(process(), deliver=place.deliver, duration="1d")
    live = place.live()
    assert (live["theirs"], live["base-url"]) == ("kept", "http://gateway.test")
    assert (live["token-id"], live["managed-by-urn"]) == (engine.token_id, urn(engine.name))
    assert engine.state is not None
    assert (live["key-alias"], live["expires"]) == (engine.state["key_alias"], engine.state["expires"])
    assert live["api-key"] not in str(engine.state)
    headers = {"Authorization": f"Bearer {live['api-key']}"}
    assert httpx.get(f"{gateway_url}/v1/models", headers=headers, timeout=30).status_code == 200
    assert engine.refresh(process())
    assert engine.preview(deliver=place.deliver, duration="1d") == []


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
def test_a_create_that_is_given_up_is_completed_with_the_same_key(
    process: NewProcess, engine: KeyEngine, living: Living, place: Place, fault: Fault
) -> None:
    gone = Faults({"/key/generate": [fault], "/key/info": [Fault.REFUSED] * 50})
    with pytest.raises(GatewayUnavailableError):
        engine.up(process(gone, patience_seconds=0.1), deliver=place.deliver, max_budget=5)
    staged = place.live()["api-key-next"]
    assert "api-key" not in place.live()
    engine.up(process(), deliver=place.deliver, max_budget=6)
    assert place.live()["api-key"] == staged
    assert living() == [engine.token_id] == [place.token_id()]
    assert engine.refresh(process())
    assert engine.preview(deliver=place.deliver, max_budget=6) == []


def test_a_key_whose_state_was_never_saved_ends_when_its_successor_is_there(
    process: NewProcess, engine: KeyEngine, living: Living, place: Place
) -> None:
    engine.up(process(), deliver=place.deliver, max_budget=5)
    lost, engine.state = engine.token_id, None
    engine.up(process(), deliver=place.deliver, max_budget=5)
    assert living() == [engine.token_id] == [place.token_id()]
    assert engine.token_id != lost
    assert place.live()["key-alias"] == engine.inputs["key_alias"]


def test_a_revoked_key_never_comes_back(
    process: NewProcess, engine: KeyEngine, living: Living, place: Place
) -> None:
    engine.up(process(), deliver=place.deliver)
    revoked, live = engine.token_id, place.live()
    engine.destroy(process())
    place.put(**live)
    engine.up(process(), deliver=place.deliver)
    assert engine.token_id != revoked
    assert living() == [engine.token_id] == [place.token_id()]


def test_a_refusal_restores_what_was_there(process: NewProcess, engine: KeyEngine, place: Place) -> None:
    place.put(theirs="kept", **{"api-key": "sk-of-before"})
    with pytest.raises(LicenceNeededError):
        engine.up(process(), deliver=place.deliver, tags=["a"])
    assert place.live() == {"theirs": "kept", "api-key": "sk-of-before"}


@pytest.mark.parametrize(
    "by_hand", [{"api-key": "sk-by-hand"}, {"theirs": "kept"}], ids=["changed", "missing"]
)
def test_drift_is_shown_and_replaced(
    process: NewProcess, engine: KeyEngine, living: Living, place: Place, by_hand: dict[str, Any]
) -> None:
    engine.up(process(), deliver=place.deliver)
    predecessor = engine.token_id
    place.put(**by_hand)
    assert engine.refresh(process())
    assert engine.preview(deliver=place.deliver) == ["deliver"]
    assert engine.up(process(), deliver=place.deliver) == "replace"
    assert engine.token_id != predecessor
    assert living() == [engine.token_id] == [place.token_id()]


def test_a_delete_takes_its_own_out(
    process: NewProcess, engine: KeyEngine, living: Living, place: Place
) -> None:
    engine.up(process(), deliver=place.deliver)
    engine.destroy(process())
    with pytest.raises(hvac.exceptions.InvalidPath):
        place.live()
    assert living() == []


def test_no_key_is_minted_where_it_can_not_be_delivered(
    process: NewProcess, engine: KeyEngine, living: Living, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(VaultMountMissingError, match="expected a KV v2 mount"):
        engine.up(process(), deliver=place.deliver | {"mount": f"{MOUNT}-v1"})
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:1")
    monkeypatch.setattr(VaultConnection, "parse", lambda _: VaultConnection(patience_seconds=0))
    with pytest.raises(VaultUnavailableError):
        engine.up(process(), deliver=place.deliver)
    assert living() == []
