import threading
import time
from typing import Any

import pytest

from tests.unit.plugins.fakes import engine, fake_api, subject
from toolchain.plugins.kubernetes.api import reference_to
from toolchain.plugins.kubernetes.awaiting import Waiter
from toolchain.plugins.kubernetes.errors import ClusterUnreachableError, ObjectGoneError, StillThereError
from toolchain.plugins.kubernetes.verdicts import Outcome
from toolchain.plugins.values import Document

CONFIG_MAP: Document = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "c", "namespace": "ns", "uid": "u1", "annotations": {}},
    "data": {},
}
DEPLOYMENT: Document = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "ns", "generation": 1},
    "spec": {"replicas": 1},
    "status": {},
}
DONE: Document = {"observedGeneration": 1, "updatedReplicas": 1, "replicas": 1, "availableReplicas": 1}
PODLESS = subject("kubernetes:apps/v1:Deployment", timeout_seconds=0.3)


def annotated(document: Document, **annotations: str) -> Document:
    named = {f"pulumi.com/{name}": value for name, value in annotations.items()}
    return {**document, "metadata": {**document["metadata"], "annotations": named}}


def test_it_looks_until_the_object_is_ready() -> None:
    api, told = fake_api(DEPLOYMENT), list[str]()
    looks = iter([{}, {"observedGeneration": 1}, DONE])
    api.on_read = lambda live: {**live, "status": next(looks)}
    live, verdict = Waiter(api, engine(told)).until_ready(PODLESS, DEPLOYMENT, DEPLOYMENT)
    assert verdict.outcome is Outcome.READY
    assert live["status"] == DONE
    assert told == [
        "waiting: its controller hasn't seen it yet",
        "waiting: 0 of 1 replicas are updated",
        "",
    ]


def test_the_answer_to_the_write_is_the_first_look() -> None:
    api = fake_api()
    _, verdict = Waiter(api, engine()).until_ready(PODLESS, DEPLOYMENT, {**DEPLOYMENT, "status": DONE})
    assert verdict.outcome is Outcome.READY
    assert not api.calls


def test_time_is_up() -> None:
    _, verdict = Waiter(fake_api(DEPLOYMENT), engine()).until_ready(PODLESS, DEPLOYMENT, DEPLOYMENT)
    assert verdict.outcome is Outcome.WAITING
    assert verdict.reason == "Deployment ns/web isn't ready after 0 s: its controller hasn't seen it yet"


def test_a_failed_object_is_not_waited_for() -> None:
    stuck = {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "too late"}
    failed = {**DEPLOYMENT, "status": {"observedGeneration": 1, "conditions": [stuck]}}
    patient = subject("kubernetes:apps/v1:Deployment", timeout_seconds=600)
    _, verdict = Waiter(fake_api(), engine()).until_ready(patient, failed, failed)
    assert (verdict.outcome, verdict.reason) == (Outcome.FAILED, "Deployment ns/web isn't ready: too late")


def test_an_interrupted_run_ends_the_wait_at_once() -> None:
    interrupted = engine()
    threading.Timer(0.1, interrupted.cancelled.set).start()
    started = time.monotonic()
    patient = subject("kubernetes:apps/v1:Deployment", timeout_seconds=600)
    _, verdict = Waiter(fake_api(DEPLOYMENT), interrupted).until_ready(patient, DEPLOYMENT, DEPLOYMENT)
    assert time.monotonic() - started < 2
    assert "isn't ready when the run was interrupted" in verdict.reason


def test_a_server_that_is_away_for_a_moment_is_waited_for() -> None:
    api = fake_api({**DEPLOYMENT, "status": DONE})
    api.refusals["get"] = [ClusterUnreachableError("https://x", "Connection refused")]
    _, verdict = Waiter(api, engine()).until_ready(PODLESS, DEPLOYMENT, DEPLOYMENT)
    assert verdict.outcome is Outcome.READY


def test_an_object_that_goes_away_is_an_error() -> None:
    with pytest.raises(ObjectGoneError, match="Deployment ns/web is gone"):
        Waiter(fake_api(), engine()).until_ready(PODLESS, DEPLOYMENT, DEPLOYMENT)


