"""The border to the API server, against a small HTTP server that answers as one does."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.plugins.http_fake import Fake, Request, serving
from toolchain.plugins.kubernetes import errors
from toolchain.plugins.kubernetes.api import Api
from toolchain.plugins.kubernetes.cluster import ClusterChoice
from toolchain.plugins.kubernetes.errors import Reference

TOKEN = "made-up-token"
SECRET = Reference("v1", "Secret", "pw", "ns")
MANIFEST = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pw", "namespace": "ns"}}
CORE = {
    "resources": [
        {"kind": "Secret", "name": "secrets", "namespaced": True},
        {"kind": "Namespace", "name": "namespaces", "namespaced": False},
        {"kind": "Namespace", "name": "namespaces/status", "namespaced": False},
    ]
}


def choice(address: str) -> ClusterChoice:
    document = {
        "clusters": [{"name": "c", "cluster": {"server": address}}],
        "users": [{"name": "u", "user": {"token": TOKEN}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    return ClusterChoice(json.dumps(document))


@pytest.fixture
def server() -> Iterator[Fake]:
    with serving() as fake:
        fake.answers["GET", "/api/v1"] = (200, CORE)
        yield fake


@pytest.fixture
def api(server: Fake) -> Api:
    return Api(choice(server.address))


def test_kinds_are_asked_for_once(server: Fake, api: Api) -> None:
    server.answers["GET", "/api/v1/namespaces/ns/secrets/pw"] = (200, {"kind": "Secret"})
    assert api.get(SECRET) == {"kind": "Secret"}
    assert api.get(SECRET) == {"kind": "Secret"}
    assert not api.is_namespaced("v1", "Namespace")
    assert [request.path for request in server.requests].count("/api/v1") == 1
    assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


OBJECT = "/api/v1/namespaces/ns/secrets/pw"
COLLECTION = "/api/v1/namespaces/ns/secrets"
JSON = "application/json"
REMOVE = [{"op": "remove", "path": "/x"}]


def sent(method: str, path: str, body: Any, content_type: str = JSON, **query: str) -> Request:
    return Request(method, path, query, {"Content-Type": content_type}, body)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        pytest.param(
            lambda api: api.create(MANIFEST, "m", dry_run=True),
            sent("POST", COLLECTION, MANIFEST, fieldManager="m", dryRun="All"),
            id="create",
        ),
        pytest.param(
            lambda api: api.apply(MANIFEST, "m", force=True),
            sent("PATCH", OBJECT, MANIFEST, "application/apply-patch+yaml", fieldManager="m", force="true"),
            id="apply",
        ),
        pytest.param(
            lambda api: api.replace(MANIFEST, "m"),
            sent("PUT", OBJECT, MANIFEST, fieldManager="m"),
            id="replace",
        ),
        pytest.param(
            lambda api: api.patch(SECRET, REMOVE),
            sent("PATCH", OBJECT, REMOVE, "application/json-patch+json"),
            id="patch",
        ),
        pytest.param(
            lambda api: api.find("v1", "Secret", "ns", "a=b"),
            sent("GET", COLLECTION, None, labelSelector="a=b"),
            id="find",
        ),
        pytest.param(
            lambda api: api.delete(Reference("v1", "Namespace", "ns"), "Foreground"),
            sent("DELETE", "/api/v1/namespaces/ns", {"propagationPolicy": "Foreground"}),
            id="delete",
        ),
    ],
)
def test_calls(server: Fake, api: Api, call: Callable[[Api], Any], expected: Request) -> None:
    server.answers[expected.method, expected.path] = (200, {})
    call(api)
    request = server.requests[-1]
    assert replace(request, headers=expected.headers) == expected
    assert request.headers["Content-Type"] == expected.headers["Content-Type"]


def test_nothing_there(api: Api) -> None:
    assert api.get(SECRET) is None
    assert api.get(Reference("nope.example.com/v1", "Nope", "n", "ns")) is None
    api.delete(SECRET, "Foreground")
    api.delete(Reference("nope.example.com/v1", "Nope", "n", "ns"), "Foreground")


def test_an_unknown_kind_is_asked_for_again(server: Fake, api: Api) -> None:
    with pytest.raises(errors.KindMissingError, match="doesn't know the kind Widget of v1"):
        api.is_namespaced("v1", "Widget")
    added = {"kind": "Widget", "name": "widgets", "namespaced": False}
    server.answers["GET", "/api/v1"] = (200, {"resources": [*CORE["resources"], added]})
    assert not api.is_namespaced("v1", "Widget")


def test_a_refusal_has_the_servers_reason_and_causes(server: Fake, api: Api) -> None:
    server.answers["POST", "/api/v1/namespaces/ns/secrets"] = (
        422,
        {
            "reason": "Invalid",
            "message": "Secret is\n invalid.",
            "details": {"causes": [{"field": "data.x", "message": "bad"}]},
        },
    )
    with pytest.raises(errors.RefusedError) as raised:
        api.create(MANIFEST, "m")
    assert (
        str(raised.value) == "The API server refused to create Secret ns/pw: Secret is invalid (422 Invalid)."
    )
    assert raised.value.causes == [("data.x", "bad")]


def test_credentials_that_are_not_accepted(server: Fake, api: Api) -> None:
    server.answers["GET", "/api/v1"] = (401, {"message": "Unauthorized"})
    with pytest.raises(errors.ClusterCredentialsError, match="log in to the cluster again") as raised:
        api.get(SECRET)
    assert TOKEN not in str(raised.value)


def test_an_answer_that_is_no_json(server: Fake, api: Api) -> None:
    server.answers["GET", "/api/v1"] = (502, b"<html>")
    with pytest.raises(errors.RefusedError, match="its answer isn't JSON"):
        api.get(SECRET)


def test_nobody_answers() -> None:
    with pytest.raises(errors.ClusterUnreachableError, match=r"127\.0\.0\.1:9 \(Connection refused\)"):
        Api(choice("http://127.0.0.1:9")).get(SECRET)
