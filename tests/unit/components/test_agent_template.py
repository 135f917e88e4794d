"""What the templates of an agent ask Vault for is held against the policy of its app."""

from typing import Any

import pytest

from schema import SettingsError
from settings import load
from tests.support.declared import Document, configure

APP: Document = {
    "name": "search",
    "secrets": [{"name": "settings", "extract": ["settings"]}],
    "injector": {"secrets": [{"name": "pg", "dynamic": {"path": "database/creds/search"}}]},
}
ISSUE = {"path": "pki/issue/search", "method": "POST"}
KNOWN = "(it has database/creds/search, litellm/data/apps/search/settings, litellm/data/apps/search/db)"


def problems(config: Document, template: str, **app: Any) -> list[str]:
    """Give what is said of a file with a template, beside a Secret's path and credentials of an engine."""
    file = {"name": "db", "path": "db", "template": template}
    injector = {"secrets": [*APP["injector"]["secrets"], file, *app.pop("others", [])]}
    configure(config | {"apps": [APP | {"injector": injector} | app]})
    try:
        load()
    except SettingsError as error:
        return list(error.sentences)
    return []


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        (
            '{{ with secret "litellm/data/apps/search/setings" }}{{ end }}',
            (
                f"reads 'litellm/data/apps/search/setings', which the app's policy doesn't have {KNOWN}; did "
                "you mean 'litellm/data/apps/search/settings'?"
            ),
        ),
        (
            '{{ with secret "litellm/data/apps/search/db" }}{{ (secret `other/creds/x`).Data.a }}{{ end }}',
            f"reads 'other/creds/x', which the app's policy doesn't have {KNOWN}",
        ),
        (
            '{{- with secret "pki/issue/search" "common_name=a.example.com" -}}{{- end -}}',
            f"writes to 'pki/issue/search', which the app's policy doesn't have {KNOWN}",
        ),
        (
            '{{ with pkiCert "pki/issue/search" "common_name=a.example.com" }}{{ end }}',
            f"writes to 'pki/issue/search', which the app's policy doesn't have {KNOWN}",
        ),
        (
            '{{ with secret "database/creds/search" "ttl=1h" }}{{ end }}',
            "sends parameters to 'database/creds/search', whose dynamic.method is GET",
        ),
        ("{{ with secret $path }}{{ end }}", "asks for a path that isn't written out"),
        ('{{ with secret (printf "%s" .x) }}{{ end }}', "asks for a path that isn't written out"),
        (
            '{{ range secrets "litellm/metadata/apps/search/tls" }}{{ end }}',
            "lists 'litellm/metadata/apps/search/tls', which the app's policy doesn't have",
        ),
    ],
)
def test_a_template_that_asks_for_what_the_policy_does_not_have_is_refused(
    config: Document, template: str, sentence: str
) -> None:
    (said,) = problems(config, template)
    assert said.startswith(f"llm-gateway:apps[0].injector.secrets[1].template: {sentence}")


@pytest.mark.parametrize(
    ("template", "app"),
    [
        ('{{ with secret "litellm/data/apps/search/db" }}{{ .Data.data.secret }}{{ end }}', {}),
        ('{{ with secret "litellm/apps/search/settings?version=2" }}{{ .Data.data.x }}{{ end }}', {}),
        ('{{ with secret "database/creds/search" }}{{ .Data.username }}{{ end }}', {}),
        ('{{/* secret "elsewhere/x" */}}a secret: {{ "secret" }} {{ $secret }} {{ env "secret" }}', {}),
        (
            '{{ with secret "pki/issue/search" "common_name=a.example.com" }}{{ .Data.ca }}{{ end }}',
            {"others": [{"name": "tls", "dynamic": ISSUE, "template": "x"}]},
        ),
        (
            (
                '{{ range secrets "litellm/metadata/apps/search/tls" }}'
                '{{ with secret (printf "litellm/data/apps/search/tls/%s" .) }}{{ end }}{{ end }}'
            ),
            {"read": ["tls/*"]},
        ),
        ('{{ with secret "litellm/data/apps/search/tls/a" }}{{ end }}', {"read": ["tls/*"]}),
    ],
)
def test_a_template_asks_for_whatever_the_policy_has(
    config: Document, template: str, app: dict[str, Any]
) -> None:
    assert problems(config, template, **app) == []


def test_a_role_that_an_agent_draws_from_is_declared(config: Document) -> None:
    role = {"name": "search", "creationStatements": ["CREATE ROLE {{name}} PASSWORD '{{password}}'"]}
    connection = {
        "name": "main",
        "connectionUrl": "postgresql://{{username}}:{{password}}@db.example.com:5432/search",
        "username": "vault",
        "password": {"env": "PASSWORD"},
        "roles": [role],
    }
    file = {"name": "pg", "dynamic": {"path": "database/creds/serch"}}
    app = {"name": "search", "injector": {"secrets": [file]}}
    configure(config | {"databases": {"connections": [connection]}, "apps": [app]})
    with pytest.raises(SettingsError) as caught:
        load()
    assert caught.value.sentences[0] == (
        "llm-gateway:apps[0].injector.secrets[0].dynamic.path: database/creds/serch is no role of "
        "llm-gateway:databases (database/creds/search); did you mean 'database/creds/search'?"
    )
