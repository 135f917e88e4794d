"""Hypothesis over what may be declared: what was sent is no diff, and what is taken out is cleared."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from providers.litellm.changes import changed_fields, sendable
from providers.litellm.compounds import (
    CALLBACKS,
    COUNTS,
    DOCUMENT,
    FALLBACKS,
    INDEXES,
    NAMES,
    PERMISSION,
    POSITIVES,
    ROUTER,
    TEXTS,
    WINDOWS,
)
from providers.litellm.fields import BY_NAME, FIELDS, GATEWAY_METADATA, Clearing, Stored
from providers.litellm.kinds import AMOUNT, DURATION, FLAG, INSTANT, POSITIVE, TEXT, WHOLE, WHOLE_32
from providers.litellm.ownership import OWN_METADATA, URN
from tests.unit.providers.engine import KeyEngine, as_pulumi, urn
from tests.unit.providers.fake_gateway import FakeGateway

words = st.text("abcxyz-_.äß", min_size=1, max_size=8)
amounts = st.floats(0, 1e6).map(lambda number: round(number, 4))
durations = st.builds(lambda number, unit: f"{number}{unit}", st.integers(1, 90), st.sampled_from("smhdw"))
scalars = st.none() | st.booleans() | st.integers(-1000, 1000) | amounts | words
documents = st.dictionaries(
    words, st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner))
)
BY_KIND: dict[int, st.SearchStrategy[Any]] = {
    id(AMOUNT): amounts,
    id(WHOLE): st.integers(0, 10**6),
    id(WHOLE_32): st.integers(0, 10**6),
    id(POSITIVE): st.integers(1, 10**6),
    id(FLAG): st.booleans(),
    id(TEXT): words,
    id(DURATION): durations,
    id(INSTANT): st.datetimes().map(lambda instant: instant.isoformat() + "Z"),
    id(NAMES): st.lists(words, unique=True, max_size=4),
    id(DOCUMENT): documents,
    id(TEXTS): st.dictionaries(words, words, max_size=3),
    id(FALLBACKS): st.dictionaries(words, st.lists(words, unique=True, max_size=2), max_size=2),
    id(ROUTER): st.fixed_dictionaries({}, optional={"num_retries": st.integers(0, 9), "timeout": amounts}),
    id(CALLBACKS): st.lists(
        st.fixed_dictionaries(
            {"callback_name": words}, optional={"callback_vars": st.dictionaries(words, words, max_size=2)}
        ),
        max_size=2,
    ),
    id(COUNTS): st.dictionaries(words, st.integers(0, 1000), max_size=3),
    id(POSITIVES): st.dictionaries(words, st.integers(1, 1000), max_size=3),
    id(WINDOWS): st.lists(
        st.fixed_dictionaries({"budget_duration": durations, "max_budget": amounts}),
        max_size=3,
        unique_by=lambda window: window["budget_duration"],
    ),
    id(INDEXES): st.lists(
        st.fixed_dictionaries({"index_name": words, "index_permissions": st.just(["read"])}), max_size=2
    ),
    id(PERMISSION): st.dictionaries(
        st.sampled_from(["vector_stores", "mcp_servers", "agents"]), st.lists(words, unique=True, max_size=3)
    ),
}
OPEN_SOURCE = [field.name for field in FIELDS if not field.licensed and field.name != "key_alias"]


def _strategy(name: str) -> st.SearchStrategy[Any]:
    kind = BY_NAME[name].kind
    if id(kind) in BY_KIND:
        return BY_KIND[id(kind)]
    return st.sampled_from(kind.expected.removeprefix("one of ").split(", "))


def _pairs(declared: dict[str, Any]) -> dict[str, Any]:
    """Drop what `check` refuses together."""
    for one, other in (
        ("temp_budget_increase", "temp_budget_expiry"),
        ("temp_budget_expiry", "temp_budget_increase"),
        ("auto_rotate", "rotation_interval"),
        ("rotation_interval", "auto_rotate"),
        ("service_account_id", "team_id"),
    ):
        if other not in declared:
            declared.pop(one, None)
    if "budget_id" in declared:
        declared.pop("soft_budget", None)
    if "key_type" in declared:
        declared.pop("allowed_routes", None)
    return declared


declarations = st.sets(st.sampled_from(OPEN_SOURCE), max_size=7).flatmap(
    lambda names: st.fixed_dictionaries({name: _strategy(name) for name in names}).map(_pairs)
)
quick = settings(max_examples=60, deadline=None)


def is_cleared(row: dict[str, Any], name: str) -> bool:
    field = BY_NAME[name]
    metadata = row["metadata"]
    match field.stored:
        case Stored.METADATA:
            return field.api not in metadata
        case Stored.USER_METADATA:
            return set(metadata) <= OWN_METADATA | GATEWAY_METADATA
        case Stored.BUDGET_ROW:
            return not (row["litellm_budget_table"] or {}).get(field.api)
        case Stored.EXPIRES:
            return row["expires"] is None
    if field.clearing is Clearing.MEMBERS:
        members = row[field.api].items()
        return not any(value for member, value in members if member != "object_permission_id")
    return not row[field.api]


@quick
@given(declarations)
def test_what_was_sent_is_no_diff_after_a_read(declared: dict[str, Any]) -> None:
    gateway, engine = FakeGateway(), KeyEngine("app")
    client = gateway.client()
    engine.up(client, **declared)
    assert engine.preview(**declared) == []
    assert engine.refresh(client)
    assert engine.preview(**declared) == []


@quick
@given(st.lists(declarations, min_size=2, max_size=4))
def test_any_way_from_one_declaration_to_the_next_ends_there(steps: list[dict[str, Any]]) -> None:
    gateway, engine = FakeGateway(), KeyEngine("app")
    client = gateway.client()
    previous: dict[str, Any] = {}
    for declared in steps:
        how = engine.up(client, **declared)
        assert engine.refresh(client)
        assert engine.preview(**declared) == []
        [token_id] = gateway.living
        row = gateway.rows[token_id]
        assert (token_id, row["metadata"][URN]) == (engine.token_id, urn("app"))
        for name in previous.keys() - declared.keys():
            if BY_NAME[name].stored is not Stored.NOWHERE and how == "update":
                assert is_cleared(row, name), name
        previous = declared


@quick
@given(declarations)
def test_order_and_floats_are_no_diff(declared: dict[str, Any]) -> None:
    turned = {
        name: value[::-1]
        if isinstance(value, list) and BY_NAME[name].kind not in (INDEXES, CALLBACKS)
        else value
        for name, value in declared.items()
    }
    assert changed_fields(as_pulumi(declared), sendable(as_pulumi(turned))) == []


@quick
@given(documents)
def test_what_pulumi_made_a_float_is_sent_as_it_was(document: dict[str, Any]) -> None:
    def whole(text: str) -> Any:
        number = float(text)
        return int(number) if number.is_integer() else number

    expected = json.loads(json.dumps(document), parse_float=whole)
    assert sendable(as_pulumi(document)) == expected
    assert json.dumps(sendable(as_pulumi(document))) == json.dumps(expected)


@quick
@given(declarations, st.dictionaries(words, words, min_size=1))
def test_metadata_that_nobody_declared_is_left_alone(
    declared: dict[str, Any], theirs: dict[str, Any]
) -> None:
    for name in ("metadata", "key_type", "service_account_id"):  # the last two make a new key
        declared.pop(name, None)
    gateway, engine = FakeGateway(), KeyEngine("app")
    client = gateway.client()
    engine.up(client, **declared)
    gateway.rows[engine.token_id]["metadata"] |= theirs
    engine.refresh(client)
    engine.up(client, model_rpm_limit={"gpt-4o": 1}, temp_budget_increase=1, temp_budget_expiry="2030-01-01")
    engine.up(client)
    assert theirs.items() <= gateway.rows[engine.token_id]["metadata"].items()
