"""An app that reaches beyond its own, or that the operator would misread, is refused by one sentence."""

from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

from schema import SettingsError
from settings import load
from tests.support.declared import Document, configure, dev_config


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LITELLM_DATABASE_URL", "postgresql://x")
    yield
    pulumi.runtime.set_all_config({}, [])


def app(**other: Any) -> Document:
    return {"name": "search", **other}


def problems(document: Document) -> tuple[str, ...]:
    configure(document)
    with pytest.raises(SettingsError) as caught:
        load()
    return caught.value.sentences


def problems_of(*apps: Document, **sections: Any) -> tuple[str, ...]:
    return problems({**dev_config(), **sections, "apps": list(apps)})


ENV = {"name": "env", "properties": {"A": {"path": "a", "property": "b"}}}
SUPPORT = {"name": "support"}


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (app(read=["../support/database"]), 'read[0]: "../support/database": expected a path that doesn\'t'),
        (app(read=["+/database"]), 'read[0]: "+/database": expected a wildcard at the end alone'),
        (app(read=["*/database"]), 'read[0]: "*/database": expected a wildcard at the end alone'),
        (app(read=["data*"]), 'read[0]: "data*": expected a wildcard at the end alone'),
        (app(read=["a/*/*"]), 'read[0]: "a/*/*": expected a wildcard at the end alone'),
        (app(read=["data/database"]), 'read[0]: "data/database": leave out data/'),
        (app(read=["/"]), 'read[0]: "/": expected a path of letters'),
        (app(prefix="../support"), 'prefix: "../support": expected a path that doesn\'t climb'),
        (app(prefix="*"), 'prefix: "*": expected the path of one secret, without a wildcard'),
        (app(prefix="data/apps/search"), 'prefix: "data/apps/search": leave out data/'),
        (app(prefix="litellm/apps/search"), "prefix: 'litellm/apps/search' begins with the mount's own path"),
        (app(prefix="api-keys"), "prefix: 'api-keys' is the gateway's own"),
        (app(prefix="database/search"), "prefix: 'database/search' is the gateway's own"),
        (app(mount="shared/data"), "mount: 'shared/data': leave out the last step"),
        (app(namespace="litellm"), "namespace: 'litellm' is the gateway's"),
        (app(role="litellm"), "role: 'litellm' is the gateway's"),
        (
            app(auth={"mount": "kubernetes/east"}),
            "auth: audience is missing: without one a role takes every token",
        ),
        (
            app(auth={"mount": "k", "audience": " "}),
            'auth.audience: " ": audience is empty: without one a role takes every token of the Service',
        ),
        (
            app(secrets=[{"name": "db", "dynamic": {"path": "litellm/creds/x"}, "refreshInterval": "1h"}]),
            "secrets[0].dynamic.path: 'litellm/creds/x' is in the KV mount litellm",
        ),
        (app(store={"namespaces": ["jobs"]}), "store: namespaces are for kind: ClusterSecretStore"),
        (app(secrets=[ENV, ENV]), "secrets: 'env' is the name of two"),
        (
            app(secrets=[{**ENV, "name": "llm-key"}], key={"models": ["gpt-4o"]}),
            "secrets: 'llm-key' is the name of two",
        ),
        (
            app(push=[{"name": "out", "secret": "s", "path": "llm-key"}], key={"models": ["gpt-4o"]}),
            "push[0].path: 'llm-key' is where the app's virtual key is",
        ),
        (
            app(
                push=[
                    {"name": "all", "secret": "s", "path": "out"},
                    {"name": "one", "secret": "t", "path": "out", "properties": {"k": "p"}},
                ]
            ),
            "push[1].path: 'out' is where push[0] goes too",
        ),
        (
            app(tokenTtlSeconds=3600, tokenMaxTtlSeconds=600),
            "tokenMaxTtlSeconds: 600: expected at least tokenTtlSeconds, 3600, which Vault would cut",
        ),
        (app(key={"models": ["gpt-5"]}), "key.models: 'gpt-5' is not in the model list"),
        (
            app(key={"models": ["gpt-4o"], "name": "team-search"}),
            "key.name: 'team-search' is the name of keys",
        ),
        (app(key={}), "key.models: is missing"),
        (
            app(key={"models": ["gpt-4o"], "consumer": {"deployment": "search/web"}}),
            'key.consumer.deployment: "search/web": expected a name that Kubernetes takes',
        ),
        (app(secrets=[{"name": "env", "data": {}}]), "secrets[0].data: is not a known key"),
    ],
)
def test_a_wrong_app_is_named(wrong: Document, sentence: str) -> None:
    said = problems_of(wrong)
    assert any(line.startswith(f"llm-gateway:apps[0].{sentence}") for line in said), said


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({**SUPPORT, "namespace": "search"}, "namespace: 'search' is the namespace of apps[0] too"),
        ({**SUPPORT, "role": "search"}, "role: 'search' is the role of apps[0] too"),
        (
            {**SUPPORT, "prefix": "apps/search/support"},
            "prefix: 'apps/search/support' and 'apps/search' of apps[0] overlap",
        ),
        ({**SUPPORT, "prefix": "apps"}, "prefix: 'apps' and 'apps/search' of apps[0] overlap"),
        (app(namespace="a", prefix="b", role="c"), "name: 'search' is the name of apps[0] too"),
    ],
)
def test_two_apps_share_nothing(other: Document, sentence: str) -> None:
    said = problems_of(app(), other)
    assert any(line.startswith(f"llm-gateway:apps[1].{sentence}") for line in said), said


def test_apps_with_prefixes_that_only_look_alike_are_two() -> None:
    configure({**dev_config(), "apps": [app(), {**SUPPORT, "prefix": "apps/search-jobs"}]})
    assert [one.prefix for one in load().apps] == ["apps/search", "apps/search-jobs"]


def test_a_stack_whose_store_has_a_token_says_where_its_apps_log_in() -> None:
    document = dev_config()
    document["vault"]["auth"] = {"method": "token", "period": "24h"}
    (said,) = problems({**document, "apps": [app()]})
    assert said == (
        "llm-gateway:apps[0].auth: is missing: llm-gateway:vault.auth logs in with a token, which an app "
        "never gets; say mount and audience of the cluster's kubernetes auth method"
    )


def test_a_key_delivered_by_hand_to_an_apps_path_is_refused() -> None:
    document = dev_config()
    document["keys"][0]["deliver"] = {"path": "apps/search/llm-key"}
    (said,) = problems({**document, "apps": [app(key={"models": ["gpt-4o"]})]})
    assert said == (
        "llm-gateway:apps[0].key.path: 'litellm/apps/search/llm-key' is the place of keys[0] too; "
        "each key needs one of its own"
    )
