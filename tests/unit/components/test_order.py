"""What a destroy deletes before what, as a table over the dependencies of the whole program."""

import hashlib
from pathlib import Path

import pytest

from tests.support.certificates import made_up_ca
from tests.support.declared import Document
from tests.support.rendered import Order, program_of
from tests.unit.components.test_databases import with_credentials

PUSH = f"search-push-copy-{hashlib.sha256(b'copy').hexdigest()[:7]}"
BEFORE = [
    # An operator works off its objects' finalizers: it and its rights are there until the last one is gone.
    ("litellm-env-external-secret", "litellm-vault-store"),
    ("litellm-vault-store", "external-secrets-api"),
    ("search-store", "external-secrets-api"),
    ("search-llm-key", "external-secrets-api"),
    ("search-tls-generator", "external-secrets-api"),
    (PUSH, "external-secrets-api"),
    ("external-secrets-api", "external-secrets-deployment"),
    ("external-secrets-deployment", "external-secrets-clusterrolebinding"),
    ("external-secrets-deployment", "external-secrets-serviceaccount"),
    ("external-secrets-deployment", "external-secrets-definitions"),
    ("external-secrets-clusterrolebinding", "external-secrets-clusterrole"),
    ("external-secrets-deployment", "external-secrets"),
    # They log in to Vault for it: so the way in is there until then too.
    ("litellm-vault-store", "store-access-role"),
    ("litellm-vault-store", "litellm-vault-account"),
    ("litellm-vault-store", "litellm-vault-ca"),
    (PUSH, f"{PUSH}-store"),
    (f"{PUSH}-store", f"{PUSH}-role"),
    (f"{PUSH}-store", f"{PUSH}-account"),
    (f"{PUSH}-role", f"{PUSH}-policy"),
    (f"{PUSH}-role", f"{PUSH}-reviews-itself"),
    ("store-access-role", "store-access-role-reviews-itself"),
    # Roles and policies before the mounts that they stand in or open.
    ("store-access-role", "store-access-kubernetes-config"),
    ("store-access-kubernetes-config", "store-access-kubernetes"),
    ("search-role", "store-access-kubernetes"),
    ("store-access-policy", "secrets-mount"),
    ("search-policy", "secrets-mount"),
    ("secrets-api-keys", "secrets-mount"),
    # Keys are revoked, and leave Vault, while there is a gateway that can be asked, with its credentials.
    ("team-search", "platform-admin"),
    ("search", "platform-admin"),
    ("team-search", "revocation-bound"),
    ("search", "revocation-bound"),
    ("revocation-bound", "litellm-deployment"),
    ("team-search", "litellm-deployment"),
    ("team-search", "litellm-service"),
    ("search", "litellm-deployment"),
    ("search", "secrets-mount"),
    ("platform-admin", "litellm-deployment"),
    ("platform-admin", "secrets-mount"),
    ("litellm-deployment", "litellm-env-external-secret"),
    ("litellm-deployment", "litellm-migration"),
    ("litellm-deployment", "litellm-config"),
    # A namespace goes last, or it would take everything along at once.
    ("litellm-deployment", "litellm"),
    ("litellm-env-external-secret", "litellm"),
    ("litellm-vault-store", "litellm"),
    ("litellm-vault-account", "litellm"),
    ("litellm-ingress", "litellm"),
    ("search-llm-key", "search-namespace"),
    (PUSH, "search-namespace"),
    ("search-store", "search-namespace"),
]
"""Deleted first, and what is deleted only once that is gone."""

WITH_DATABASES = [
    # Users of a database end while Vault, and the operator that asks it, are there.
    ("litellm-deployment", "litellm-database-external-secret"),
    ("litellm-database-external-secret", "litellm-database-generator"),
    ("litellm-database-external-secret", "litellm-vault-store"),
    ("litellm-database-external-secret", "databases-static-role-litellm"),
    ("litellm-database-generator", "external-secrets-api"),
    ("litellm-database-generator", "litellm"),
    ("databases-static-role-litellm", "databases-main"),
    ("databases-role-short", "databases-main"),
    ("databases-main", "databases-mount"),
]


@pytest.fixture
def order(config: Document, tmp_path: Path) -> Order:
    """Give the order of a program that has one of everything."""
    config["externalSecrets"] = {
        "install": {"mode": "manifests", "crds": [str(tmp_path)], "image": "registry.example.com/eso:1"}
    }
    config["vault"]["auth"] |= {"reviewer": "client", "apiAudience": "https://kubernetes.default.svc"}
    config["vault"]["auth"] |= {
        "kubernetesHost": "https://api.example.com:6443",
        "kubernetesCaCert": made_up_ca(),
    }
    dynamic = {"path": "pki/issue/search", "method": "POST"}
    push = {"name": "copy", "secret": "llm-key", "path": "copy", "deletionPolicy": "Delete"}
    config["apps"] = [
        {
            "name": "search",
            "namespace": "search-namespace",
            "secrets": [{"name": "tls", "dynamic": dynamic, "refreshInterval": "1h"}],
            "key": {"models": ["gpt-4o"]},
            "push": [push],
        }
    ]
    return Order(program_of(config))


def test_a_destroy_goes_in_this_order(order: Order) -> None:
    assert [pair for pair in BEFORE if not order.goes_before(*pair)] == []


def test_credentials_of_a_database_go_before_what_makes_them(config: Document) -> None:
    order = Order(program_of(with_credentials(config, staticRole="litellm")))
    assert [pair for pair in WITH_DATABASES if not order.goes_before(*pair)] == []


def test_whatever_is_the_operators_goes_before_it(order: Order) -> None:
    custom = [name for name in order.names() if "external-secrets.io/" in order.named(name).type]
    assert len(custom) >= 8
    for name in custom:
        assert order.goes_before(name, "external-secrets-deployment"), name
        assert order.goes_before(name, "external-secrets-definitions"), name
