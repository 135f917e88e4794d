"""What keys have in common: each key is the merged whole, and what it says itself wins."""

from typing import Any

import pulumi
import pytest

from providers.litellm import KeyTemplate
from providers.litellm.checks import check_inputs
from tests.unit.providers.engine import GATEWAY, KeyEngine, urn
from tests.unit.providers.fake_gateway import FakeGateway

SEARCH = KeyTemplate(
    alias_prefix="search-",
    ttl="30d",
    max_ttl="90d",
    models=["gpt-4o"],
    max_budget=5,
    metadata={"team": "search", "tier": "gold"},
)


def test_a_key_is_what_its_template_says() -> None:
    assert SEARCH.applied("web", {}) == {
        "alias": "search-web",
        "duration": "30d",
        "max_ttl": "90d",
        "models": ["gpt-4o"],
        "max_budget": 5,
        "metadata": {"team": "search", "tier": "gold"},
    }


def test_what_a_key_says_itself_wins() -> None:
    own = {"alias": "mine", "duration": "1d", "max_budget": 0, "metadata": {"tier": "tin"}, "models": None}
    merged = SEARCH.applied("web", own)
    assert (merged["alias"], merged["duration"], merged["max_budget"]) == ("mine", "1d", 0)
    assert merged["metadata"] == {"team": "search", "tier": "tin"}
    assert merged["models"] == ["gpt-4o"]


def test_a_template_without_a_prefix_leaves_the_alias_to_be_made() -> None:
    assert "alias" not in KeyTemplate(models=["gpt-4o"]).applied("web", {})


@pulumi.runtime.test  # type: ignore[untyped-decorator]  # Pulumi's own has no types
def test_metadata_that_another_resource_completes_is_merged_too() -> Any:
    merged = SEARCH.applied("web", {"metadata": pulumi.Output.from_input({"tier": "tin"})})["metadata"]
    return merged.apply(lambda value: _assert_equal(value, {"team": "search", "tier": "tin"}))


@pytest.mark.parametrize("wrong", [5, "x", ["a"], True])
@pulumi.runtime.test  # type: ignore[untyped-decorator]  # Pulumi's own has no types
def test_metadata_of_another_kind_is_left_for_the_check_to_refuse(wrong: Any) -> Any:
    """Whether the template says it or the key, at once or later."""
    later = pulumi.Output.from_input(wrong)
    both = [
        KeyTemplate(metadata=shared).applied("web", {"metadata": own})["metadata"]
        for shared, own in [(wrong, {"a": 1}), ({"a": 1}, wrong), (later, {"a": 1}), ({"a": 1}, later)]
    ]
    return pulumi.Output.all(*both).apply(lambda merged: _assert_equal(merged, [wrong] * 4))


@pulumi.runtime.test  # type: ignore[untyped-decorator]  # Pulumi's own has no types
def test_metadata_that_turns_out_to_be_none_says_nothing() -> Any:
    merged = SEARCH.applied("web", {"metadata": pulumi.Output.from_input(None)})["metadata"]
    return merged.apply(lambda value: _assert_equal(value, {"team": "search", "tier": "gold"}))


@pytest.mark.parametrize("wrong", [5, True, ["a"], pulumi.Output.from_input("search-")])
def test_a_prefix_that_is_no_text_is_refused(wrong: Any) -> None:
    with pytest.raises(pulumi.RunError, match=r"^alias_prefix of a KeyTemplate: expected a text, got "):
        KeyTemplate(alias_prefix=wrong)


def test_a_prefix_of_none_is_left_out() -> None:
    assert KeyTemplate(alias_prefix=None).applied("web", {}) == {}


@pytest.mark.parametrize("wrong", [5.0, True, ["a"], {}])
def test_what_a_template_says_wrongly_is_refused_by_its_keys(wrong: Any) -> None:
    template = KeyTemplate(ttl=wrong, max_ttl=wrong, rotate_every=wrong, grace=wrong)
    assert {said.split(":")[0] for said in checked(**template.applied("web", {}))[1]} == {
        "duration",
        "max_ttl",
        "rotate_every",
        "grace",
    }


def _assert_equal(value: Any, expected: Any) -> None:
    assert value == expected


def test_a_template_has_nothing_that_belongs_to_one_key() -> None:
    with pytest.raises(pulumi.RunError, match="a KeyTemplate takes no deliver, spend: each key has its own"):
        KeyTemplate(deliver={"path": "x"}, spend=3)  # type: ignore[call-arg]


def test_a_change_of_the_template_is_a_change_of_the_key() -> None:
    gateway = FakeGateway()
    client, engine = gateway.client(), KeyEngine("web")
    engine.up(client, **SEARCH.applied("web", {"rpm_limit": 7}))
    other = KeyTemplate(alias_prefix="search-", ttl="30d", max_ttl="90d", models=["gpt-4o"], max_budget=9)
    assert engine.preview(**other.applied("web", {"rpm_limit": 7})) == ["metadata", "max_budget"]
    assert engine.up(client, **other.applied("web", {"rpm_limit": 7})) == "update"
    row = gateway.rows[engine.token_id]
    assert (row["max_budget"], row["rpm_limit"], row["key_alias"]) == (9, 7, "search-web")
    assert "team" not in row["metadata"]


# --- max_ttl ---------------------------------------------------------------------------------------------


def checked(**declared: Any) -> tuple[dict[str, Any], list[str]]:
    inputs, problems = check_inputs({}, {"gateway": GATEWAY, "owner": urn("web"), **declared})
    return inputs, [f"{problem.field}: {problem.reason}" for problem in problems]


def test_a_duration_over_max_ttl_is_refused() -> None:
    assert checked(duration="91d", max_ttl="90d")[1] == [
        "duration: 91d is longer than max_ttl, which is 90d; shorten it"
    ]
    assert checked(duration="90d", max_ttl="3mo")[1] == []


def test_a_key_without_a_duration_lives_as_long_as_it_may() -> None:
    inputs, problems = checked(max_ttl="90d")
    assert (inputs["duration"], problems) == ("90d", [])


def test_a_wrong_max_ttl_is_refused_by_its_name() -> None:
    _, problems = checked(max_ttl="soon", duration="1d")
    assert [problem.split(":")[0] for problem in problems] == ["max_ttl"]
