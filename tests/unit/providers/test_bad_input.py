"""Hypothesis over what nobody should declare: a check answers in sentences, whatever it gets."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from providers.inputs import UNKNOWN
from providers.litellm.changes import changed_inputs, creation, replacing
from providers.litellm.checks import check_inputs, warnings
from providers.litellm.fields import BY_NAME
from providers.litellm.own_inputs import OWN_BY_NAME
from tests.unit.providers.engine import GATEWAY, as_pulumi, urn

NAMES = [*BY_NAME, *OWN_BY_NAME, "alias"]
MEMBERS = ["url", "admin_key", "env", "vault", "mount", "path", "property", "budget_duration", "max_budget"]
texts = st.text(max_size=12) | st.sampled_from(
    [UNKNOWN, "30d", "0d", "http://[", "http://x:99999", "data/x", "\ud800"]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-2, 2).map(lambda n: n * 10**400)
    | st.floats()
    | texts
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(texts | st.sampled_from(MEMBERS), inner, max_size=3)
    ),
    max_leaves=6,
)
inputs = st.dictionaries(st.sampled_from(NAMES) | texts, values, max_size=5)
thorough = settings(max_examples=120, deadline=None)


@thorough
@given(inputs, inputs)
def test_a_check_never_fails(olds: dict[str, Any], news: dict[str, Any]) -> None:
    _, problems = check_inputs(olds, news)
    assert all(problem.reason for problem in problems)
    assert all("\n" not in problem.reason for problem in problems)


@thorough
@given(inputs)
def test_a_warning_never_fails(declared: dict[str, Any]) -> None:
    assert all(isinstance(text, str) for text in warnings(declared))


@thorough
@given(inputs, inputs)
def test_what_passed_the_check_can_be_compared_and_sent(olds: dict[str, Any], news: dict[str, Any]) -> None:
    base = {"gateway": GATEWAY, "owner": urn("app")}
    checked, problems = check_inputs({}, {**news, **base})
    if problems:
        return
    state, refused = check_inputs({}, {**olds, **base})
    if not refused:
        assert set(replacing(state, checked)) <= set(changed_inputs(state, checked))
    if not any(UNKNOWN in str(value) for value in checked.values()):
        assert creation(as_pulumi(checked))
