"""Readiness of objects as a Kubernetes 1.35 with a real node shows them, cut to what counts."""

from typing import Any

import pytest

from tests.unit.plugins.fakes import fake_api, refusal
from toolchain.plugins.kubernetes.pods import troubles_of_pod, troubles_of_workload
from toolchain.plugins.kubernetes.readiness import CHECKED_ON_READ, Look, rule_for
from toolchain.plugins.kubernetes.verdicts import Outcome, Verdict
from toolchain.plugins.values import Document

READY, WAITING, FAILED = Outcome.READY, Outcome.WAITING, Outcome.FAILED


def live(kind: str, status: Document, spec: Document | None = None, api_version: str = "apps/v1") -> Document:
    metadata = {"name": "web", "namespace": "ns", "generation": 2}
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": metadata,
        "spec": spec or {},
        "status": status,
    }


def verdict(document: Document, api: Any = None, waited_seconds: float = 0) -> Verdict:
    rule = rule_for(document)
    assert rule is not None
    return rule(document, Look(api or fake_api(), waited_seconds))


SEEN: Document = {"observedGeneration": 2}
PROGRESSING = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
STUCK = {
    "type": "Progressing",
    "status": "False",
    "reason": "ProgressDeadlineExceeded",
    "message": "too late",
}


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [
        ({}, WAITING, "its controller hasn't seen it yet"),
        ({"observedGeneration": 1, "updatedReplicas": 2}, WAITING, "its controller hasn't seen it yet"),
        (SEEN, WAITING, "0 of 2 replicas are updated"),
        ({**SEEN, "updatedReplicas": 1, "replicas": 3}, WAITING, "1 of 2 replicas are updated"),
        (
            {**SEEN, "updatedReplicas": 2, "replicas": 3, "availableReplicas": 3},
            WAITING,
            "1 old replicas are still there",
        ),
        (
            {**SEEN, "updatedReplicas": 2, "replicas": 2, "availableReplicas": 1},
            WAITING,
            "1 of 2 replicas are available",
        ),
        (
            {
                **SEEN,
                "updatedReplicas": 2,
                "replicas": 2,
                "availableReplicas": 2,
                "conditions": [PROGRESSING],
            },
            READY,
            "",
        ),
        ({**SEEN, "updatedReplicas": 1, "conditions": [STUCK]}, FAILED, "too late"),
    ],
)
def test_deployments(status: Document, outcome: Outcome, reason: str) -> None:
    assert verdict(live("Deployment", status, {"replicas": 2})) == Verdict(outcome, reason)


def test_a_deployment_without_replicas_is_ready() -> None:
    assert verdict(live("Deployment", SEEN, {"replicas": 0})).outcome is READY


@pytest.mark.parametrize(
    ("spec", "status", "outcome"),
    [
        ({"replicas": 1}, {}, WAITING),
        ({"replicas": 1}, {**SEEN, "readyReplicas": 0}, WAITING),
        ({"replicas": 1}, {**SEEN, "readyReplicas": 1, "updateRevision": "a", "currentRevision": "a"}, READY),
        ({"replicas": 2}, {**SEEN, "readyReplicas": 2, "updatedReplicas": 1, "updateRevision": "b"}, WAITING),
        ({"replicas": 2}, {**SEEN, "readyReplicas": 2, "updatedReplicas": 2, "updateRevision": "b"}, READY),
        (
            {"replicas": 2, "updateStrategy": {"rollingUpdate": {"partition": 1}}},
            {**SEEN, "readyReplicas": 2, "updatedReplicas": 1, "updateRevision": "b"},
            READY,
        ),
        (
            {"replicas": 2, "updateStrategy": {"type": "OnDelete"}},
            {**SEEN, "readyReplicas": 2, "updateRevision": "b"},
            READY,
        ),
    ],
)
def test_stateful_sets(spec: Document, status: Document, outcome: Outcome) -> None:
    assert verdict(live("StatefulSet", status, spec)).outcome is outcome


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ({}, WAITING),
        ({**SEEN, "desiredNumberScheduled": 1, "numberAvailable": 1}, WAITING),
        ({**SEEN, "desiredNumberScheduled": 1, "updatedNumberScheduled": 1}, WAITING),
        (
            {**SEEN, "desiredNumberScheduled": 1, "updatedNumberScheduled": 1, "numberAvailable": 1},
            READY,
        ),
    ],
)
def test_daemon_sets(status: Document, outcome: Outcome) -> None:
    assert verdict(live("DaemonSet", status)).outcome is outcome


