"""A replacement is interrupted at the real gateway, and the program wants the key of before."""

import secrets
from collections.abc import Callable
from typing import Any

import httpx
import hvac
import pytest

from providers.litellm import creation
from providers.vault.sources import fingerprint
from tests.contract.conftest import MOUNT, NewProcess
from tests.unit.providers.engine import KeyEngine

Living = Callable[[], list[str]]
Use = Callable[[str], float]
Row = Callable[[str], dict[str, Any]]

ROTATION = {"rotation": {"a": 1}}

pytestmark = pytest.mark.usefixtures("vault_environment")


class KilledError(BaseException):
    """The process ends: nothing catches it."""


@pytest.fixture
def row(admin: httpx.Client) -> Row:
    def asked(token_id: str) -> dict[str, Any]:
        answer = admin.get("/key/info", params={"key": token_id}).raise_for_status()
        return dict(answer.json()["info"])

    return asked


def place() -> dict[str, str]:
    return {"mount": MOUNT, "path": f"keys/{secrets.token_hex(4)}"}


def at(client: hvac.Client, deliver: dict[str, str]) -> dict[str, str]:
    found = client.secrets.kv.v2.read_secret_version(
        deliver["path"], mount_point=MOUNT, raise_on_deleted_version=True
    )
    return dict(found["data"]["data"])


def killed_once_known(process: NewProcess, engine: KeyEngine, **declared: Any) -> None:
    """Kill an `up` when the gateway knows the successor, and nobody was handed it."""

    def kill(*_: Any) -> None:
        raise KilledError

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(creation, "_handed_out", kill)
        with pytest.raises(KilledError):
            engine.up(process(), **declared)


@pytest.mark.parametrize("alias", [True, False])
def test_a_delivered_rotation_that_is_taken_back_leaves_no_successor(
    process: NewProcess, engine: KeyEngine, living: Living, row: Row, client: hvac.Client, *, alias: bool
) -> None:
    declared: dict[str, Any] = {"deliver": place()} | ({"alias": f"mine-{engine.name}"} if alias else {})
    engine.up(process(), **declared)
    first, called = engine.token_id, row(engine.token_id)["key_alias"]
    killed_once_known(process, engine, **declared, **ROTATION)
    assert len(living()) == 2
    assert engine.refresh(process())
    assert "drifted" in engine.preview(**declared)
    assert engine.up(process(), **declared) == "update"
    assert living() == [engine.token_id] == [first]
    assert row(first)["key_alias"] == called
    stands = at(client, declared["deliver"])
    assert "api-key-next" not in stands
    assert (fingerprint(stands["api-key"]), stands["key-alias"]) == (first, called)
    assert engine.refresh(process())
    assert engine.preview(**declared) == []


def test_a_rotation_that_is_taken_back_gives_the_alias_back(
    process: NewProcess, engine: KeyEngine, living: Living, row: Row
) -> None:
    alias = f"mine-{engine.name}"
    engine.up(process(), alias=alias)
    first = engine.token_id
    killed_once_known(process, engine, alias=alias, **ROTATION)
    assert engine.refresh(process())
    assert engine.up(process(), alias=alias) == "update"
    assert living() == [engine.token_id] == [first]
    assert row(first)["key_alias"] == alias


def test_an_alias_passes_to_a_key_that_is_adopted_and_back_if_that_is_taken_back(
    process: NewProcess, engine: KeyEngine, living: Living, admin: httpx.Client, row: Row
) -> None:
    alias = f"mine-{engine.name}"
    engine.up(process(), alias=alias)
    first, state, inputs = engine.token_id, engine.state, engine.inputs
    made = admin.post("/key/generate", json={"key_alias": f"theirs-{engine.name}"}).raise_for_status().json()
    adopted = {"alias": alias, "adopt": made["token"]}
    gateway, checked = process(), engine.check(adopted)
    engine._note(checked)
    engine._create(gateway, checked, "replace")
    assert row(made["token"])["key_alias"] == alias
    engine.state, engine.inputs = state, inputs  # never saved
    assert engine.refresh(process())
    assert engine.up(process(), alias=alias) == "update"
    assert (living(), row(first)["key_alias"]) == ([first], alias)
    assert row(made["token"])["metadata"] == {}
    assert engine.up(process(), **adopted) == "replace"
    assert (living(), row(made["token"])["key_alias"]) == ([made["token"]], alias)


def test_a_key_whose_marks_were_wiped_passes_its_alias_on(
    process: NewProcess, engine: KeyEngine, living: Living, admin: httpx.Client, row: Row
) -> None:
    alias = f"mine-{engine.name}"
    engine.up(process(), alias=alias)
    first = engine.token_id
    admin.post("/key/update", json={"key": first, "metadata": {}}).raise_for_status()
    assert engine.refresh(process())
    assert engine.up(process(), alias=alias, **ROTATION) == "replace"
    assert (living(), row(engine.token_id)["key_alias"]) == ([engine.token_id], alias)
    assert row(first)["expires"]
    process().delete(first)


def test_a_move_that_is_taken_back_half_way_carries_the_spend_of_both_keys(
    *, process: NewProcess, engine: KeyEngine, living: Living, use: Use, row: Row, client: hvac.Client
) -> None:
    here, elsewhere = place(), place()
    engine.up(process(), deliver=here)
    first, state = engine.token_id, dict(engine.state or {})
    use(at(client, here)["api-key"])
    gateway, inputs = process(), engine.check({"deliver": elsewhere})
    engine._note(inputs)
    engine._create(gateway, inputs, "replace")  # and another resource fails, so that the first key stays
    engine.waiting.append((first, state))
    own, first_of_all = use(at(client, elsewhere)["api-key"]), use(at(client, here)["api-key"])
    assert engine.up(process(), deliver=here) == "replace"
    assert living() == [engine.token_id]
    assert fingerprint(at(client, here)["api-key"]) == engine.token_id
    assert row(engine.token_id)["spend"] == pytest.approx(own + first_of_all)
