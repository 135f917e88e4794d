"""Secret paths of a real Vault or OpenBao: generated once, merged, followed, and taken out again."""

import secrets
import threading
from dataclasses import dataclass, field
from typing import Any

import hvac
import pytest

from providers.reference import SecretMissingError, SecretReference
from providers.vault import secret_path, sources
from providers.vault.connection import VaultConnection
from providers.vault.errors import VaultDeniedError, VaultMountMissingError, VaultUnavailableError
from tests.contract.conftest import MOUNT


@pytest.fixture(autouse=True)
def _environment(vault_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    del vault_environment
    monkeypatch.setenv("OPENAI_API_KEY", "from-the-environment")


@dataclass
class SecretEngine:
    """What Pulumi's engine does with one secret path."""

    client: hvac.Client
    path: str = field(default_factory=lambda: secrets.token_hex(4))
    state: dict[str, Any] | None = None

    def inputs(self, properties: dict[str, Any], **others: Any) -> dict[str, Any]:
        base = {"mount": MOUNT, "path": self.path, "vault": {}, "retain_on_delete": False}
        inputs = base | {"properties": properties} | others
        assert sources.check_inputs(inputs) == []
        return inputs

    def preview(self, properties: dict[str, Any], **others: Any) -> list[str]:
        return sources.changed_inputs(self.state or {}, self.inputs(properties, **others))

    def up(self, properties: dict[str, Any], **others: Any) -> dict[str, Any]:
        inputs = self.inputs(properties, **others)
        self.state = secret_path.write(secret_path.open_path(inputs), inputs, self.state or {})
        return self.state

    def refresh(self) -> dict[str, Any] | None:
        assert self.state is not None
        self.state = secret_path.read(secret_path.open_path(self.state), self.state)
        return self.state

    def destroy(self) -> None:
        assert self.state is not None
        secret_path.delete(secret_path.open_path(self.state), self.state)

    def live(self) -> dict[str, str]:
        answer = self.client.secrets.kv.v2.read_secret_version(
            self.path, mount_point=MOUNT, raise_on_deleted_version=True
        )
        return dict(answer["data"]["data"])

    def put(self, **properties: str) -> None:
        self.client.secrets.kv.v2.create_or_update_secret(self.path, secret=properties, mount_point=MOUNT)


@pytest.fixture
def engine(client: hvac.Client) -> SecretEngine:
    return SecretEngine(client)


GENERATED = {"master-key": {"generate": "litellm-key"}, "salt-key": {"generate": "password"}}


def test_values_are_generated_once_and_in_one_version(engine: SecretEngine) -> None:
    state = engine.up(GENERATED)
    live = engine.live()
    assert live["master-key"].startswith("sk-")
    assert len(live["master-key"]) == len(live["salt-key"]) + len("sk-")
    assert state["version"] == 1
    assert engine.preview(GENERATED) == []
    assert engine.up(GENERATED)["version"] == 1
    assert engine.live() == live


def test_the_state_holds_no_value(engine: SecretEngine) -> None:
    state = engine.up(GENERATED | {"openai": {"env": "OPENAI_API_KEY"}, "url": {"value": "given-as-input"}})
    for value in engine.live().values():
        assert value not in str(state)
    assert state["fingerprints"]["openai"] == sources.fingerprint("from-the-environment")


def test_a_create_that_was_interrupted_is_completed(engine: SecretEngine) -> None:
    engine.up(GENERATED)
    live = engine.live()
    engine.state = None  # killed before the state was saved
    state = engine.up(GENERATED)
    assert (engine.live(), state["version"]) == (live, 1)


def test_what_others_keep_at_the_path_stays(engine: SecretEngine) -> None:
    engine.put(theirs="kept", **{"salt-key": "older than this stack"})
    engine.up(GENERATED)
    live = engine.live()
    assert (live["theirs"], live["salt-key"]) == ("kept", "older than this stack")
    assert engine.up({"master-key": GENERATED["master-key"]})["version"] == 3
    assert engine.live() == {"theirs": "kept", "master-key": live["master-key"]}


def test_a_value_from_the_environment_follows_it(
    engine: SecretEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = {"openai": {"env": "OPENAI_API_KEY"}}
    engine.up(declared)
    monkeypatch.setenv("OPENAI_API_KEY", "a new one")
    assert engine.preview(declared) == ["properties"]
    assert engine.up(declared)["version"] == 2
    assert engine.live() == {"openai": "a new one"}
    monkeypatch.delenv("OPENAI_API_KEY")
    assert engine.preview(declared) == []
    engine.state = None
    with pytest.raises(
        SecretMissingError, match="'openai': the environment variable OPENAI_API_KEY isn't there"
    ):
        engine.up(declared)


def test_drift_is_written_over_and_a_generated_value_is_not(engine: SecretEngine) -> None:
    declared = GENERATED | {"openai": {"env": "OPENAI_API_KEY"}}
    engine.up(declared)
    engine.put(**(engine.live() | {"openai": "changed by hand", "master-key": "sk-rotated-by-hand"}))
    state = engine.refresh()
    assert state is not None
    assert state["version"] == 2
    assert state["properties"]["openai"] == {"drifted": "changed in Vault"}
    assert state["properties"]["master-key"] == {"generate": "litellm-key"}
    assert engine.preview(declared) == ["properties"]
    engine.up(declared)
    live = engine.live()
    assert (live["openai"], live["master-key"]) == ("from-the-environment", "sk-rotated-by-hand")
    assert engine.refresh() is not None
    assert engine.preview(declared) == []


def test_a_property_that_somebody_took_out_comes_back(engine: SecretEngine) -> None:
    engine.up(GENERATED)
    engine.put(**{"master-key": engine.live()["master-key"]})
    assert engine.refresh() is not None
    assert engine.preview(GENERATED) == ["properties"]
    engine.up(GENERATED)
    assert engine.live().keys() == GENERATED.keys()


def test_a_moved_version_alone_is_no_change(engine: SecretEngine) -> None:
    engine.up(GENERATED)
    engine.put(**engine.live(), theirs="new")
    state = engine.refresh()
    assert state is not None
    assert state["version"] == 2
    assert engine.preview(GENERATED) == []


def test_what_is_put_by_hand_is_never_written(engine: SecretEngine) -> None:
    declared = GENERATED | {"openai": {"manual": True}}
    engine.up(declared)
    assert "openai" not in engine.live()
    engine.put(**engine.live(), openai="by hand")
    assert engine.refresh() is not None
    assert engine.preview(declared) == []
    engine.destroy()
    assert engine.live() == {"openai": "by hand"}


def test_another_connection_makes_no_call(engine: SecretEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.up(GENERATED)
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:1")
    moved = {"vault": {"namespace": "elsewhere"}}
    assert engine.preview(GENERATED, **moved) == ["vault"]
    assert engine.up(GENERATED, **moved)["version"] == 1


def test_a_deleted_path_is_gone_with_all_its_versions(engine: SecretEngine) -> None:
    engine.up(GENERATED)
    engine.destroy()
    state = engine.state or {}
    assert secret_path.read(secret_path.open_path(state), state) is None
    with pytest.raises(hvac.exceptions.InvalidPath):
        engine.client.secrets.kv.v2.read_secret_metadata(engine.path, mount_point=MOUNT)
    engine.destroy()  # a second time is no failure


def test_a_retained_path_stays(engine: SecretEngine) -> None:
    engine.up(GENERATED, retain_on_delete=True)
    engine.destroy()
    assert engine.live().keys() == GENERATED.keys()


def test_writers_at_once_lose_nothing(client: hvac.Client) -> None:
    path = secrets.token_hex(4)
    engines = [SecretEngine(client, path) for _ in range(4)]
    threads = [
        threading.Thread(target=engine.up, args=({f"key-{i}": {"generate": "password"}},))
        for i, engine in enumerate(engines)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert engines[0].live().keys() == {f"key-{i}" for i in range(4)}


@pytest.mark.parametrize(
    ("mount", "sentence"),
    [("no-such-mount", "has no mount no-such-mount"), (f"{MOUNT}-v1", f"has KV v1 at {MOUNT}-v1")],
    ids=["missing", "version 1"],
)
def test_a_mount_that_is_not_kv_v2_is_refused_before_writing(
    engine: SecretEngine, mount: str, sentence: str
) -> None:
    with pytest.raises(VaultMountMissingError, match=f"{sentence}; expected a KV v2 mount"):
        engine.up(GENERATED, mount=mount)


def test_a_wrong_token_is_named(engine: SecretEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "s.wrong")
    with pytest.raises(VaultDeniedError, match="VAULT_TOKEN") as refused:
        engine.up(GENERATED)
    assert "s.wrong" not in str(refused.value)


def test_a_reference_gives_a_property(engine: SecretEngine) -> None:
    engine.up(GENERATED)
    place = {"mount": MOUNT, "path": engine.path, "property": "master-key"}
    secret = SecretReference.parse({"vault": place}).resolve(VaultConnection())
    assert secret.get_secret_value() == engine.live()["master-key"]
    missing = SecretReference.parse({"vault": place | {"property": "other"}})
    with pytest.raises(SecretMissingError, match=f"'other' at {MOUNT}/{engine.path} in Vault"):
        missing.resolve(VaultConnection())


def test_a_server_that_is_not_there_is_named() -> None:
    nobody = VaultConnection(address="http://127.0.0.1:1", patience_seconds=0)
    place = {"vault": {"mount": MOUNT, "path": "x", "property": "y"}}
    with pytest.raises(VaultUnavailableError, match=r"Vault at http://127.0.0.1:1 can't be reached"):
        SecretReference.parse(place).resolve(nobody)