@pytest.mark.parametrize(
    ("spec", "status", "outcome", "reason"),
    [
        ({}, {"active": 1, "ready": 0}, WAITING, "1 active, 0 succeeded, 0 failed"),
        ({}, {"conditions": [{"type": "SuccessCriteriaMet", "status": "True"}]}, WAITING, "not complete"),
        ({}, {"conditions": [{"type": "Complete", "status": "True"}]}, READY, ""),
        (
            {},
            {
                "conditions": [
                    {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "m"}
                ]
            },
            FAILED,
            "BackoffLimitExceeded: m",
        ),
        ({"suspend": True}, {}, READY, ""),
    ],
)
def test_jobs(spec: Document, status: Document, outcome: Outcome, reason: str) -> None:
    found = verdict(live("Job", status, spec, "batch/v1"))
    assert found.outcome is outcome
    assert reason in found.reason


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ({"phase": "Pending"}, WAITING),
        ({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}, READY),
        ({"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}, WAITING),
        ({"phase": "Succeeded"}, READY),
        ({"phase": "Failed", "reason": "Evicted"}, FAILED),
    ],
)
def test_pods(status: Document, outcome: Outcome) -> None:
    assert verdict(live("Pod", status, api_version="v1")).outcome is outcome


ENDPOINTS = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {"name": "web-1", "namespace": "ns"},
    "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}],
}
NO_ENDPOINTS = {**ENDPOINTS, "endpoints": None}
UNREADY = {**ENDPOINTS, "endpoints": [{"conditions": {"ready": False}}]}
ADDRESS = {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}


@pytest.mark.parametrize(
    ("spec", "status", "slices", "waited_seconds", "outcome"),
    [
        ({"selector": {"a": "b"}}, {}, [ENDPOINTS], 0, READY),
        ({"selector": {"a": "b"}}, {}, [NO_ENDPOINTS], 0, WAITING),
        ({"selector": {"a": "b"}}, {}, [UNREADY], 9, WAITING),
        ({"selector": {"a": "b"}}, {}, [], 10, READY),
        ({}, {}, [], 0, READY),
        ({"selector": {"a": "b"}, "clusterIP": "None"}, {}, [], 0, READY),
        ({"type": "ExternalName", "externalName": "x", "selector": {"a": "b"}}, {}, [], 0, READY),
        ({"type": "LoadBalancer"}, {}, [], 60, WAITING),
        ({"type": "LoadBalancer"}, ADDRESS, [], 0, READY),
    ],
)
def test_services(
    spec: Document, status: Document, slices: list[Document], waited_seconds: float, outcome: Outcome
) -> None:
    found = verdict(live("Service", status, spec, "v1"), fake_api(*slices), waited_seconds)
    assert found.outcome is outcome


def test_who_may_not_look_for_pods_does_not_wait_for_them() -> None:
    api = fake_api()
    api.refusals["find"] = [refusal(403, "Forbidden")]
    assert verdict(live("Service", {}, {"selector": {"a": "b"}}, "v1"), api).outcome is READY


RULES = {
    "rules": [{"host": "h", "http": {"paths": [{"path": "/", "backend": {"service": {"name": "web"}}}]}}]
}
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "ns"}}


@pytest.mark.parametrize(
    ("spec", "status", "objects", "reason"),
    [
        (RULES, ADDRESS, [], "there is no Service web for its path /"),
        (RULES, {}, [SERVICE], "no ingress controller has given it an address"),
        (RULES, ADDRESS, [SERVICE], ""),
        ({"rules": [{"host": "h"}]}, ADDRESS, [], ""),
    ],
)
def test_ingresses(spec: Document, status: Document, objects: list[Document], reason: str) -> None:
    ingress = live("Ingress", status, spec, "networking.k8s.io/v1")
    assert verdict(ingress, fake_api(*objects)).reason == reason


@pytest.mark.parametrize(
    ("spec", "phase", "mode", "outcome"),
    [
        ({}, "Bound", None, READY),
        ({}, "Pending", None, WAITING),
        ({"storageClassName": "fast"}, "Pending", "Immediate", WAITING),
        ({"storageClassName": "fast"}, "Pending", "WaitForFirstConsumer", READY),
    ],
)
def test_volume_claims(spec: Document, phase: str, mode: str | None, outcome: Outcome) -> None:
    storage_class = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "fast"},
        "volumeBindingMode": mode,
    }
    claim = live("PersistentVolumeClaim", {"phase": phase}, spec, "v1")
    assert verdict(claim, fake_api(storage_class)).outcome is outcome


