"""What a policy allows, as Vault itself decides it."""

import pytest

from doctor.policy import capabilities, parse_policy

POLICY = """
# what an app reads
path "apps/data/shop/*" { capabilities = ["read"] }
path "apps/data/shop/private" {
  capabilities = ["deny"]
}
path "apps/+/shop/+" { capabilities = ["list"] }
path "apps/metadata/shop/orders" { capabilities = ["read", "list"] }
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("apps/data/shop/orders", {"read"}),
        ("apps/data/shop/orders/old", {"read"}),
        ("apps/data/shop/private", set()),
        ("apps/data/shops", set()),
        ("apps/metadata/shop/orders", {"read", "list"}),
        ("apps/metadata/shop/others", {"list"}),
        ("apps/metadata/shop/others/below", set()),
    ],
)
def test_the_most_exact_rule_decides(path: str, expected: set[str]) -> None:
    assert capabilities(parse_policy(POLICY), path) == expected


def test_a_comment_allows_nothing() -> None:
    assert parse_policy('# path "a" { capabilities = ["read"] }') == []