def test_the_program_may_skip_the_wait() -> None:
    inputs = annotated(DEPLOYMENT, skipAwait="true")
    live, verdict = Waiter(fake_api(), engine()).until_ready(PODLESS, inputs, DEPLOYMENT)
    assert (live, verdict.outcome) == (DEPLOYMENT, Outcome.READY)
    assert Waiter(fake_api(), engine()).is_ready_now(inputs, DEPLOYMENT).outcome is Outcome.READY


def test_the_program_may_name_the_condition() -> None:
    inputs = annotated(CONFIG_MAP, waitFor='["jsonpath={.data.a}=1", "jsonpath={.data.b}"]')
    api = fake_api(CONFIG_MAP)
    looks = iter([{}, {"a": "1"}, {"a": "1", "b": "x"}])
    api.on_read = lambda live: {**live, "data": next(looks)}
    about = subject("kubernetes:core/v1:ConfigMap", timeout_seconds=5)
    live, verdict = Waiter(api, engine()).until_ready(about, inputs, CONFIG_MAP)
    assert verdict.outcome is Outcome.READY
    assert live["data"] == {"a": "1", "b": "x"}


def test_a_named_condition_takes_the_place_of_the_kinds_own() -> None:
    inputs = annotated(DEPLOYMENT, waitFor="jsonpath={.spec.replicas}=1")
    _, verdict = Waiter(fake_api(), engine()).until_ready(PODLESS, inputs, DEPLOYMENT)
    assert verdict.outcome is Outcome.READY


def test_a_refresh_looks_once() -> None:
    api = fake_api()
    found = Waiter(api, engine()).is_ready_now(DEPLOYMENT, DEPLOYMENT)
    assert found.outcome is Outcome.WAITING
    assert not api.calls


def test_the_annotation_sets_the_time_where_the_program_sets_none() -> None:
    started = time.monotonic()
    about = subject("kubernetes:core/v1:ConfigMap")
    inputs = annotated(CONFIG_MAP, waitFor="condition=Ready", timeoutSeconds="1")
    _, verdict = Waiter(fake_api(CONFIG_MAP), engine()).until_ready(about, inputs, CONFIG_MAP)
    assert "after 1 s" in verdict.reason
    assert 0.9 < time.monotonic() - started < 2


def until_gone(api: Any, inputs: Document = CONFIG_MAP, uid: str | None = "u1", told: Any = None) -> None:
    about = subject("kubernetes:core/v1:ConfigMap", timeout_seconds=0.3)
    Waiter(api, told or engine()).until_gone(about, inputs, reference_to(inputs), uid)


def test_a_deletion_is_waited_for() -> None:
    api = fake_api(CONFIG_MAP)
    looks = iter([CONFIG_MAP, CONFIG_MAP, None])
    api.on_read = lambda _live: next(looks)
    until_gone(api)
    assert api.verbs() == ["get"] * 3


def test_another_object_of_the_same_name_is_not_the_one_that_was_deleted() -> None:
    until_gone(fake_api({**CONFIG_MAP, "metadata": {**CONFIG_MAP["metadata"], "uid": "u2"}}))


def test_finalizers_are_named() -> None:
    held = {**CONFIG_MAP, "metadata": {**CONFIG_MAP["metadata"], "finalizers": ["example.com/hold"]}}
    with pytest.raises(StillThereError, match=r"still there after 0 s: its finalizers example\.com/hold"):
        until_gone(fake_api(held))


def test_an_interrupted_run_does_not_wait_for_a_deletion() -> None:
    interrupted = engine()
    interrupted.cancelled.set()
    with pytest.raises(StillThereError, match="still there when the run was interrupted"):
        until_gone(fake_api(CONFIG_MAP), told=interrupted)


def test_the_wait_for_a_deletion_is_skipped_for_some_kinds_only() -> None:
    about = subject("kubernetes:apps/v1:Deployment", timeout_seconds=0.2)
    inputs = annotated(DEPLOYMENT, skipAwait="true")
    Waiter(fake_api(DEPLOYMENT), engine()).until_gone(about, inputs, reference_to(DEPLOYMENT), None)
    with pytest.raises(StillThereError):
        until_gone(fake_api(CONFIG_MAP), annotated(CONFIG_MAP, skipAwait="true"))
