"""LiteLLM in the cluster: its database, its migration, its Pods, and the way to them."""

import re
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

from doctor.kubernetes import Document
from doctor.model import Finding, Link, broken, weak, whole
from doctor.scene import Scene

__all__ = ["LINKS"]


# --- the database ----------------------------------------------------------------------------------------


def probe_databases(scene: Scene) -> Iterator[Finding]:
    for deployment in scene.gateways():
        namespace = deployment["metadata"]["namespace"]
        url = scene.environment_of(deployment).get("DATABASE_URL")
        if url is None:
            yield broken(
                _named("Deployment", deployment),
                "its environment has no DATABASE_URL",
                cause="LiteLLM has no database, so it can't keep keys",
                cure="put DATABASE_URL into the Secret that the Deployment's envFrom names",
            )
            continue
        yield _database(scene, namespace, urlsplit(url))


def _database(scene: Scene, namespace: str, url: object) -> Finding:
    host, port = str(getattr(url, "hostname", "")), int(getattr(url, "port", None) or 5432)
    subject = f"Database {host}:{port}"
    name, _, rest = host.partition(".")
    theirs = rest.partition(".")[0] or namespace
    if not host.endswith((".svc", ".svc.cluster.local")) and "." in host:
        return whole(subject, "is outside of the cluster; the gateway's readiness tells")
    service = scene.kubernetes.get(f"/api/v1/namespaces/{theirs}/services/{name}")
    if service is None:
        return broken(
            subject,
            f"there is no Service {theirs}/{name}",
            cause="DATABASE_URL names a host that isn't there",
            cure="correct the URL in Vault, or make the Service",
        )
    if not scene.ready_endpoints(theirs, name):
        return broken(
            subject,
            f"the Service {theirs}/{name} has no ready endpoint",
            cause="the database doesn't run",
            cure=f"kubectl -n {theirs} get pods, and start PostgreSQL",
        )
    return whole(subject, "the Service has a ready endpoint")


# --- the migration ---------------------------------------------------------------------------------------


def probe_migrations(scene: Scene) -> Iterator[Finding]:
    for namespace in scene.namespaces:
        for job in scene.kubernetes.items(f"/apis/batch/v1/namespaces/{namespace}/jobs"):
            template = job["spec"]["template"]["metadata"]
            if "migration" in (template.get("labels") or {}).get("app.kubernetes.io/component", ""):
                yield _migration(scene, job)


def _migration(scene: Scene, job: Document) -> Finding:
    subject = _named("Job", job)
    conditions = {
        item["type"]: item
        for item in (job.get("status") or {}).get("conditions") or []
        if item["status"] == "True"
    }
    if "Complete" in conditions:
        return whole(subject, "has brought the database to its schema")
    if "Failed" in conditions:
        said = _said(scene, job["metadata"]["namespace"], {"job-name": job["metadata"]["name"]})
        cause, cure = _explained(said, "the migration of the database has failed")
        return broken(subject, said or str(conditions["Failed"].get("message")), cause=cause, cure=cure)
    said = _said(scene, job["metadata"]["namespace"], {"job-name": job["metadata"]["name"]})
    if said:
        cause, cure = _explained(said, "the migration of the database fails, and is tried again")
        return broken(subject, said, cause=cause, cure=cure)
    return weak(
        subject,
        "is under way",
        cause="the database isn't at the schema of the image yet",
        cure="wait, then look again",
    )


# --- the Deployment --------------------------------------------------------------------------------------

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
    (r"FailedScheduling|Unschedulable", "no node has room for the Pod", "lower its requests, or add a node"),
    (r"FailedMount", "a volume of the Pod can't be mounted", "see the Pod's events"),
    (r"[Pp]robe failed", "LiteLLM runs but doesn't answer its probes", "see the Pod's log"),
    (r"CrashLoopBackOff|Error", "LiteLLM ends right after its start", "see the Pod's log"),
)


def probe_deployments(scene: Scene) -> Iterator[Finding]:
    found = scene.gateways()
    if not found and scene.stack is not None:
        yield broken(
            "LiteLLM",
            f"no Deployment in {', '.join(scene.namespaces)} runs its image",
            cause="the gateway's Deployment isn't there",
            cure="run `pulumi up`",
        )
    for deployment in found:
        yield from _deployment(scene, deployment)


def _deployment(scene: Scene, deployment: Document) -> Iterator[Finding]:
    subject = _named("Deployment", deployment)
    wanted = deployment["spec"].get("replicas", 1)
    status = deployment.get("status") or {}
    available = status.get("availableReplicas") or 0
    counts = {available, status.get("updatedReplicas") or 0, status.get("replicas") or 0}
    if wanted == 0:
        yield broken(
            subject,
            "scaled to 0 replicas",
            cause="the gateway is switched off",
            cure="scale it up, or run `pulumi up --refresh`",
        )
        return
    if counts != {wanted}:
        said = _said(
            scene, deployment["metadata"]["namespace"], deployment["spec"]["selector"]["matchLabels"]
        )
        cause, cure = _explained(said, "the gateway's Pods aren't ready")
        # A Pod that starts doesn't answer its probes yet: as long as others serve, that is no fault.
        finding = broken if available == 0 or (said and "robe failed" not in said) else weak
        evidence = f"{available} of {wanted} replicas are available, not all of them new"
        evidence += f": {said}" if said else ""
        yield finding(subject, evidence, cause=cause, cure=cure)
        return
    yield whole(subject, f"{available} of {wanted} replicas are available")
    yield from _older_than_secret(scene, deployment)


