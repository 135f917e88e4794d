"""When an object of each kind is ready."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from toolchain.plugins.kubernetes.api import Api
from toolchain.plugins.kubernetes.errors import Reference, RefusedError
from toolchain.plugins.kubernetes.kinds import group
from toolchain.plugins.kubernetes.verdicts import READY, Verdict, failed, waiting
from toolchain.plugins.values import Document

__all__ = ["CHECKED_ON_READ", "Look", "Rule", "rule_for"]

SETTLING_SECONDS = 10.0
"""How long a Service is given to find Pods. That none are there is no error: they may come later."""


@dataclass(frozen=True)
class Look:
    """What a rule may use beside the object itself.

    Attributes
    ----------
    waited_seconds
        Since the object was written; infinite where nothing was.
    """

    api: Api
    waited_seconds: float


CHECKED_ON_READ = frozenset({"DaemonSet", "Deployment", "Ingress", "Job", "Pod", "Service", "StatefulSet"})
"""Kinds of which a refresh too tells whether they are ready; so it is in the official plugin."""

Rule = Callable[[Document, Look], Verdict]


def rule_for(live: Document) -> Rule | None:
    """Return the rule of the object's kind; None where it is ready as soon as it is there."""
    return _RULES.get((group(live["apiVersion"]), live["kind"]))


def _deployment(live: Document, _look: Look) -> Verdict:
    status, wanted = _status(live), _spec(live).get("replicas", 1)
    if not _is_observed(live):
        return waiting("its controller hasn't seen it yet")
    progressing = _condition(live, "Progressing")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return failed(progressing.get("message", "its progress deadline is exceeded"))
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if updated < wanted:
        return waiting(f"{updated} of {wanted} replicas are updated")
    if status.get("replicas", 0) > updated:
        return waiting(f"{status['replicas'] - updated} old replicas are still there")
    if available < wanted:
        return waiting(f"{available} of {wanted} replicas are available")
    return READY


def _stateful_set(live: Document, _look: Look) -> Verdict:
    status, wanted = _status(live), _spec(live).get("replicas", 1)
    if not _is_observed(live):
        return waiting("its controller hasn't seen it yet")
    if status.get("readyReplicas", 0) < wanted:
        return waiting(f"{status.get('readyReplicas', 0)} of {wanted} replicas are ready")
    strategy = _spec(live).get("updateStrategy") or {}
    partition = (strategy.get("rollingUpdate") or {}).get("partition", 0)
    rolls = strategy.get("type") != "OnDelete" and status.get("updateRevision") != status.get(
        "currentRevision"
    )
    if rolls and status.get("updatedReplicas", 0) < wanted - partition:
        return waiting(f"{status.get('updatedReplicas', 0)} of {wanted - partition} replicas are updated")
    return READY


def _daemon_set(live: Document, _look: Look) -> Verdict:
    status = _status(live)
    if not _is_observed(live):
        return waiting("its controller hasn't seen it yet")
    wanted = status.get("desiredNumberScheduled", 0)
    rolls = (_spec(live).get("updateStrategy") or {}).get("type") != "OnDelete"
    if rolls and status.get("updatedNumberScheduled", 0) < wanted:
        return waiting(f"{status.get('updatedNumberScheduled', 0)} of {wanted} Pods are updated")
    if status.get("numberAvailable", 0) < wanted:
        return waiting(f"{status.get('numberAvailable', 0)} of {wanted} Pods are available")
    return READY


def _replica_set(live: Document, _look: Look) -> Verdict:
    ready, wanted = _status(live).get("readyReplicas", 0), _spec(live).get("replicas", 1)
    if not _is_observed(live) or ready < wanted:
        return waiting(f"{ready} of {wanted} replicas are ready")
    return READY


def _job(live: Document, _look: Look) -> Verdict:
    status = _status(live)
    if (fault := _condition(live, "Failed")).get("status") == "True":
        return failed(f"it failed ({fault.get('reason', '')}: {fault.get('message', '')})")
    if _condition(live, "Complete").get("status") == "True" or _spec(live).get("suspend"):
        return READY
    counts = ", ".join(f"{status.get(name, 0)} {name}" for name in ("active", "succeeded", "failed"))
    return waiting(f"it is not complete ({counts})")


def _pod(live: Document, _look: Look) -> Verdict:
    phase = _status(live).get("phase")
    if phase == "Failed":
        return failed(
            f"it failed ({_status(live).get('message') or _status(live).get('reason') or 'see its log'})"
        )
    if phase == "Succeeded" or _condition(live, "Ready").get("status") == "True":
        return READY
    return waiting(f"its phase is {phase}, and it isn't ready")


