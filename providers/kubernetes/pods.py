"""What can be read off Pods: which belong together, which are ready, and what keeps the others from it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from providers.kubernetes.errors import ClusterSetupError
from providers.kubernetes.objects import condition

__all__ = ["container_port", "is_ready", "label_selector", "trouble"]

Pod = Mapping[str, Any]


def label_selector(labels: Mapping[str, str]) -> str:
    """Write labels as a query: `a=b,c=d`."""
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items()))


def is_ready(pod: Pod) -> bool:
    """Whether a Pod takes traffic and isn't about to stop."""
    ready = condition(pod.get("status") or {}, "Ready")
    return ready is not None and ready["status"] == "True" and "deletionTimestamp" not in pod["metadata"]


def container_port(pod: Pod, target: int | str) -> int:
    """Give the number of a Service's targetPort, which may be a name that each Pod numbers by itself.

    Raises
    ------
    ClusterSetupError
        If the Pod has no port of that name.
    """
    if isinstance(target, int):
        return target
    for container in pod["spec"]["containers"]:
        for port in container.get("ports") or ():
            if port.get("name") == target:
                return int(port["containerPort"])
    raise ClusterSetupError(
        f"Pod {pod['metadata']['namespace']}/{pod['metadata']['name']} has no port named {target!r}, "
        "to which its Service leads; see that both use one name"
    )


def trouble(pods: Iterable[Pod]) -> str:
    """Say of each Pod that isn't ready why: `search-7d9f: ImagePullBackOff`; empty if nothing is known."""
    return ", ".join(
        f"Pod {pod['metadata']['name']}: {reason}"
        for pod in pods
        if not is_ready(pod) and (reason := next(_reasons(pod), None))
    )


def _reasons(pod: Pod) -> Iterator[str]:
    status = pod.get("status") or {}
    for kind in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(kind) or ():
            waiting = (container.get("state") or {}).get("waiting") or {}
            if "reason" in waiting:
                yield waiting["reason"]
    scheduled = condition(status, "PodScheduled")
    if scheduled and scheduled["status"] == "False":
        yield scheduled.get("message") or scheduled.get("reason") or "not scheduled"
