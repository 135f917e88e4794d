"""Why Pods aren't ready: a container's state, known words of its log, an event."""

import re

from doctor.kubernetes import Document
from doctor.scene import Scene

__all__ = ["explained", "named", "reason_of"]

# Words of a log that a cause is known for; no others are shown, for a log may hold anything.
_IN_LOGS = (
    (
        r"Migration \S+ failed|P3009|P3018",
        "a migration of the database has failed, so its schema is between two versions",
        "mend what its log names, note it by `prisma migrate resolve`, and run `pulumi up`",
    ),
    (
        r"DATABASE_URL uses unsupported scheme",
        "DATABASE_URL isn't an address that begins with postgresql://",
        "write the right URL to Vault, and roll the Pods out",
    ),
    (
        r"password authentication failed|P1000",
        "the database refuses the user or password of DATABASE_URL",
        "write the right URL to Vault, and roll the Pods out",
    ),
    (
        r"database .* does not exist|P1003",
        "the database that DATABASE_URL names doesn't exist",
        "create it, or correct the URL in Vault",
    ),
    (
        r"Can't reach database server|Connection refused|could not translate host|P1001",
        "the database can't be reached from the Pods",
        "start PostgreSQL, or correct the host in DATABASE_URL",
    ),
)

# What a container waits for, or its log says -> cause, cure. The first that matches counts.
_REASONS = (
    (
        r"ErrImagePull|ImagePullBackOff|ErrImageNeverPull|InvalidImageName",
        "the image can't be had",
        "correct gateway.image, or make the image reachable from the nodes",
    ),
    (
        r"CreateContainerConfigError|secret .* not found|configmap .* not found",
        "the Pod names a Secret, a ConfigMap or a key that isn't there",
        "see the Secret's link; the Pod starts by itself afterwards",
    ),
    (r"OOMKilled", "the container needs more memory than its limit", "raise gateway.resources.memoryLimit"),
    *_IN_LOGS,
    (r"FailedScheduling|Unschedulable", "no node has room for the Pod", "lower its requests, or add a node"),
    (r"FailedMount", "a volume of the Pod can't be mounted", "see the Pod's events"),
    (r"[Pp]robe failed", "LiteLLM runs but doesn't answer its probes", "see the Pod's log"),
    (r"CrashLoopBackOff|Error", "LiteLLM ends right after its start", "see the Pod's log"),
)


def reason_of(scene: Scene, namespace: str, labels: dict[str, str]) -> str:
    """Find the reason why Pods with these labels aren't ready; empty if there is none to be seen."""
    for pod in scene.pods(namespace, labels):
        statuses = [
            *(pod["status"].get("initContainerStatuses") or []),
            *(pod["status"].get("containerStatuses") or []),
        ]
        for container in statuses:
            if container.get("ready"):
                continue
            last = ((container.get("lastState") or {}).get("terminated") or {}).get("reason", "")
            if last == "OOMKilled":
                return "OOMKilled"
            known = _known_line(scene.log(pod, container["name"]))
            if known:
                return known
            waiting = (container.get("state") or {}).get("waiting") or {}
            if waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
                return " ".join(f"{waiting['reason']} {waiting.get('message', '')}".split())
        warnings = [item for item in scene.events(pod) if item.get("type") == "Warning"]
        if warnings:
            return f"{warnings[0]['reason']} {' '.join(warnings[0]['message'].split())}"
    return ""


def _known_line(log: str) -> str:
    for pattern, _, _ in _IN_LOGS:
        match = re.search(pattern, log)
        if match:
            return match[0]
    return ""


def explained(said: str, otherwise: str) -> tuple[str, str]:
    """Give cause and cure of what `reason_of` has found."""
    for pattern, cause, cure in _REASONS:
        if re.search(pattern, said):
            return cause, cure
    return otherwise, "see the Pods' events and logs"


def named(kind: str, document: Document) -> str:
    return f"{kind} {document['metadata']['namespace']}/{document['metadata']['name']}"
