from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from toolchain.plugins.values import UNKNOWN, has_unknown, plain, secret, struct, without_nones

_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=15,
)


@given(st.dictionaries(st.text(), _JSON))
def test_a_document_survives_the_wire(document: dict[str, Any]) -> None:
    assert plain(struct(document)) == document


def test_whole_numbers_are_int_and_others_float() -> None:
    assert plain(struct({"whole": 3.0, "part": 0.5})) == {"whole": 3, "part": 0.5}
    assert isinstance(plain(struct({"whole": 3.0}))["whole"], int)


def test_secrets_come_open() -> None:
    assert plain(struct({"a": secret({"b": secret("c")})})) == {"a": {"b": "c"}}


def test_a_secret_is_marked_once() -> None:
    assert secret(secret("x")) == secret("x")


def test_what_the_bridge_of_the_official_plugin_adds_is_passed_over() -> None:
    assert plain(struct({"a": 1, "__defaults": ["a"], "b": {"__defaults": []}})) == {"a": 1, "b": {}}


@pytest.mark.parametrize(
    "typed", ["1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", "dd056dcd-154b-4c76-9bd3-c8f88648b5ff"]
)
def test_every_typed_unknown_is_the_one_unknown(typed: str) -> None:
    assert plain(struct({"a": typed})) == {"a": UNKNOWN}


def test_unknowns_are_found_at_any_depth() -> None:
    assert has_unknown({"a": [{"b": UNKNOWN}]})
    assert not has_unknown({"a": [{"b": "known"}], UNKNOWN: 1})


def test_an_empty_struct_is_an_empty_document() -> None:
    assert plain(Struct()) == {}


def test_nones_go_from_objects_but_stay_in_lists() -> None:
    assert without_nones({"a": None, "b": [None, {"c": None}]}) == {"b": [None, {}]}
