"""Why the Pods of a workload don't run: what a user would look for with ``kubectl describe``."""

from toolchain.plugins.kubernetes.api import Api
from toolchain.plugins.kubernetes.errors import ClusterError
from toolchain.plugins.values import Document

__all__ = ["troubles_of_pod", "troubles_of_workload"]

MOST_SHOWN = 3
MOST_CHARACTERS = 200
_HARMLESS = frozenset({"ContainerCreating", "PodInitializing", "Completed"})


def troubles_of_workload(api: Api, live: Document) -> list[str]:
    """Say what is wrong with the Pods that the workload selects; nothing where that can't be seen."""
    selector = ((live.get("spec") or {}).get("selector") or {}).get("matchLabels")
    if not selector:
        return []
    labels = ",".join(f"{name}={value}" for name, value in selector.items())
    try:
        pods = api.find("v1", "Pod", live["metadata"].get("namespace", ""), labels)
    except ClusterError:
        return []
    return [trouble for pod in pods for trouble in troubles_of_pod(pod)][:MOST_SHOWN]


def troubles_of_pod(pod: Document) -> list[str]:
    """Say what is wrong with one Pod, container by container."""
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    containers = (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or [])
    unscheduled = [
        _said(condition)
        for condition in status.get("conditions") or []
        if condition["type"] == "PodScheduled" and condition["status"] == "False"
    ]
    broken = [
        f"container {container['name']}: {said}"
        for container in containers
        if (said := _trouble_of_container(container))
    ]
    return [f"Pod {name}: {trouble}" for trouble in unscheduled + broken]


def _trouble_of_container(container: Document) -> str:
    state = container.get("state") or {}
    ended = state.get("terminated") or (container.get("lastState") or {}).get("terminated") or {}
    exit_text = f"exit code {ended['exitCode']}" if ended.get("exitCode") else ""
    if waits := state.get("waiting"):
        if waits.get("reason") in _HARMLESS:
            return ""
        return "; ".join(text for text in (_said(waits), exit_text) if text)
    if exit_text:
        return "; ".join(text for text in (exit_text, _in_one_line(ended.get("message", ""))) if text)
    if "running" in state and not container.get("ready", True):
        return "it runs, but its readiness probe doesn't succeed"
    return ""


def _said(source: Document) -> str:
    reason, message = source.get("reason", ""), _in_one_line(source.get("message", ""))
    return f"{reason} ({message})" if message else reason


def _in_one_line(text: str) -> str:
    return " ".join(text.split())[:MOST_CHARACTERS]
