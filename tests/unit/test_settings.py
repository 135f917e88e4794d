"""Every wrong key ends in one sentence that names it, before anything is declared."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from schema import SettingsError
from settings import load
from tests.support.certificates import made_up_ca
from tests.support.declared import ROOT, Document, configure, dev_config


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LITELLM_DATABASE_URL", "postgresql://x")
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: False)
    yield
    pulumi.runtime.set_all_config({}, [])


def test_the_dev_stack_loads() -> None:
    configure(dev_config())
    settings = load()
    assert settings.gateway.replicas == 1
    assert [key.name for key in settings.keys] == ["team-search", "team-support"]
    assert settings.fields_of(settings.keys[0])["max_budget"] == 5


def test_the_example_of_a_real_environment_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    text = (ROOT / "Pulumi.prod.example.yaml").read_text()
    configure({key.partition(":")[2]: value for key, value in yaml.safe_load(text)["config"].items()})
    assert load().gateway.replicas == 3


def change(path: str, value: Any) -> Callable[[Document], None]:
    def apply(document: Document) -> None:
        *parents, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        here: Any = document
        for step in parents:
            here = here[step]
        here[last] = value

    return apply


def remove(key: str) -> Callable[[Document], None]:
    return lambda document: document.pop(key)


def template(*, key: int = 0, **said: Any) -> Callable[[Document], None]:
    """Let a key refer to a template `team`."""

    def apply(document: Document) -> None:
        document["templates"] = {"team": said}
        document["keys"][key]["template"] = "team"

    return apply


WRONG: dict[str, tuple[Callable[[Document], Any], str]] = {
    "unknown section": (
        change("gatway", {}),
        "llm-gateway:gatway: is not a known key; did you mean 'gateway'?",
    ),
    "misspelt key": (
        change("keys.0.maxBuget", 3),
        "llm-gateway:keys[0].maxBuget: is not a known key; did you mean 'maxBudget'?",
    ),
    "misspelt key of a nested section": (
        change("vault.auth.audiense", "x"),
        "llm-gateway:vault.auth.audiense: is not a known key; did you mean 'audience'?",
    ),
    "missing section": (remove("models"), "llm-gateway:models: is missing"),
    "wrong type": (
        change("gateway.replicas", "two"),
        'llm-gateway:gateway.replicas: "two": expected a valid integer',
    ),
    "budget below 0": (
        change("keys.0.maxBudget", -5),
        "llm-gateway:keys[0].maxBudget: expected a number of 0 or more, got -5",
    ),
    "budget as text": (
        change("keys.0.maxBudget", "5"),
        "llm-gateway:keys[0].maxBudget: expected a number of 0 or more, got '5'",
    ),
    "a duration LiteLLM doesn't know": (
        change("keys.0.budgetDuration", "30 days"),
        "llm-gateway:keys[0].budgetDuration: '30 days' is not a duration that LiteLLM knows",
    ),
    "a model that isn't in the list": (
        change("keys.0.models", ["gpt-4"]),
        "llm-gateway:keys[0].models: 'gpt-4' is not in the model list (gpt-4o, claude-sonnet); did you mean",
    ),
    "two keys with one alias": (
        lambda document: [key.update(alias="shared") for key in document["keys"]],
        "llm-gateway:keys[1].alias: 'shared' is the alias of keys[0] too",
    ),
    "two keys with one place": (
        lambda document: [key.update(deliver={"path": "keys/shared"}) for key in document["keys"]],
        "llm-gateway:keys[1].deliver: 'litellm/keys/shared' is the place of keys[0] too",
    ),
    "a place that is the gateway's own": (
        change("keys.0.deliver", {"path": "api-keys"}),
        "llm-gateway:keys[0].deliver: litellm/api-keys holds the gateway's own credentials; choose another",
    ),
    "a place that is the database's": (
        change("keys.0.deliver", {"path": "database"}),
        "llm-gateway:keys[0].deliver: litellm/database holds the gateway's own credentials",
    ),
    "a grace that is no duration": (
        change("keys.0.grace", "0"),
        "llm-gateway:keys[0].grace: \"0\": '0' is not a duration that LiteLLM knows",
    ),
    "a place with a slash before it": (
        change("keys.0.deliver", {"path": "/keys/a"}),
        'llm-gateway:keys[0].deliver.path: "/keys/a": expected a Vault path',
    ),
    "a gateway's CA without a certificate that it signs": (
        change("gateway.caCertFile", "/etc/ssl/own-ca.pem"),
        "llm-gateway:gateway: caCertFile needs a url that begins with https://, and reach: url",
    ),
    "a gateway's CA where nothing is called by TLS": (
        lambda document: document["gateway"].update(
            url="https://gateway.example.com", caCertFile="/etc/ssl/own-ca.pem", reach="port-forward"
        ),
        "llm-gateway:gateway: caCertFile needs a url that begins with https://, and reach: url",
    ),
    "a consumer of a key that is not delivered": (
        change("keys.0.consumer", {"deployment": "search/app"}),
        "llm-gateway:keys[0].consumer: a key that isn't delivered to Vault reaches no consumer",
    ),
    "a consumer without its namespace": (
        change("keys.0.consumer", {"deployment": "app"}),
        'llm-gateway:keys[0].consumer.deployment: "app": expected namespace/name of an object',
    ),
    "a way to the gateway that there is not": (
        change("gateway.reach", "tunnel"),
        "llm-gateway:gateway.reach: \"tunnel\": expected 'url' or 'port-forward'",
    ),
    "two keys with one name": (
        change("keys.1.name", "team-search"),
        "llm-gateway:keys[1].name: 'team-search' is the name of keys[0] too",
    ),
    "a field of another kind": (
        change("keys.0.allowedRoutes", "/v1/models"),
        "llm-gateway:keys[0].allowedRoutes: expected a list of texts, got '/v1/models'",
    ),
    "fields that need one another": (
        change("keys.0.tempBudgetIncrease", 5),
        "llm-gateway:keys[0].tempBudgetIncrease: the gateway doesn't take it without temp_budget_expiry",
    ),
    "metadata that the key itself carries": (
        change("keys.0.metadata", {"pulumi-urn": "x"}),
        "llm-gateway:keys[0].metadata: 'pulumi-urn' is written by this resource itself",
    ),
    "a template that isn't there": (
        lambda document: (template()(document), change("keys.0.template", "taem")(document)),
        "llm-gateway:keys[0].template: 'taem' is not in llm-gateway:templates (team); did you mean 'team'?",
    ),
    "a misspelt key of a template": (
        template(maxBuget=5),
        "llm-gateway:templates.team.maxBuget: is not a known key; did you mean 'maxBudget'?",
    ),
    "a model of a template that isn't in the list": (
        lambda document: (template(models=["gpt-4"])(document), document["keys"][0].pop("models")),
        "llm-gateway:templates.team.models: 'gpt-4' is not in the model list",
    ),
    "a ttl over maxTtl": (
        template(ttl="40d", maxTtl="30d"),
        "llm-gateway:templates.team.ttl: 40d is longer than max_ttl, which is 30d",
    ),
    "a duration over the template's maxTtl": (
        lambda document: (template(maxTtl="30d")(document), change("keys.0.duration", "40d")(document)),
        "llm-gateway:keys[0].duration: 40d is longer than max_ttl, which is 30d",
    ),
    "an alias that is another key's by its template": (
        lambda document: (
            template(aliasPrefix="x-")(document),
            change("keys.1.alias", "x-team-search")(document),
        ),
        "llm-gateway:keys[1].alias: 'x-team-search' is the alias of keys[0] too",
    ),
    "one key adopted twice": (
        lambda document: [key.update(adopt="theirs") for key in document["keys"]],
        "llm-gateway:keys[1].adopt: 'theirs' is the key of keys[0] too",
    ),
    "a key to adopt that is the key itself": (
        change("keys.0.adopt", "sk-hunter2"),
        "llm-gateway:keys[0].adopt: looks like a key itself, which must not stand in a program",
    ),
    "no models where the stack wants them": (
        lambda document: document["keys"][0].pop("models"),
        "llm-gateway:keys[0].models: is missing; llm-gateway:keyPolicy.requireModels wants a list of models",
    ),
    "no budget where the stack wants one": (
        lambda document: (document["keys"][0].pop("maxBudget"), document.update(keyPolicy={"maxBudget": 50})),
        "llm-gateway:keys[0].maxBudget: is missing; llm-gateway:keyPolicy.maxBudget wants a budget",
    ),
    "more budget than the stack allows": (
        change("keyPolicy", {"maxBudget": 19.5}),
        "llm-gateway:keys[1].maxBudget: 20 is more than llm-gateway:keyPolicy.maxBudget, which is 19.5",
    ),
    "a namespace that Kubernetes would refuse": (
        change("gateway.namespace", "LiteLLM_prod"),
        'llm-gateway:gateway.namespace: "LiteLLM_prod": expected a name that Kubernetes takes',
    ),
    "a host that Kubernetes would refuse": (
        change("gateway.ingress.host", "https://llm.example.com"),
        "llm-gateway:gateway.ingress.host:",
    ),
    "no source of a secret": (
        change("providerKeys.OPENAI_API_KEY", {"property": "openai-key"}),
        "llm-gateway:providerKeys.OPENAI_API_KEY: expected exactly one of value",
    ),
    "two sources of a secret": (
        change("database.url", {"env": "X", "manual": True}),
        "llm-gateway:database.url: expected exactly one of value",
    ),
    "an environment variable that isn't set": (
        change("database.url", {"env": "NOT_SET_ANYWHERE"}),
        "llm-gateway:database.url.env: the environment variable NOT_SET_ANYWHERE is not set",
    ),
    "a model's key that no provider key gives": (
        change("models.0.apiKeyEnv", "OPEN_API_KEY"),
        (
            "llm-gateway:models[0].apiKeyEnv: OPEN_API_KEY is not in llm-gateway:providerKeys; "
            "did you mean 'OPENAI_API_KEY'?"
        ),
    ),
    "plain http for Vault": (
        change("vault.internalAddress", "http://vault.example.com:8200"),
        "llm-gateway:vault: internalAddress is plain http",
    ),
    "a CA to look at that isn't there": (
        lambda document: document["vault"].update(checkCa=True, caCertEnv=None),
        "llm-gateway:vault: checkCa: true needs caCert or caCertEnv",
    ),
    "a CA that isn't PEM": (
        lambda document: document["vault"].update(caCert="MIIB", caCertEnv=None),
        "llm-gateway:vault: caCert is not PEM",
    ),
    "a CA that is cut off": (
        lambda document: document["vault"].update(caCert=made_up_ca()[:200], caCertEnv=None),
        "llm-gateway:vault: caCert is damaged",
    ),
    "a CA that has expired": (
        lambda document: document["vault"].update(caCert=made_up_ca(-timedelta(days=1)), caCertEnv=None),
        "llm-gateway:vault: caCert has expired: it was valid until",
    ),
    "an Ingress without a class": (
        change("gateway.ingress", {"kind": "ingress", "host": "a.example.com"}),
        "llm-gateway:gateway.ingress: kind ingress needs className",
    ),
    "an auth method that there isn't": (
        change("vault.auth", {"method": "ldap"}),
        "llm-gateway:vault.auth:",
    ),
    "a name that is no environment variable": (
        change("providerKeys", {"OPENAI-KEY": {"property": "x", "manual": True}}),
        "llm-gateway:providerKeys.OPENAI-KEY: expected the name of an environment variable",
    ),
}


@pytest.mark.parametrize(("spoil", "sentence"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_key_is_named(spoil: Callable[[Document], Any], sentence: str) -> None:
    document = deepcopy(dev_config())
    spoil(document)
    configure(document)
    with pytest.raises(SettingsError) as caught:
        load()
    assert any(line.startswith(sentence) for line in caught.value.sentences), caught.value.sentences


def test_what_is_wrong_with_a_template_is_said_once() -> None:
    document = dev_config()
    template(ttl="40d", maxTtl="30d")(document)
    document["keys"][1]["template"] = "team"
    configure(document)
    with pytest.raises(SettingsError) as caught:
        load()
    assert len(caught.value.sentences) == 1


def test_a_stack_can_do_without_models() -> None:
    document = dev_config()
    del document["keys"][0]["models"]
    document["keyPolicy"] = {"requireModels": False}
    configure(document)
    assert "models" not in load().fields_of(load().keys[0])


def test_an_old_ca_may_stand_beside_its_successor() -> None:
    document = dev_config()
    document["vault"].update(caCert=made_up_ca(-timedelta(days=1)) + made_up_ca(), caCertEnv=None)
    configure(document)
    assert load().vault.ca_pem() == document["vault"]["caCert"]


@pytest.mark.parametrize(
    ("content", "problem"), [("hello", "is not PEM"), (made_up_ca(-timedelta(days=1)), "has expired")]
)
def test_the_file_of_a_ca_is_read_with_the_same_eyes(
    content: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca.crt").write_text(content)
    monkeypatch.setenv("VAULT_CACERT", str(tmp_path / "ca.crt"))
    configure(dev_config())
    with pytest.raises(SettingsError, match=rf"VAULT_CACERT names .*ca\.crt, which {problem}"):
        load().vault.ca_pem()


def test_all_problems_are_said_at_once() -> None:
    document = dev_config()
    document["keys"][0]["maxBudget"] = -1
    document["gateway"]["namespace"] = "A"
    configure(document)
    with pytest.raises(SettingsError) as caught:
        load()
    assert len(caught.value.sentences) == 2


def test_a_secret_in_plaintext_is_refused_and_not_repeated() -> None:
    document = dev_config()
    document["database"] = {"url": {"value": "postgresql://u:hunter2@db/x"}}
    configure(document)
    with pytest.raises(SettingsError) as caught:
        load()
    assert "llm-gateway:database.url.value: stands in plaintext" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_secret_value_is_taken_and_shown_nowhere() -> None:
    document = dev_config()
    document["database"] = {"url": {"value": "postgresql://u:hunter2@db/x"}}
    configure(document, secret=("database",))
    settings = load()
    assert settings.database.url is not None
    assert settings.database.url.value is not None
    assert settings.database.url.value.get_secret_value().endswith("/x")
    assert "hunter2" not in repr(settings)


def test_a_key_that_was_given_by_mistake_is_not_repeated() -> None:
    document = dev_config()
    for key in document["keys"]:
        key["adopt"] = "sk-hunter2"
    configure(document)
    with pytest.raises(SettingsError) as caught:
        load()
    assert "hunter2" not in str(caught.value)


def test_a_wrong_secret_is_not_shown() -> None:
    document = dev_config()
    document["database"] = {"url": {"value": ["hunter2"]}}
    configure(document, secret=("database",))
    with pytest.raises(SettingsError) as caught:
        load()
    assert "hunter2" not in str(caught.value)
