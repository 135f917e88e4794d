"""Whatever is lost on the way: one `up` more, and there is exactly one key, the one in the state."""

from collections.abc import Callable

import httpx
import pytest

from providers.litellm.errors import (
    AliasTakenError,
    GatewayNotReadyError,
    GatewayUnavailableError,
    KeyGoneError,
    KeyNotDeletedError,
)
from tests.contract.conftest import NewEngine, NewProcess
from tests.contract.gateways import Fault, Faults
from tests.unit.providers.engine import KeyEngine

Living = Callable[[], list[str]]
Use = Callable[[str], float]

EVERY_FAULT = pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())


@EVERY_FAULT
@pytest.mark.parametrize("path", ["/health/readiness", "/key/list", "/key/generate", "/key/info"])
def test_a_create_gets_over_one_fault(
    process: NewProcess, engine: KeyEngine, living: Living, path: str, fault: Fault
) -> None:
    engine.up(process(Faults({path: [fault]})), max_budget=5)
    assert living() == [engine.token_id]


@EVERY_FAULT
def test_a_create_gets_over_two_faults_in_a_row(
    process: NewProcess, engine: KeyEngine, living: Living, fault: Fault
) -> None:
    engine.up(process(Faults({"/key/generate": [fault, Fault.ERROR_BEFORE], "/key/info": [fault]})))
    assert living() == [engine.token_id]


def test_a_lost_answer_is_asked_for_and_not_sent_again(
    process: NewProcess, engine: KeyEngine, living: Living
) -> None:
    faults = Faults({"/key/generate": [Fault.LOST_ANSWER]})
    engine.up(process(faults))
    assert faults.calls["/key/generate"] == 1
    assert living() == [engine.token_id]


def test_a_create_takes_two_calls_and_one_list(process: NewProcess, engine: KeyEngine) -> None:
    faults = Faults()
    engine.up(process(faults), models=["gpt-4o"], max_budget=5, metadata={"a": 1})
    assert faults.calls == {
        "/health/readiness": 1,
        "/key/list": faults.calls["/key/list"],
        "/key/generate": 1,
        "/key/info": 1,
    }


def test_a_create_that_is_given_up_is_completed_by_the_next(
    process: NewProcess, engine: KeyEngine, living: Living
) -> None:
    """The gateway makes the key, and then nothing is heard of it any more."""
    gone = Faults({"/key/generate": [Fault.LOST_ANSWER], "/key/info": [Fault.REFUSED] * 50})
    with pytest.raises(GatewayUnavailableError):
        engine.up(process(gone, patience_seconds=0.1), max_budget=5)
    assert len(living()) == 1
    assert engine.state is None
    engine.up(process(), max_budget=5)
    assert living() == [engine.token_id]


def test_a_key_whose_state_was_never_saved_is_made_anew(
    process: NewProcess, engine: KeyEngine, living: Living
) -> None:
    engine.up(process())
    orphan = engine.token_id
    engine.state = None  # the engine is killed before it writes the state
    engine.up(process())
    assert engine.token_id != orphan
    assert living() == [engine.token_id]


def test_a_key_that_somebody_uses_is_never_taken_for_an_orphan(
    process: NewProcess, engine: KeyEngine, living: Living, use: Use
) -> None:
    engine.up(process())
    assert engine.state is not None
    somebodys = engine.token_id
    use(engine.state["key"])
    engine.state = None
    engine.up(process())
    assert set(living()) == {somebodys, engine.token_id}


# --- update ----------------------------------------------------------------------------------------------


