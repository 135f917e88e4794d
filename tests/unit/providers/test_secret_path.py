"""A secret path's checks, diffs and life, against a KV v2 path in memory."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.inputs import UNKNOWN, Problem
from providers.reference import SecretMissingError
from providers.vault import secret_path
from providers.vault.errors import VaultConflictError
from providers.vault.kv import KvVersion
from providers.vault.sources import changed_inputs, check_inputs, fingerprint
from tests.unit.providers.fake_kv import FakeKv

GENERATED = {"master-key": {"generate": "litellm-key"}, "salt-key": {"generate": "password"}}


def inputs(properties: Any, **others: Any) -> dict[str, Any]:
    base = {"mount": "litellm", "path": "api-keys", "vault": {}, "retain_on_delete": False}
    return base | {"properties": properties} | others


@pytest.fixture
def kv() -> FakeKv:
    return FakeKv()


# --- check -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "field", "reason"),
    [
        ({"mount": "/litellm"}, "mount", "expected a path without a slash at its ends, got '/litellm'"),
        ({"path": "a//b"}, "path", "expected a path without a slash at its ends, got 'a//b'"),
        ({"path": "data/api-keys"}, "path", "'data/api-keys': leave out data/, which KV v2 adds by itself"),
        ({"properties": {}}, "properties", "expected at least one property with its source"),
        (
            {"properties": {"a": "x"}},
            "properties.a",
            "expected exactly one of generate, env, file, value, man",
        ),
        (
            {"properties": {"a": {"generate": "uuid"}}},
            "properties.a",
            "expected generate to be one of litellm-k",
        ),
        (
            {"properties": {"a": {"env": ""}}},
            "properties.a",
            "expected env to be the name of an environment va",
        ),
        ({"properties": {"a": {"manual": False}}}, "properties.a", "expected manual to be true"),
        (
            {"properties": {"a": {"value": 5.0}}},
            "properties.a",
            "expected value to be a text that is not empty",
        ),
        ({"vault": {"addr": "x"}}, "vault", "'addr' is not known here; did you mean 'address'?"),
    ],
)
def test_wrong_inputs_are_refused(wrong: dict[str, Any], field: str, reason: str) -> None:
    [problem] = check_inputs(inputs(GENERATED) | wrong)
    assert problem.field == field
    assert reason in problem.reason


def test_a_refusal_does_not_tell_the_value() -> None:
    [problem] = check_inputs(inputs({"a": {"value": "hunter2", "env": "X"}}))
    assert problem == Problem("properties.a", "expected exactly one of generate, env, file, value, manual")


def test_what_is_unknown_yet_is_not_refused() -> None:
    sources = {"a": {"value": UNKNOWN}, "b": UNKNOWN}
    assert check_inputs(inputs(sources, mount=UNKNOWN, vault={"address": UNKNOWN})) == []
    assert check_inputs(inputs(UNKNOWN)) == []


# --- diff ------------------------------------------------------------------------------------------------


def test_what_was_written_is_no_diff(kv: FakeKv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    declared = inputs(
        GENERATED | {"o": {"env": "OPENAI_API_KEY"}, "v": {"value": "x"}, "m": {"manual": True}}
    )
    state = secret_path.write(kv, declared, {})
    assert changed_inputs(state, declared) == []
    monkeypatch.delenv("OPENAI_API_KEY")
    assert changed_inputs(state, declared) == []


@pytest.mark.parametrize(
    "properties",
    [
        GENERATED | {"v": {"value": "y"}},
        GENERATED | {"v": {"value": UNKNOWN}},
        GENERATED | {"v": {"env": "V"}},
        GENERATED,
        GENERATED | {"v": {"value": "x"}, "more": {"generate": "password"}},
        UNKNOWN,
    ],
)
def test_another_source_or_value_is_a_diff(kv: FakeKv, properties: Any) -> None:
    state = secret_path.write(kv, inputs(GENERATED | {"v": {"value": "x"}}), {})
    assert changed_inputs(state, inputs(properties)) == ["properties"]


# --- life ------------------------------------------------------------------------------------------------


def test_no_value_is_in_the_state(kv: FakeKv) -> None:
    state = secret_path.write(kv, inputs(GENERATED | {"v": {"value": "hunter2"}}), {})
    assert state["version"] == 1
    assert state["fingerprints"] == {name: fingerprint(value) for name, value in kv.version.data.items()}
    assert not any(value in str(state) for value in kv.version.data.values())


def test_a_write_that_lost_is_merged_again(kv: FakeKv) -> None:
    kv.meanwhile = [{"theirs": "1"}, {"master-key": "sk-made-by-another-run"}]
    secret_path.write(kv, inputs(GENERATED), {})
    assert kv.version.data["theirs"] == "1"
    assert kv.version.data["master-key"] == "sk-made-by-another-run"
    assert "salt-key" in kv.version.data


def test_a_path_that_never_rests_is_an_error(kv: FakeKv) -> None:
    kv.meanwhile = [{"theirs": str(number)} for number in range(20)]
    with pytest.raises(VaultConflictError, match=r"api-keys in Vault .* is changed by somebody else"):
        secret_path.write(kv, inputs(GENERATED), {})


def test_nothing_is_written_if_a_value_is_missing(kv: FakeKv) -> None:
    with pytest.raises(
        SecretMissingError, match="the property 'o': the environment variable NO_SUCH isn't there"
    ):
        secret_path.write(kv, inputs(GENERATED | {"o": {"env": "NO_SUCH"}}), {})
    assert kv.calls == 0


def test_another_connection_is_no_call(kv: FakeKv) -> None:
    state = secret_path.write(kv, inputs(GENERATED), {})
    kv.calls = 0
    moved = inputs(GENERATED, vault={"address": "https://elsewhere"}, retain_on_delete=True)
    assert secret_path.write(kv, moved, state) == state | moved
    assert kv.calls == 0


def test_a_property_that_is_no_longer_declared_goes() -> None:
    kv = FakeKv(theirs="kept")
    state = secret_path.write(kv, inputs(GENERATED | {"v": {"value": "x"}}), {})
    secret_path.write(kv, inputs(GENERATED), state)
    assert kv.version.data.keys() == GENERATED.keys() | {"theirs"}


def test_a_retained_path_keeps_it(kv: FakeKv) -> None:
    state = secret_path.write(kv, inputs(GENERATED | {"v": {"value": "x"}}, retain_on_delete=True), {})
    secret_path.write(kv, inputs(GENERATED, retain_on_delete=True), state)
    secret_path.delete(kv, state)
    assert kv.version.data.keys() == GENERATED.keys() | {"v"}


def test_a_path_without_anything_is_gone(kv: FakeKv) -> None:
    state = secret_path.write(kv, inputs(GENERATED), {})
    kv.version = KvVersion(2, {})
    assert secret_path.read(kv, state) is None


def test_a_mount_that_is_gone_took_the_path_with_it(kv: FakeKv) -> None:
    state = secret_path.write(kv, inputs(GENERATED), {})
    kv.mount_is_there = False
    assert secret_path.read(kv, state) is None
    secret_path.delete(kv, state)


def test_a_restored_value_after_a_drift_is_written_once_more_in_vain(kv: FakeKv) -> None:
    declared = inputs({"v": {"value": "x"}})
    state = secret_path.write(kv, declared, {})
    kv.version = KvVersion(2, {"v": "by hand"})
    drifted = secret_path.read(kv, state)
    assert drifted is not None
    kv.version = KvVersion(3, {"v": "x"})
    state = secret_path.write(kv, declared, drifted)
    assert (kv.version.number, changed_inputs(state, declared)) == (3, [])


names = st.sampled_from(["master-key", "salt-key", "openai-key", "url", "theirs"])
sources = st.one_of(
    st.sampled_from([{"generate": "litellm-key"}, {"generate": "password"}, {"manual": True}]),
    st.text("abc", min_size=1, max_size=4).map(lambda value: {"value": value}),
)


@given(
    st.dictionaries(names, st.text("xyz", min_size=1)),
    st.lists(st.dictionaries(names, sources, min_size=1), min_size=1, max_size=4),
)
def test_generated_values_and_those_of_others_survive_everything(
    before: dict[str, str], steps: list[dict[str, Any]]
) -> None:
    """What stands at a path is lost only if it is declared with a value, or taken out of the program."""
    kv = FakeKv(**before)
    state: dict[str, Any] = {}
    for properties in steps:
        standing = dict(kv.version.data)
        declared = inputs(properties)
        state = secret_path.write(kv, declared, state)
        assert changed_inputs(state, declared) == []
        refreshed = secret_path.read(kv, state)
        assert refreshed is None or changed_inputs(refreshed, declared) == []
        for name, source in properties.items():
            if "value" in source:
                assert kv.version.data[name] == source["value"]
            elif name in standing:
                assert kv.version.data[name] == standing[name]
            else:
                assert (name in kv.version.data) is ("generate" in source)
