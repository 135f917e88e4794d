"""Secrets that somebody else has made are not taken over."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from providers.inputs import UNKNOWN
from providers.kubernetes.connection import close_all
from providers.kubernetes.errors import SecretTakenError
from providers.kubernetes.unclaimed_secrets import UnclaimedSecretsProvider
from tests.unit.providers.http_server import serving

PROVIDER = UnclaimedSecretsProvider()
Props = dict[str, Any]
OURS = [{"kind": "ExternalSecret", "name": "env", "apiVersion": "external-secrets.io/v1", "uid": "1"}]


@pytest.fixture(autouse=True)
def _clients() -> Iterator[None]:
    yield
    close_all()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Callable[..., Props]]:
    """Serve some Secrets, name -> owners, and give the inputs that mean them."""
    there: dict[str, list[Props] | None] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        if name == "forbidden":
            return httpx.Response(403, json={"kind": "Status", "message": "secrets is forbidden"})
        if name not in there:
            return httpx.Response(404, json={"kind": "Status", "message": "not found"})
        return httpx.Response(200, json={"metadata": {"name": name, "ownerReferences": there[name]}})

    with serving(answer) as url:
        document = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "users": [{"name": "u", "user": {}}],
        }
        (tmp_path / "kubeconfig").write_text(json.dumps(document))

        def inputs(*names: str, **secrets: list[Props] | None) -> Props:
            there.update(secrets)
            place = {"kubeconfig": str(tmp_path / "kubeconfig")}
            return {"cluster": place, "namespace": "search", "names": list(names)}

        yield inputs


def test_a_secret_that_is_not_there_may_be_made(cluster: Callable[..., Props]) -> None:
    assert PROVIDER.create(cluster("env")).id == "search"


def test_a_secret_of_its_own_external_secret_may_be_kept(cluster: Callable[..., Props]) -> None:
    assert PROVIDER.create(cluster("env", env=OURS)).id == "search"


@pytest.mark.parametrize(
    ("owners", "sentence"),
    [
        (None, "Secret search/env is there already: an ExternalSecret of that name would take it over"),
        ([{"kind": "Certificate", "name": "tls"}], "Secret search/env belongs to Certificate tls"),
        ([{"kind": "ExternalSecret", "name": "other"}], "Secret search/env belongs to ExternalSecret other"),
    ],
)
def test_a_secret_of_somebody_else_is_refused_by_name(
    cluster: Callable[..., Props], owners: list[Props] | None, sentence: str
) -> None:
    with pytest.raises(SecretTakenError) as caught:
        PROVIDER.create(cluster("env", env=owners))
    assert str(caught.value).startswith(sentence)


def test_only_new_names_are_looked_at_again(cluster: Callable[..., Props]) -> None:
    olds = cluster("env")
    news = cluster("env", "files", env=None)
    assert PROVIDER.update("search", olds, news).outs == news
    with pytest.raises(SecretTakenError, match="Secret search/files is there already"):
        PROVIDER.update("search", olds, cluster("env", "files", files=None))


def test_whoever_may_not_look_is_told_and_goes_on(
    cluster: Callable[..., Props], capfd: pytest.CaptureFixture[str]
) -> None:
    assert PROVIDER.create(cluster("forbidden")).id == "search"
    assert "Secret search/forbidden: not looked whether it is somebody else's" in capfd.readouterr().err


def test_another_kubeconfig_is_no_change_and_another_name_is(cluster: Callable[..., Props]) -> None:
    olds = cluster("env")
    assert not PROVIDER.diff("search", olds, olds | {"cluster": {}}).changes
    assert PROVIDER.diff("search", olds, olds | {"names": ["env", "files"]}).changes


@pytest.mark.parametrize(
    ("wrong", "field"), [({"names": "env"}, "names"), ({"cluster": {"host": "x"}}, "cluster")]
)
def test_inputs_are_checked_without_a_cluster(wrong: Props, field: str) -> None:
    news = {"cluster": {}, "namespace": "search", "names": ["env"]}
    assert PROVIDER.check({}, news | {"names": UNKNOWN}).failures == []
    assert [failure.property for failure in PROVIDER.check({}, news | wrong).failures] == [field]