def _older_than_secret(scene: Scene, deployment: Document) -> Iterator[Finding]:
    """See whether Pods started before their Secret last changed: a variable doesn't follow it."""
    namespace = deployment["metadata"]["namespace"]
    starts = [
        datetime.fromisoformat(pod["status"]["startTime"])
        for pod in scene.pods(namespace, deployment["spec"]["selector"]["matchLabels"])
        if pod["status"].get("startTime")
    ]
    for name in scene.secrets_of(deployment):
        document = scene.kubernetes.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
        changes = [
            datetime.fromisoformat(entry["time"])
            for entry in ((document or {}).get("metadata") or {}).get("managedFields") or []
            if "f:data" in (entry.get("fieldsV1") or {}) and entry.get("time")
        ]
        if starts and changes and min(starts) < max(changes):
            yield weak(
                _named("Deployment", deployment),
                f"its Pods started before the Secret {name} last changed",
                cause="the Pods still run on the values of before",
                cure="run `pulumi up --refresh`, which rolls them out",
            )


def _said(scene: Scene, namespace: str, labels: dict[str, str]) -> str:
    """Find the reason why Pods aren't ready: a container's state, then its log, then an event."""
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
            known = _known_line(scene.log(namespace, pod["metadata"]["name"], container["name"]))
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
    """Give the words of a log that a cause is known for, and no others: a log may hold anything."""
    for pattern, _, _ in _REASONS[3:6]:
        match = re.search(pattern, log)
        if match:
            return match[0]
    return ""


def _explained(said: str, otherwise: str) -> tuple[str, str]:
    for pattern, cause, cure in _REASONS:
        if re.search(pattern, said):
            return cause, cure
    return otherwise, "see the Pods' events and logs"


# --- the way to them -------------------------------------------------------------------------------------


def probe_services(scene: Scene) -> Iterator[Finding]:
    for deployment in scene.gateways():
        namespace = deployment["metadata"]["namespace"]
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        services = [
            item
            for item in scene.kubernetes.items(f"/api/v1/namespaces/{namespace}/services")
            if item["spec"].get("selector") and item["spec"]["selector"].items() <= labels.items()
        ]
        if not services:
            yield broken(
                _named("Deployment", deployment),
                "no Service selects its Pods",
                cause="the gateway's Pods can't be reached: no Service leads to them",
                cure="run `pulumi up --refresh`, or correct the Service's selector",
            )
        for service in services:
            yield _service(scene, service)
    for namespace in scene.namespaces:
        for ingress in scene.kubernetes.items(f"/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses"):
            yield from _ingress(scene, ingress)


def _service(scene: Scene, service: Document) -> Finding:
    subject = _named("Service", service)
    ready = scene.ready_endpoints(service["metadata"]["namespace"], service["metadata"]["name"])
    if ready:
        return whole(subject, f"leads to {len(ready)} ready Pod{'s' if len(ready) > 1 else ''}")
    return broken(
        subject,
        "has no ready endpoint",
        cause="no Pod of the gateway is ready",
        cure="see the Deployment's link",
    )


def _ingress(scene: Scene, ingress: Document) -> Iterator[Finding]:
    subject, namespace = _named("Ingress", ingress), ingress["metadata"]["namespace"]
    for rule in ingress["spec"].get("rules") or []:
        for path in (rule.get("http") or {}).get("paths") or []:
            name = path["backend"]["service"]["name"]
            if scene.kubernetes.get(f"/api/v1/namespaces/{namespace}/services/{name}") is None:
                yield broken(
                    subject,
                    f"leads to the Service {name}, which isn't there",
                    cause=f"the Ingress leads to a Service that doesn't exist: {name}",
                    cure="correct its backend, or run `pulumi up --refresh`",
                )


def _named(kind: str, document: Document) -> str:
    return f"{kind} {document['metadata']['namespace']}/{document['metadata']['name']}"


LINKS = (
    Link(
        "database",
        "Database",
        "The host of DATABASE_URL: that its Service is there and has a ready endpoint.",
        probe_databases,
        needs=("secret",),
    ),
    Link(
        "migration",
        "Migration",
        "The Job that brings the database to the image's schema: that it has ended well.",
        probe_migrations,
        needs=("secret", "database"),
    ),
    Link(
        "deployment",
        "LiteLLM",
        "The gateway's Pods: that all are available, and no older than the Secret with their values. "
        "What keeps them from it is read from their state, their events and known words of their log.",
        probe_deployments,
        needs=("secret", "database", "migration"),
    ),
    Link(
        "service",
        "Service and Ingress",
        "The Service over the Pods and its endpoints, and the Ingress that leads to it.",
        probe_services,
        needs=("deployment",),
    ),
)