@pytest.mark.parametrize(("phase", "outcome"), [("Pending", WAITING), ("Available", READY), ("Bound", READY)])
def test_volumes(phase: str, outcome: Outcome) -> None:
    assert verdict(live("PersistentVolume", {"phase": phase}, api_version="v1")).outcome is outcome


@pytest.mark.parametrize(
    ("kind", "data", "outcome"),
    [
        ("Opaque", {}, READY),
        ("kubernetes.io/service-account-token", {}, WAITING),
        ("kubernetes.io/service-account-token", {"ca.crt": "eA=="}, WAITING),
        ("kubernetes.io/service-account-token", {"token": "eA=="}, READY),
    ],
)
def test_secrets(kind: str, data: Document, outcome: Outcome) -> None:
    document = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "type": kind, "data": data}
    assert verdict(document).outcome is outcome


@pytest.mark.parametrize(
    ("conditions", "outcome"),
    [
        ([], WAITING),
        ([{"type": "Established", "status": "True"}], READY),
        ([{"type": "NamesAccepted", "status": "False", "message": "taken"}], FAILED),
    ],
)
def test_resource_definitions(conditions: list[Document], outcome: Outcome) -> None:
    definition = live("CustomResourceDefinition", {"conditions": conditions}, {}, "apiextensions.k8s.io/v1")
    assert verdict(definition).outcome is outcome


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("v1", "ConfigMap"),
        ("v1", "Namespace"),
        ("example.com/v1", "Deployment"),
        ("example.com/v1", "Widget"),
    ],
)
def test_other_objects_are_ready_once_they_are_there(api_version: str, kind: str) -> None:
    assert rule_for(live(kind, {}, api_version=api_version)) is None


def test_what_a_refresh_checks_has_a_rule() -> None:
    api_versions = ("v1", "apps/v1", "batch/v1", "networking.k8s.io/v1")
    for kind in CHECKED_ON_READ:
        assert any(rule_for(live(kind, {}, api_version=version)) for version in api_versions), kind


def pod(state: Document, last: Document | None = None, ready: bool = False, **status: Any) -> Document:
    container = {"name": "c", "ready": ready, "state": state, "lastState": last or {}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web-1", "namespace": "ns"},
        "status": {"containerStatuses": [container], **status},
    }


@pytest.mark.parametrize(
    ("broken", "trouble"),
    [
        (
            pod({"waiting": {"reason": "ErrImagePull", "message": "failed to  pull\n x"}}),
            ["Pod web-1: container c: ErrImagePull (failed to pull x)"],
        ),
        (
            pod(
                {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s"}},
                {"terminated": {"exitCode": 3, "reason": "Error"}},
            ),
            ["Pod web-1: container c: CrashLoopBackOff (back-off 20s); exit code 3"],
        ),
        (
            pod({"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "x" not found'}}),
            ['Pod web-1: container c: CreateContainerConfigError (secret "x" not found)'],
        ),
        (
            pod({"terminated": {"exitCode": 4, "message": "could not migrate\n"}}),
            ["Pod web-1: container c: exit code 4; could not migrate"],
        ),
        (
            pod({"running": {"startedAt": "now"}}),
            ["Pod web-1: container c: it runs, but its readiness probe doesn't succeed"],
        ),
        (pod({"running": {"startedAt": "now"}}, ready=True), []),
        (pod({"terminated": {"exitCode": 0, "reason": "Completed"}}), []),
        (pod({"waiting": {"reason": "ContainerCreating"}}), []),
        (
            pod(
                {"waiting": {"reason": "ContainerCreating"}},
                conditions=[
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/1 nodes",
                    }
                ],
            ),
            ["Pod web-1: Unschedulable (0/1 nodes)"],
        ),
    ],
)
def test_troubles_of_a_pod(broken: Document, trouble: list[str]) -> None:
    assert troubles_of_pod(broken) == trouble


def test_troubles_are_looked_for_where_a_workload_selects_pods() -> None:
    api = fake_api(pod({"terminated": {"exitCode": 1}}))
    workload = live("Deployment", {}, {"selector": {"matchLabels": {"app": "web", "tier": "a"}}})
    assert troubles_of_workload(api, workload) == ["Pod web-1: container c: exit code 1"]
    assert api.last("find") == ("Pod", "app=web,tier=a")
    assert troubles_of_workload(api, live("ConfigMap", {})) == []
    api.refusals["find"] = [refusal(403, "Forbidden")]
    assert troubles_of_workload(api, workload) == []
