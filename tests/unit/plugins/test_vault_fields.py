from typing import Any

import pytest

from toolchain.plugins.vault.fields import camel, drifted, drifted_entries, empty_like, same, seconds, snake


@pytest.mark.parametrize(
    ("sdk", "api"),
    [
        ("tokenMaxTtl", "token_max_ttl"),
        ("kubernetesCaCert", "kubernetes_ca_cert"),
        ("path", "path"),
        ("auditNonHmacRequestKeys", "audit_non_hmac_request_keys"),
    ],
)
def test_names_in_both_spellings(sdk: str, api: str) -> None:
    assert snake(sdk) == api
    assert camel(api) == sdk


@pytest.mark.parametrize(
    ("written", "meant"),
    [("1h", 3600), ("1h30m", 5400), ("5400", 5400), ("2d", 172800), (60, 60), ("soon", "soon"), ("", "")],
)
def test_durations(written: Any, meant: Any) -> None:
    assert seconds(written) == meant


@pytest.mark.parametrize(
    ("given", "live", "expected"),
    [
        (["b", "a"], ["a", "b"], True),
        (["a"], ["a", "b"], False),
        ("1h", 3600, True),
        ("1h", "3600s", True),
        ("1h", 7200, False),
        ('path "x" {}\n', 'path "x" {}', True),
        (None, "", True),
        ([], None, True),
        (0, None, True),
        (False, None, True),
        (True, False, False),
        ("a", "b", False),
        ({"version": "2"}, {"version": "2"}, True),
    ],
)
def test_equal_meaning(given: Any, live: Any, expected: bool) -> None:
    assert same(given, live) is expected


def test_drift_keeps_the_type_of_the_input() -> None:
    assert drifted("2h", 32400) == "32400"
    assert drifted(600, 77) == 77
    assert drifted("2h", 7200) == "2h"
    assert drifted(["a"], ["b"]) == ["b"]


def test_drift_of_a_nested_input_looks_only_at_what_the_program_gives() -> None:
    told = {"max_lease_ttl": 60, "default_lease_ttl": 30}
    assert drifted_entries({"maxLeaseTtl": "1h", "tokenType": "batch"}, told) == {
        "maxLeaseTtl": "60",
        "tokenType": "batch",
    }


@pytest.mark.parametrize(("value", "empty"), [("x", ""), (3, 0), (True, False), (["a"], []), ({"a": 1}, {})])
def test_what_is_sent_for_an_input_that_is_no_longer_given(value: Any, empty: Any) -> None:
    assert empty_like(value) == empty
    assert type(empty_like(value)) is type(empty)