@EVERY_FAULT
@pytest.mark.parametrize("path", ["/health/readiness", "/key/update", "/key/info"])
def test_an_update_gets_over_one_fault(
    process: NewProcess, engine: KeyEngine, admin: httpx.Client, path: str, fault: Fault
) -> None:
    first = {"max_budget": 5, "rpm_limit": 3, "metadata": {"a": 1}, "model_rpm_limit": {"gpt-4o": 1}}
    second = {"max_budget": 6, "metadata": {"a": 2}, "model_rpm_limit": {"gpt-4o": 2}, "duration": "1d"}
    engine.up(process(), **first)
    engine.up(process(Faults({path: [fault]})), **second)
    info = admin.get("/key/info", params={"key": engine.token_id}).json()["info"]
    assert (info["max_budget"], info["rpm_limit"]) == (6, None)
    assert (info["metadata"]["a"], info["metadata"]["model_rpm_limit"]) == (2, {"gpt-4o": 2})
    gateway = process()
    assert engine.refresh(gateway)
    assert engine.preview(**second) == []


def test_an_update_whose_answer_is_lost_is_not_sent_again(process: NewProcess, engine: KeyEngine) -> None:
    engine.up(process(), max_budget=5, metadata={"a": 1})
    faults = Faults({"/key/update": [Fault.LOST_ANSWER]})
    engine.up(process(faults), max_budget=6, metadata={"b": 2}, duration="1d")
    assert faults.calls["/key/update"] == 1


def test_an_update_takes_one_call(process: NewProcess, engine: KeyEngine) -> None:
    engine.up(process(), max_budget=5, metadata={"a": 1})
    faults = Faults()
    engine.up(process(faults), max_budget=6, metadata={"a": 1})
    assert faults.calls == {"/health/readiness": 1, "/key/update": 1}


def test_another_connection_is_an_update_without_a_call(process: NewProcess, engine: KeyEngine) -> None:
    engine.up(process(), max_budget=5)
    faults = Faults()
    moved = {"url": "http://elsewhere.test", "admin_key": {"file": "/run/admin-key"}}
    assert engine.up(process(faults), max_budget=5, gateway=moved) == "update"
    assert not faults.calls
    assert engine.state is not None
    assert engine.state["gateway"] == moved


def test_an_update_of_a_key_that_is_gone_says_so(
    process: NewProcess, engine: KeyEngine, admin: httpx.Client
) -> None:
    engine.up(process(), max_budget=5)
    admin.post("/key/delete", json={"keys": [engine.token_id]}).raise_for_status()
    with pytest.raises(KeyGoneError, match="pulumi up --refresh"):
        engine.up(process(), max_budget=6)
    assert not engine.refresh(process())


# --- delete ----------------------------------------------------------------------------------------------


@EVERY_FAULT
@pytest.mark.parametrize("path", ["/health/readiness", "/key/delete", "/key/info"])
def test_a_delete_gets_over_one_fault(
    process: NewProcess, engine: KeyEngine, living: Living, path: str, fault: Fault
) -> None:
    engine.up(process())
    engine.destroy(process(Faults({path: [fault]})))
    assert living() == []


def test_a_delete_takes_two_calls_and_one_list(process: NewProcess, engine: KeyEngine) -> None:
    engine.up(process())
    faults = Faults()
    engine.destroy(process(faults))
    assert faults.calls == {
        "/health/readiness": 1,
        "/key/delete": 1,
        "/key/info": 1,
        "/key/list": faults.calls["/key/list"],
    }


def test_a_key_that_is_gone_is_deleted(process: NewProcess, engine: KeyEngine, admin: httpx.Client) -> None:
    engine.up(process())
    admin.post("/key/delete", json={"keys": [engine.token_id]}).raise_for_status()
    engine.destroy(process())
    assert engine.state is None


@pytest.mark.parametrize("path", ["/health/readiness", "/key/delete"])
def test_a_delete_that_reaches_nobody_keeps_the_key(
    process: NewProcess, engine: KeyEngine, living: Living, path: str
) -> None:
    engine.up(process())
    unreachable = Faults({path: [Fault.REFUSED] * 50})
    with pytest.raises(KeyNotDeletedError, match="stays in the state"):
        engine.destroy(process(unreachable, patience_seconds=0.1))
    assert living() == [engine.token_id]


# --- aliases ---------------------------------------------------------------------------------------------


