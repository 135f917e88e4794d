"""A Deployment is restarted for a new key, once, and its rollout watched to the end."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from providers.kubernetes.api import ClusterApi
from providers.kubernetes.errors import ClusterDeniedError, ClusterUnavailableError, NotFollowedError
from providers.kubernetes.objects import DEPLOYMENT, POD, Named
from providers.kubernetes.pods import label_selector, trouble
from providers.waiting import wait_until

__all__ = ["await_rollout", "unfinished"]

_RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_RESTARTED_FOR = "llm-gateway/restarted-for-key"


def await_rollout(
    api: ClusterApi, name: str, mark: str, timeout_seconds: float, report: Callable[[str], None]
) -> None:
    """Restart a Deployment's Pods unless that was done for this key, and wait for the new ones.

    Parameters
    ----------
    name
        `namespace/name` of the Deployment.
    mark
        Stands for the key; it is kept in the Pod template.
    timeout_seconds
        How long.
    report
        Is told what is awaited.

    Raises
    ------
    NotFollowedError
        If the rollout isn't complete in time.
    providers.kubernetes.errors.ClusterError
        If the cluster refuses.
    """
    namespace, _, object_name = name.partition("/")
    deployment = Named(DEPLOYMENT, namespace, object_name)
    document = api.get(deployment)
    template = document["spec"]["template"].get("metadata") or {}
    if (template.get("annotations") or {}).get(_RESTARTED_FOR) != mark:
        annotations = {_RESTARTED_AT: _now(), _RESTARTED_FOR: mark}
        api.merge(deployment, {"spec": {"template": {"metadata": {"annotations": annotations}}}})

    def look() -> str | None:
        try:
            return unfinished(api.get(deployment))
        except ClusterUnavailableError as error:
            return error.why

    missing = wait_until(
        look, what=f"the rollout of {deployment}", timeout_seconds=timeout_seconds, report=report
    )
    if missing:
        why = f"{missing}{_trouble(api, namespace, document)}"
        raise NotFollowedError(str(deployment), timeout_seconds, why)


def unfinished(deployment: Mapping[str, Any]) -> str | None:
    """Say what a rollout still lacks, by the rules of `kubectl rollout status`; None if it is complete."""
    spec, status = deployment["spec"], deployment.get("status") or {}
    wanted = spec.get("replicas", 1)
    made, updated = status.get("replicas", 0), status.get("updatedReplicas", 0)
    available = status.get("availableReplicas", 0)
    if spec.get("paused"):
        return "it is paused, so that no new Pod is made"
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return "its change has not been looked at yet"
    if updated < wanted:
        return f"{updated} of {wanted} new Pods are made"
    if made > updated:
        return f"{made - updated} old Pods are still there"
    return f"{available} of {updated} new Pods are available" if available < updated else None


def _trouble(api: ClusterApi, namespace: str, deployment: Mapping[str, Any]) -> str:
    query = {"labelSelector": label_selector(deployment["spec"]["selector"].get("matchLabels") or {})}
    try:
        found = trouble(api.items(POD, namespace, query))
    except ClusterDeniedError:  # a help only: who may not see Pods is told less
        return ""
    return f"; {found}" if found else ""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
