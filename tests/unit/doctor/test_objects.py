"""What the operator makes of fields, and Kubernetes of selectors."""

import pytest

from doctor.kubernetes import Document
from doctor.objects import Store, selects

LABELS = {"app": "litellm", "tier": "gold"}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({}, True),
        ({"matchLabels": {"app": "litellm"}}, True),
        ({"matchLabels": {"app": "other"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["litellm"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["litellm"]}]}, False),
        ({"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a"]}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, False),
        (
            {"matchLabels": {"app": "litellm"}, "matchExpressions": [{"key": "x", "operator": "Exists"}]},
            False,
        ),
    ],
)
def test_a_selector_matches_as_kubernetes_says(selector: Document, expected: bool) -> None:
    assert selects(selector, LABELS) is expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("api-keys", "kv/data/api-keys"),
        ("/api-keys", "kv/data/api-keys"),
        ("kv/api-keys", "kv/data/api-keys"),
        ("kv/data/api-keys", "kv/data/api-keys"),
        ("data/api-keys", "kv/data/data/api-keys"),
    ],
)
def test_the_mount_at_the_beginning_of_a_key_is_no_part_of_the_path(key: str, expected: str) -> None:
    vault = {"path": "kv", "version": "v2"}
    store = Store("SecretStore", "vault", "litellm", {"spec": {"provider": {"vault": vault}}})
    assert store.api_path(key) == expected
