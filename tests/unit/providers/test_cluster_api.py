"""What comes back from an API server, as sentences."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import urllib3
import yaml

from providers.kubernetes import api as cluster_api
from providers.kubernetes.connection import ClusterConnection, close_all
from providers.kubernetes.errors import (
    ClusterDeniedError,
    ClusterError,
    ClusterRefusedError,
    ClusterSetupError,
    ClusterUnavailableError,
    ObjectMissingError,
)
from providers.kubernetes.objects import SECRET, SERVICE, Named
from tests.unit.providers.http_server import serving

APP = Named(SECRET, "search", "llm-key")
Answer = Callable[[httpx.Request], httpx.Response]


def status(code: int, message: str) -> httpx.Response:
    return httpx.Response(code, json={"kind": "Status", "message": message})


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    hasty = urllib3.Retry(total=3, status_forcelist=(503,), allowed_methods=("GET",), raise_on_status=False)
    monkeypatch.setattr(cluster_api, "_REPEATED", hasty)
    yield
    close_all()


@pytest.fixture
def connect(tmp_path: Path) -> Callable[..., ClusterConnection]:
    """Write a kubeconfig for an address."""

    def write(server: str, context: str | None = "prod", **user: str) -> ClusterConnection:
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "prod",
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u"}}],
        }
        file = tmp_path / "kubeconfig"
        file.write_text(yaml.safe_dump(document))
        return ClusterConnection(str(file), context)

    return write


@pytest.mark.parametrize(
    ("answer", "error", "sentence"),
    [
        (
            status(403, 'secrets "llm-key" is forbidden'),
            ClusterDeniedError,
            r"\(context prod\) doesn't allow this program to get Secret search/llm-key: .* is forbidden; see",
        ),
        (status(401, "Unauthorized"), ClusterDeniedError, "Unauthorized; see that the kubeconfig's"),
        (status(404, "not found"), ObjectMissingError, "has no Secret search/llm-key; see that namespace"),
        (
            status(422, "is invalid"),
            ClusterRefusedError,
            r"get Secret search/llm-key \(HTTP 422\): is invalid",
        ),
        (status(503, "etcd is away"), ClusterUnavailableError, r"llm-key now \(etcd is away\); see that it"),
        (httpx.Response(500, text="<html>"), ClusterUnavailableError, r"llm-key now \(HTTP 500\)"),
        (httpx.Response(400, json=[]), ClusterRefusedError, r"\(HTTP 400\): HTTP 400"),
        (httpx.Response(200, text="<html>"), ClusterRefusedError, "isn't one of the Kubernetes API"),
    ],
    ids=lambda value: str(value.status_code) if isinstance(value, httpx.Response) else "",
)
def test_an_answer_becomes_a_sentence(
    connect: Callable[..., ClusterConnection],
    answer: httpx.Response,
    error: type[ClusterError],
    sentence: str,
) -> None:
    with serving(lambda _: answer) as server, pytest.raises(error, match=sentence):
        connect(server).api().get(APP)


def test_a_passing_failure_of_a_read_is_passed_over(connect: Callable[..., ClusterConnection]) -> None:
    answers = [httpx.Response(200, json={"data": {}}), status(503, "starting"), status(503, "starting")]
    with serving(lambda _: answers.pop()) as server:
        assert connect(server).api().get(APP) == {"data": {}}


def test_an_api_server_that_is_away_is_named(connect: Callable[..., ClusterConnection]) -> None:
    with pytest.raises(ClusterUnavailableError) as failed:
        connect("http://127.0.0.1:9", context=None).api().get(APP)
    assert str(failed.value) == (
        "the cluster at http://127.0.0.1:9 can't be reached (connection refused); "
        "see that it runs and that the kubeconfig leads to it"
    )


def test_a_stream_that_is_refused_becomes_a_sentence(connect: Callable[..., ClusterConnection]) -> None:
    with serving(lambda _: status(403, "no portforward for you")) as server:
        api = connect(server).api()
        with pytest.raises(ClusterDeniedError, match=r"to open portforward of Secret .*: no portforward for"):
            api.stream(APP, "portforward?ports=1", protocol="p", timeout_seconds=5)
    with pytest.raises(ClusterUnavailableError, match="connection refused"):
        api.stream(APP, "portforward?ports=1", protocol="p", timeout_seconds=5)


def test_the_credential_goes_to_the_server_and_into_no_log(
    connect: Callable[..., ClusterConnection], caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        return httpx.Response(200, json={"data": {"key": "c2stc2VjcmV0"}})

    with caplog.at_level(logging.DEBUG), serving(answer) as server:
        api = connect(server, token="of-the-user").api()
        api.get(APP)
        with pytest.raises(ClusterError):
            api.stream(APP, "portforward?ports=1", protocol="p", timeout_seconds=5)
    assert seen == ["Bearer of-the-user"] * 2
    assert "llm-key" in caplog.text
    assert "of-the-user" not in caplog.text
    assert "c2stc2VjcmV0" not in caplog.text


def test_one_client_serves_all_who_mean_the_same_cluster(connect: Callable[..., ClusterConnection]) -> None:
    one = connect("http://127.0.0.1:9")
    assert one.api() is one.api()
    assert one.api() is not ClusterConnection(one.kubeconfig, None).api()


def test_a_kubeconfig_that_leads_nowhere_is_named(
    connect: Callable[..., ClusterConnection], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ClusterSetupError, match=r"the context test of the kubeconfig .* leads to no Kubern"):
        connect("http://127.0.0.1:9", context="test").api()
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "absent"))
    with pytest.raises(ClusterSetupError, match=f"the kubeconfig {tmp_path}/absent leads to no Kubernetes"):
        ClusterConnection().api()
    (tmp_path / "broken").write_text("{")
    with pytest.raises(ClusterSetupError, match="broken leads to no Kubernetes cluster"):
        ClusterConnection(str(tmp_path / "broken")).api()


def test_a_pod_without_a_kubeconfig_is_its_service_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ClusterSetupError, match=r"the kubeconfig .*/\.kube/config leads to no"):
        ClusterConnection().api()
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    with pytest.raises(ClusterSetupError, match="the ServiceAccount of this Pod leads to no Kubernetes"):
        ClusterConnection().api()


def test_objects_are_found_where_the_api_has_them() -> None:
    assert APP.path == "/api/v1/namespaces/search/secrets/llm-key"
    assert str(Named(SERVICE, "a", "b")) == "Service a/b"