def test_an_automatic_alias_stays(process: NewProcess, engine: KeyEngine, admin: httpx.Client) -> None:
    engine.up(process(), max_budget=5)
    assert engine.state is not None
    alias = engine.state["key_alias"]
    assert alias.startswith(f"{engine.name}-")
    engine.up(process(), max_budget=6)
    assert engine.state["key_alias"] == alias
    info = admin.get("/key/info", params={"key": engine.token_id}).json()["info"]
    assert info["key_alias"] == alias


def test_an_alias_is_set_changed_and_given_back(
    process: NewProcess, engine: KeyEngine, admin: httpx.Client
) -> None:
    def live() -> str:
        info = admin.get("/key/info", params={"key": engine.token_id}).json()["info"]
        return str(info["key_alias"])

    engine.up(process(), alias=f"one-{engine.name}")
    assert live() == f"one-{engine.name}"
    assert engine.up(process(), alias=f"two-{engine.name}") == "update"
    assert live() == f"two-{engine.name}"
    admin.post("/key/update", json={"key": engine.token_id, "key_alias": f"x-{engine.name}"})
    assert engine.refresh(process())
    assert engine.preview(alias=f"two-{engine.name}") == ["key_alias"]
    assert engine.up(process()) == "update"
    assert live().startswith(f"{engine.name}-")


def test_an_explicit_alias_is_kept_over_a_replacement(
    process: NewProcess, engine: KeyEngine, living: Living, admin: httpx.Client
) -> None:
    alias = f"kept-{engine.name}"
    engine.up(process(), alias=alias, key_type="llm_api")
    assert engine.up(process(), alias=alias, key_type="read_only") == "replace"
    assert living() == [engine.token_id]
    info = admin.get("/key/info", params={"key": engine.token_id}).json()["info"]
    assert info["key_alias"] == alias


def test_an_alias_that_another_key_has_is_refused(
    process: NewProcess, engine: KeyEngine, living: Living, admin: httpx.Client
) -> None:
    alias = f"taken-{engine.name}"
    admin.post("/key/generate", json={"key_alias": alias}).raise_for_status()
    with pytest.raises(AliasTakenError, match=alias):
        engine.up(process(), alias=alias)
    assert living() == []
    [listed] = process().list_keys(alias=alias)
    process().delete(listed.token_id)


def test_a_key_is_found_by_its_exact_alias_alone(
    process: NewProcess, new_engine: NewEngine, admin: httpx.Client
) -> None:
    """The gateway can look for parts of an alias too, in any case, and doesn't unless it is asked to."""
    engine = new_engine()
    alias = f"Exact-{engine.name}"
    engine.up(process(), alias=alias)
    for other in (alias.lower(), f"{alias}-more", f"more-{alias}"):
        new_engine().up(process(), alias=other)
    [found] = process().list_keys(alias=alias)
    assert (found.token_id, found.alias) == (engine.token_id, alias)
    for part in (alias[:-1], alias.upper(), "%", alias.replace("-", "_")):
        assert list(process().list_keys(alias=part)) == []
    query = {"key_alias": alias, "substring_matching": "true"}
    assert admin.get("/key/list", params=query).raise_for_status().json()["total_count"] == 4


@pytest.mark.parametrize("length", [248, 255])
def test_a_key_with_a_long_alias_can_be_rotated(
    process: NewProcess, engine: KeyEngine, living: Living, admin: httpx.Client, length: int
) -> None:
    alias = engine.name.ljust(length, "x")
    engine.up(process(), alias=alias)
    predecessor = engine.token_id
    assert engine.up(process(), alias=alias, rotation={"n": 1}) == "replace"
    assert living() == [engine.token_id] != [predecessor]
    info = admin.get("/key/info", params={"key": engine.token_id}).json()["info"]
    assert info["key_alias"] == alias


# --- a gateway that isn't there --------------------------------------------------------------------------


def test_a_gateway_that_does_not_get_ready_is_named(process: NewProcess, engine: KeyEngine) -> None:
    never = Faults({"/health/readiness": [Fault.REFUSED] * 50})
    with pytest.raises(GatewayNotReadyError, match=r"isn't ready after 2 s: it can't be reached"):
        engine.up(process(never))
