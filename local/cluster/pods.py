"""What the Pods of one part are at."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.cluster.api import Cluster

__all__ = ["PodState", "pod_states", "unready_reason"]


@dataclass(frozen=True)
class PodState:
    """One Pod in a few words.

    Parameters
    ----------
    part
        Value of its label ``app`` (or ``app.kubernetes.io/name``), else its own name.
    uid
        Part of its control group's name.
    started_at
        Start of its youngest container, seconds since the epoch; 0 while none runs.
    restarts
        How often its containers died.
    reason
        Why it isn't ready; empty when it is.
    checksum
        The version of its configuration, as the platform's own templates carry it.
    """

    namespace: str
    name: str
    uid: str
    part: str
    address: str
    ready: bool
    started_at: float
    restarts: int
    reason: str
    checksum: str
    containers: tuple[str, ...]

    @classmethod
    def of(cls, pod: Mapping[str, Any]) -> "PodState":
        metadata, status = pod["metadata"], pod.get("status", {})
        labels = metadata.get("labels", {})
        containers = status.get("containerStatuses", [])
        starts = [_started_at(container) for container in containers]
        conditions = {each["type"]: each["status"] for each in status.get("conditions", [])}
        deleted = "deletionTimestamp" in metadata
        ready = conditions.get("Ready") == "True" and not deleted
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            part=labels.get("app") or labels.get("app.kubernetes.io/name") or metadata["name"],
            address=status.get("podIP", ""),
            ready=ready,
            started_at=max(starts) if starts and all(starts) else 0.0,
            restarts=sum(container.get("restartCount", 0) for container in containers),
            reason="" if ready else ("Terminating" if deleted else _reason(status)),
            checksum=metadata.get("annotations", {}).get("llm-gateway/checksum", ""),
            containers=tuple(container["name"] for container in pod["spec"]["containers"]),
        )


def pod_states(cluster: Cluster, namespace: str = "", selector: str = "") -> list[PodState]:
    """Return the Pods of a namespace, or of all; finished ones are left out."""
    pods = cluster.objects("Pod", namespace, selector)
    return [
        PodState.of(pod) for pod in pods if pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")
    ]


def unready_reason(
    cluster: Cluster, namespace: str, part: str, checksum: str, not_before: float
) -> str | None:
    """Return what a part's Pods wait for, or None when one of the wanted version is ready.

    Parameters
    ----------
    cluster
        Where the part runs.
    namespace, part
        The part's namespace and its label ``app``.
    checksum
        The version of its configuration that the Pods must have.
    not_before
        Seconds since the epoch: what the API server says of containers that started before is stale, for the
        node itself started later.
    """
    pods = [pod for pod in pod_states(cluster, namespace, f"app={part}") if pod.checksum == checksum]
    if any(pod.ready and pod.started_at >= not_before for pod in pods):
        return None
    reasons = [pod.reason or "Pod of an earlier start" for pod in pods]
    return "; ".join(sorted(set(reasons))) or "no Pod yet"


def _started_at(container: Mapping[str, Any]) -> float:
    moment = container.get("state", {}).get("running", {}).get("startedAt")
    return dt.datetime.fromisoformat(moment).timestamp() if moment else 0.0


def _reason(status: Mapping[str, Any]) -> str:
    for container in status.get("containerStatuses", []):
        waiting = container.get("state", {}).get("waiting", {})
        if waiting.get("reason"):
            message = waiting.get("message", "").strip()
            return f"{waiting['reason']}: {message}" if message else str(waiting["reason"])
    for condition in status.get("conditions", []):
        if condition["status"] == "False" and condition.get("message"):
            return str(condition["message"])
    return str(status.get("phase", "Unknown"))