def _secret(live: Document, _look: Look) -> Verdict:
    is_token = live.get("type") == "kubernetes.io/service-account-token"
    if is_token and not (live.get("data") or {}).get("token"):
        return waiting("its token hasn't been written yet")
    return READY


def _service(live: Document, look: Look) -> Verdict:
    spec = _spec(live)
    if spec.get("type") == "LoadBalancer" and not _addresses(live):
        return waiting("no load balancer has given it an address: does the cluster have one?")
    has_pods_to_find = (
        spec.get("selector") and spec.get("clusterIP") != "None" and spec.get("type") != "ExternalName"
    )
    if not has_pods_to_find or look.waited_seconds >= SETTLING_SECONDS or _has_ready_endpoint(live, look.api):
        return READY
    return waiting("no ready Pod matches its selector")


def _ingress(live: Document, look: Look) -> Verdict:
    namespace = live["metadata"].get("namespace", "")
    paths = [
        path
        for rule in _spec(live).get("rules") or []
        for path in (rule.get("http") or {}).get("paths") or []
    ]
    for path in paths:
        service = ((path.get("backend") or {}).get("service") or {}).get("name")
        if service and look.api.get(Reference("v1", "Service", service, namespace)) is None:
            return waiting(f"there is no Service {service} for its path {path.get('path', '/')}")
    if not _addresses(live):
        return waiting("no ingress controller has given it an address")
    return READY


def _persistent_volume_claim(live: Document, look: Look) -> Verdict:
    phase = _status(live).get("phase")
    if phase == "Bound":
        return READY
    class_name = _spec(live).get("storageClassName")
    if not class_name:
        return waiting(f"its phase is {phase}, and it has no storage class")
    found = look.api.get(Reference("storage.k8s.io/v1", "StorageClass", class_name))
    if found and found.get("volumeBindingMode") == "WaitForFirstConsumer":
        return READY
    return waiting(f"its phase is {phase}")


def _persistent_volume(live: Document, _look: Look) -> Verdict:
    phase = _status(live).get("phase")
    return READY if phase in ("Available", "Bound") else waiting(f"its phase is {phase}")


def _custom_resource_definition(live: Document, _look: Look) -> Verdict:
    refused = _condition(live, "NamesAccepted")
    if refused.get("status") == "False":
        return failed(f"its names aren't accepted ({refused.get('message', '')})")
    if _condition(live, "Established").get("status") == "True":
        return READY
    return waiting("it isn't established")


_RULES: dict[tuple[str, str], Rule] = {
    ("", "PersistentVolume"): _persistent_volume,
    ("", "PersistentVolumeClaim"): _persistent_volume_claim,
    ("", "Pod"): _pod,
    ("", "ReplicationController"): _replica_set,
    ("", "Secret"): _secret,
    ("", "Service"): _service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _custom_resource_definition,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "Deployment"): _deployment,
    ("apps", "ReplicaSet"): _replica_set,
    ("apps", "StatefulSet"): _stateful_set,
    ("batch", "Job"): _job,
    ("networking.k8s.io", "Ingress"): _ingress,
}


def _status(live: Document) -> Document:
    return live.get("status") or {}


def _spec(live: Document) -> Document:
    return live.get("spec") or {}


def _condition(live: Document, kind: str) -> Document:
    found = (each for each in _status(live).get("conditions") or [] if each.get("type") == kind)
    return next(found, {})


def _is_observed(live: Document) -> bool:
    seen: Any = _status(live).get("observedGeneration", 0)
    return bool(seen >= live["metadata"].get("generation", 0))


def _addresses(live: Document) -> list[Document]:
    return (_status(live).get("loadBalancer") or {}).get("ingress") or []


def _has_ready_endpoint(service: Document, api: Api) -> bool:
    metadata = service["metadata"]
    selector = f"kubernetes.io/service-name={metadata['name']}"
    try:
        slices = api.find("discovery.k8s.io/v1", "EndpointSlice", metadata.get("namespace", ""), selector)
    except RefusedError as error:
        if error.status == HTTPStatus.FORBIDDEN:
            return True  # who may not look doesn't wait for it
        raise
    return any(
        (endpoint.get("conditions") or {}).get("ready", True)
        for each in slices
        for endpoint in each.get("endpoints") or []
    )
