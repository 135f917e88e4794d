"""A token of bounded life: when it is asked for again, and what the API server makes of it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from providers.inputs import UNKNOWN
from providers.kubernetes.connection import close_all
from providers.kubernetes.errors import ObjectMissingError
from providers.kubernetes.service_account_token import ServiceAccountTokenProvider
from providers.kubernetes.token_request import TokenShortenedError
from providers.litellm import clock
from tests.unit.providers.http_server import serving

PROVIDER = ServiceAccountTokenProvider()
MADE = datetime(2026, 5, 1, 12, tzinfo=UTC)
ACCOUNT = {"cluster": {}, "namespace": "vault", "service_account": "reviewer", "ttl_seconds": 3600.0}


@pytest.fixture(autouse=True)
def _clients() -> Iterator[None]:
    yield
    close_all()


def checked(olds: dict[str, Any], news: dict[str, Any], after: timedelta, patch: pytest.MonkeyPatch) -> Any:
    patch.setattr(clock, "now", lambda: MADE + after)
    return PROVIDER.check(olds, news)


@contextmanager
def cluster(folder: Path, status: int, body: dict[str, Any]) -> Iterator[list[httpx.Request]]:
    """Serve one answer as an API server, and give what it was asked."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status, json=body)

    with serving(answer) as url:
        document = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "users": [{"name": "u", "user": {}}],
        }
        (folder / "kubeconfig").write_text(json.dumps(document))
        yield asked


def granted(seconds: float) -> dict[str, Any]:
    end = datetime.now(UTC) + timedelta(seconds=seconds)
    return {"status": {"token": "a.b.c", "expirationTimestamp": end.strftime("%Y-%m-%dT%H:%M:%SZ")}}


# --- when ------------------------------------------------------------------------------------------------


def test_the_second_half_of_its_life_asks_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    first = checked({}, ACCOUNT, timedelta(), monkeypatch).inputs
    assert first["requested"] == "2026-05-01T12:00:00Z"
    early = checked(first, ACCOUNT, timedelta(minutes=29), monkeypatch).inputs
    assert not PROVIDER.diff("id", first, early).changes
    late = checked(first, ACCOUNT, timedelta(minutes=30), monkeypatch).inputs
    diff = PROVIDER.diff("id", first, late)
    assert (diff.changes, diff.replaces) == (True, [])
    assert late["requested"] == "2026-05-01T12:30:00Z"


def test_another_account_is_another_token(monkeypatch: pytest.MonkeyPatch) -> None:
    first = checked({}, ACCOUNT, timedelta(), monkeypatch).inputs
    other = checked(first, ACCOUNT | {"namespace": "other"}, timedelta(), monkeypatch).inputs
    assert PROVIDER.diff("id", first, other).replaces == ["namespace"]


def test_an_account_that_is_not_made_yet_can_be_previewed(monkeypatch: pytest.MonkeyPatch) -> None:
    result = checked({}, ACCOUNT | {"service_account": UNKNOWN}, timedelta(), monkeypatch)
    assert result.failures == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"ttl_seconds": 60.0}, "ttl_seconds"), ({"cluster": {"contxt": "prod"}}, "cluster")],
)
def test_what_no_api_server_would_take_is_refused(
    wrong: dict[str, Any], field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = checked({}, ACCOUNT | wrong, timedelta(), monkeypatch)
    assert [failure.property for failure in result.failures] == [field]


# --- what the API server makes of it ---------------------------------------------------------------------


def test_the_token_is_meant_for_the_api_server_itself(tmp_path: Path) -> None:
    with cluster(tmp_path, 201, granted(3600)) as asked:
        made = PROVIDER.create(ACCOUNT | {"cluster": {"kubeconfig": str(tmp_path / "kubeconfig")}})
    assert made.id == "vault/reviewer"
    assert (made.outs or {})["token"] == "a.b.c"
    [request] = asked
    assert request.url.path == "/api/v1/namespaces/vault/serviceaccounts/reviewer/token"
    assert json.loads(request.content)["spec"] == {"expirationSeconds": 3600}


def test_a_token_that_ends_sooner_than_asked_for_is_no_success(tmp_path: Path) -> None:
    with (
        cluster(tmp_path, 201, granted(900)),
        pytest.raises(TokenShortenedError, match="instead of 3600 s, the longest life") as caught,
    ):
        PROVIDER.create(ACCOUNT | {"cluster": {"kubeconfig": str(tmp_path / "kubeconfig")}})
    assert "a.b.c" not in str(caught.value)


def test_an_account_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        cluster(tmp_path, 404, {"message": "not found"}),
        pytest.raises(ObjectMissingError, match="has no ServiceAccount vault/reviewer"),
    ):
        PROVIDER.create(ACCOUNT | {"cluster": {"kubeconfig": str(tmp_path / "kubeconfig")}})
