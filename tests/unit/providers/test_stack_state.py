"""What is taken from a stack's state, and what is said of a state that isn't one."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from providers.litellm.orphan_search.errors import StateUnreadableError
from providers.litellm.orphan_search.stack_state import StackState, exported, from_file
from tests.unit.providers.engine import urn

GATEWAY = {"url": "http://gateway.test", "admin_key": {"env": "ADMIN_KEY"}}
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x"}


def resource(name: str, token_id: str, **props: Any) -> dict[str, Any]:
    return {
        "urn": urn(name),
        "id": token_id,
        "type": "pulumi-python:dynamic/litellm:VirtualKey",
        "inputs": {"gateway": GATEWAY, "owner": urn(name), **props},
        "outputs": {"gateway": GATEWAY, "owner": urn(name), "key": SECRET, "token_id": token_id, **props},
    }


def export(*resources: dict[str, Any]) -> dict[str, Any]:
    stack = {"urn": "urn:pulumi:dev::llm-gateway::pulumi:pulumi:Stack::llm-gateway-dev", "type": "pulumi:x"}
    return {"version": 3, "deployment": {"resources": [stack, *resources]}}


def bound() -> dict[str, Any]:
    props = {"url": GATEWAY["url"], "ttl_seconds": 60}
    its_type = "pulumi-python:dynamic/litellm:RevocationBound"
    of_it = {"urn": urn("bound"), "id": "revocation-bound", "type": its_type}
    return {**of_it, "inputs": props, "outputs": props}


def parse(document: Any, owner: tuple[str, str] | None = None) -> StackState:
    return StackState.parse(document, "the tests", owner)


def test_keys_and_their_places_are_read() -> None:
    deliver = {"mount": "kv", "path": "keys/a"}
    state = parse(export(resource("a", "1" * 64, deliver=deliver), resource("b", "2" * 64)))
    assert (state.project, state.stack) == ("llm-gateway", "dev")
    assert state.token_ids == {"1" * 64, "2" * 64}
    assert [(key.gateway, key.deliver) for key in state.keys] == [(GATEWAY, deliver), (GATEWAY, None)]
    assert state.urns == {urn("a"), urn("b")}


def test_only_what_has_a_key_counts_as_one() -> None:
    admin = resource("admin", "2" * 64) | {"type": "pulumi-python:dynamic/litellm:PlatformAdmin"}
    state = parse(export(resource("a", "1" * 64), admin, bound()))
    assert state.urns == {urn("a"), urn("admin")}


def test_a_predecessor_that_still_has_to_be_deleted_is_in_the_state() -> None:
    pending = resource("a", "1" * 64) | {"delete": True}
    assert parse(export(pending, resource("a", "2" * 64))).token_ids == {"1" * 64, "2" * 64}


def test_a_file_of_pulumi_s_own_backend_is_a_state_too() -> None:
    latest = export(resource("a", "1" * 64))["deployment"]
    assert parse({"version": 3, "checkpoint": {"stack": "dev", "latest": latest}}).token_ids == {"1" * 64}


def test_an_encrypted_connection_keeps_its_key_known() -> None:
    hidden = resource("a", "1" * 64)
    hidden["outputs"]["gateway"] = SECRET
    state = parse(export(hidden))
    assert state.token_ids == {"1" * 64}
    assert state.keys[0].gateway is None


def test_other_stacks_aren_t_ours() -> None:
    state = parse(export())
    assert state.is_ours(urn("anything"))
    assert not state.is_ours(urn("anything").replace(":dev::", ":dev2::"))
    assert not state.is_ours(urn("anything").replace("::llm-gateway::", "::llm-gateway-2::"))
    assert not state.is_ours("None")


def test_an_empty_state_needs_to_be_told_whose_it_is() -> None:
    empty: dict[str, Any] = {"version": 3, "deployment": {"manifest": {}}}
    with pytest.raises(StateUnreadableError, match="the tests: is empty and so names no stack; say --owner"):
        parse(empty)
    assert parse(empty, ("p", "s")) == StackState("p", "s")


@pytest.mark.parametrize("document", [[], {}, {"deployment": 1}, "text", None])
def test_what_is_no_state_is_refused(document: Any) -> None:
    with pytest.raises(StateUnreadableError, match="the tests: holds no state of Pulumi"):
        parse(document)


def test_a_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(StateUnreadableError, match=r"gone.json: can't be read \(No such file or directory\)"):
        from_file(tmp_path / "gone.json")
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(StateUnreadableError, match=r"state.json: holds no JSON"):
        from_file(tmp_path / "state.json")
    (tmp_path / "state.json").write_bytes(b"\xff")
    with pytest.raises(StateUnreadableError, match=r"can't be read \(not text\)"):
        from_file(tmp_path / "state.json")


# --- the CLI ---------------------------------------------------------------------------------------------


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a stand-in for the Pulumi CLI in the place of the real one."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "pulumi"


def script(file: Path, text: str) -> None:
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(stat.S_IRWXU)


def test_the_selected_stack_is_exported(cli: Path) -> None:
    script(cli, f"""[ "$*" = "stack export" ] && echo '{json.dumps(export())}'""")
    document, source = exported(None)
    assert document == export()
    assert source == "`pulumi stack export`"


def test_another_stack_is_exported_by_its_name(cli: Path) -> None:
    script(cli, """[ "$*" = "stack export --stack org/p/prod" ] && echo {}""")
    assert exported("org/p/prod")[0] == {}


def test_no_cli_no_stack_and_no_answer_are_said(cli: Path) -> None:
    with pytest.raises(StateUnreadableError, match="there is no `pulumi` on PATH; give the state by --state"):
        exported(None)
    script(cli, "echo 'error: no stack selected; please use `pulumi stack select`' >&2; exit 255")
    with pytest.raises(StateUnreadableError, match="`pulumi stack export`: no stack selected; please use"):
        exported(None)
    script(cli, "exit 3")
    with pytest.raises(StateUnreadableError, match="ends with 3"):
        exported("x")
