"""Following a key while the cluster stumbles, against an API server of the test's own."""

import base64
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import SecretStr

from providers.kubernetes import external_secret
from providers.kubernetes.connection import ClusterConnection
from providers.kubernetes.consumer_input import Consumer
from providers.kubernetes.consumers import follow
from providers.kubernetes.errors import (
    ClusterDeniedError,
    ClusterUnavailableError,
    NotFollowedError,
    ObjectMissingError,
)
from providers.kubernetes.objects import Kind, Named

KEY = SecretStr("sk-the-new-one")
NAMES: dict[str, Any] = {"external_secret": "search/llm-key", "deployment": "search/app"}


def secret(value: str) -> dict[str, Any]:
    return {"data": {"key": base64.b64encode(value.encode()).decode()}}


class FakeCluster:
    """Has one of each; what it says of the Secret and the Deployment is told one answer at a time."""

    def __init__(self) -> None:
        self.external_secret: dict[str, Any] = {"spec": {"target": {"name": "llm"}}}
        self.secrets: list[dict[str, Any] | Exception] = [secret(KEY.get_secret_value())]
        self.annotations: dict[str, str] = {}
        self.unavailable = 0
        self.events: list[dict[str, Any]] | Exception = []
        self.patches: list[tuple[str, Mapping[str, Any]]] = []
        self.refusals: list[Exception] = []
        self.has_external_secret = True

    def group_version(self, group: str) -> str:
        assert group == "external-secrets.io"
        return "v1"

    def get(self, named: Named) -> dict[str, Any]:
        match named.kind.name:
            case "ExternalSecret":
                if not self.has_external_secret:
                    raise ObjectMissingError("the cluster", str(named))
                return self.external_secret
            case "Secret":
                assert named.name == "llm"
                found = self.secrets.pop(0) if len(self.secrets) > 1 else self.secrets[0]
                if isinstance(found, Exception):
                    raise found
                return found
        return self._deployment()

    def _deployment(self) -> dict[str, Any]:
        available = 0 if self.unavailable else 1
        self.unavailable = max(0, self.unavailable - 1)
        status = {
            "observedGeneration": 1,
            "replicas": 1,
            "updatedReplicas": 1,
            "availableReplicas": available,
        }
        template = {"metadata": {"annotations": dict(self.annotations)}}
        spec = {"replicas": 1, "template": template, "selector": {"matchLabels": {"app": "app"}}}
        return {"metadata": {"generation": 1}, "spec": spec, "status": status}

    def merge(self, named: Named, patch: Mapping[str, Any]) -> dict[str, Any]:
        if self.refusals:
            raise self.refusals.pop()
        self.patches.append((named.kind.name, patch))
        if named.kind.name == "Deployment":
            self.annotations |= patch["spec"]["template"]["metadata"]["annotations"]
        return {}

    def items(self, kind: Kind, namespace: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        assert namespace == "search"
        assert query
        if isinstance(self.events, Exception):
            raise self.events
        return self.events if kind.name == "Event" else []

    def patched(self) -> list[str]:
        return [kind for kind, _ in self.patches]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    fake = FakeCluster()
    monkeypatch.setattr(ClusterConnection, "api", lambda _: fake)
    monkeypatch.setattr("providers.waiting._SILENT_SECONDS", 0)
    return fake


def run(timeout_seconds: float = 5, **names: Any) -> list[str]:
    lines: list[str] = []
    consumer = Consumer.parse({**(names or NAMES), "timeout_seconds": timeout_seconds})
    follow(ClusterConnection(), consumer, KEY, lines.append)
    return lines


def test_a_secret_that_has_the_key_is_left_alone(cluster: FakeCluster) -> None:
    assert run(external_secret="search/llm-key") == []
    assert cluster.patches == []


def test_a_secret_that_has_not_is_synced_once_and_watched(cluster: FakeCluster) -> None:
    missing = ObjectMissingError("the cluster", "Secret search/llm")
    away = ClusterUnavailableError("the cluster", "can't be reached (timed out)")
    cluster.secrets = [missing, away, secret("sk-the-old-one"), secret(KEY.get_secret_value())]
    [line] = run(external_secret="search/llm-key")
    assert line == (
        "waiting for ExternalSecret search/llm-key to bring the new key into Secret search/llm "
        "(0 s of at most 5 s): Secret search/llm isn't there"
    )
    assert cluster.patched() == ["ExternalSecret"]


def test_a_sync_that_a_short_outage_refuses_is_asked_for_again(cluster: FakeCluster) -> None:
    cluster.refusals = [ClusterUnavailableError("the cluster", "can't be reached (timed out)")]
    old = secret("sk-the-old-one")
    cluster.secrets = [old, old, secret(KEY.get_secret_value())]
    [line, *_] = run(external_secret="search/llm-key")
    assert line.endswith("the cluster can't be reached (timed out)")
    assert cluster.patched() == ["ExternalSecret"]


REMOTE_REF = {"key": "apps/search/llm-key", "property": "api-key"}


def taking(**changed: str) -> dict[str, Any]:
    """Give the spec of an ExternalSecret as the API server completes it."""
    beside = {"secretKey": "BASE_URL", "remoteRef": REMOTE_REF | {"property": "base-url"}}
    key = {"secretKey": "KEY", "remoteRef": REMOTE_REF | {"decodingStrategy": "None"} | changed}
    return {"target": {"name": "llm"}, "data": [beside, key]}


def test_an_external_secret_of_the_same_program_is_waited_for(cluster: FakeCluster) -> None:
    cluster.external_secret["spec"] = taking()
    cluster.secrets = [secret("sk-the-old-one"), secret(KEY.get_secret_value())]
    run(remote_ref=REMOTE_REF, **NAMES)
    assert cluster.patched() == ["ExternalSecret", "Deployment"]


@pytest.mark.parametrize(
    "spec", [None, {}, {"data": []}, taking(key="apps/search/before"), taking(property="base-url")]
)
def test_one_that_is_declared_after_the_key_is_not(spec: dict[str, Any] | None, cluster: FakeCluster) -> None:
    cluster.has_external_secret = spec is not None
    cluster.external_secret["spec"] = spec
    cluster.secrets = [secret("sk-the-old-one")]
    said = "ExternalSecret search/llm-key follows after the key, and isn't waited for"
    assert run(external_secret="search/llm-key", remote_ref=REMOTE_REF) == [said]
    assert run(remote_ref=REMOTE_REF, **NAMES) == [f"{said}; restart the Deployment search/app then"]
    assert cluster.patches == []


def test_one_of_somebody_else_that_is_not_there_is_an_error(cluster: FakeCluster) -> None:
    cluster.has_external_secret = False
    with pytest.raises(ObjectMissingError, match="ExternalSecret search/llm-key"):
        run(external_secret="search/llm-key")


def test_an_operator_that_has_failed_is_asked_again(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(external_secret, "_FORCED_AGAIN_SECONDS", 0)
    old = secret("sk-the-old-one")
    cluster.secrets = [old, old, old, secret(KEY.get_secret_value())]
    run(external_secret="search/llm-key")
    asked = [patch["metadata"]["annotations"]["force-sync"] for _, patch in cluster.patches]
    assert len(set(asked)) == 3


def test_what_the_operator_says_is_told(cluster: FakeCluster) -> None:
    condition = {
        "type": "Ready",
        "status": "False",
        "reason": "SecretSyncedError",
        "message": "could not get",
    }
    cluster.external_secret["status"] = {"conditions": [condition]}
    cluster.events = [
        {"lastTimestamp": "2026-01-01T00:00:02Z", "message": "permission\n denied"},
        {"lastTimestamp": "2026-01-01T00:00:01Z", "message": "older"},
    ]
    cluster.secrets = [secret("sk-the-old-one")]
    with pytest.raises(NotFollowedError) as failed:
        run(timeout_seconds=0.1, external_secret="search/llm-key")
    assert str(failed.value) == (
        "ExternalSecret search/llm-key hasn't followed to the new key within 0 s: Secret search/llm doesn't "
        "hold the new key; it is SecretSyncedError: could not get; last warning: permission denied; "
        "mend that and run this again, which goes on from here"
    )


def test_who_may_not_see_events_is_told_the_rest(cluster: FakeCluster) -> None:
    cluster.events = ClusterDeniedError("the cluster", "list events", "forbidden")
    cluster.secrets = [secret("sk-the-old-one")]
    with pytest.raises(NotFollowedError, match="doesn't hold the new key; mend that"):
        run(timeout_seconds=0.1, external_secret="search/llm-key")


def test_a_deployment_is_restarted_after_its_secret_and_awaited(cluster: FakeCluster) -> None:
    cluster.secrets = [secret("sk-the-old-one"), secret(KEY.get_secret_value())]
    cluster.unavailable = 3
    lines = run()
    assert cluster.patched() == ["ExternalSecret", "Deployment"]
    assert "the rollout of Deployment search/app" in lines[-1]
    assert "0 of 1 new Pods are available" in lines[-1]
    assert not any(KEY.get_secret_value() in text for text in (*lines, str(cluster.patches)))


def test_a_second_run_after_a_crash_restarts_nothing(cluster: FakeCluster) -> None:
    run()
    run()
    assert cluster.patched() == ["Deployment"]


def test_a_rollout_that_does_not_end_is_an_error(cluster: FakeCluster) -> None:
    cluster.unavailable = 1000
    with pytest.raises(NotFollowedError, match=r"Deployment search/app hasn't followed .* 0 of 1 new Pods"):
        run(timeout_seconds=0.1)
