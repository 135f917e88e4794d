"""The way to the gateway: Service, Ingress, its class and its certificate."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from cryptography import x509

from doctor.kubernetes import Document
from doctor.links.pods import named
from doctor.model import Finding, Link, broken, weak, whole
from doctor.scene import Scene

__all__ = ["LINKS"]

_SOON_DAYS = 7


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
                named("Deployment", deployment),
                "no Service selects its Pods",
                cause="the gateway's Pods can't be reached: no Service leads to them",
                cure="run `pulumi up --refresh`, or correct the Service's selector",
            )
        for service in services:
            yield _service(scene, service)


def _service(scene: Scene, service: Document) -> Finding:
    subject = named("Service", service)
    ready = scene.ready_endpoints(service["metadata"]["namespace"], service["metadata"]["name"])
    if ready:
        return whole(subject, f"leads to {len(ready)} ready Pod{'s' if len(ready) > 1 else ''}")
    return broken(
        subject,
        "has no ready endpoint",
        cause="no Pod of the gateway is ready",
        cure="see the Deployment's link",
    )


# --- from outside ----------------------------------------------------------------------------------------


def probe_ingresses(scene: Scene) -> Iterator[Finding]:
    for namespace in scene.namespaces:
        for ingress in scene.kubernetes.items(f"/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses"):
            problems = [*_backends(scene, ingress), *_class_and_certificates(scene, ingress)]
            yield from problems
            if not problems:
                yield whole(named("Ingress", ingress), _served_by(scene, ingress))


def _backends(scene: Scene, ingress: Document) -> Iterator[Finding]:
    subject, namespace = named("Ingress", ingress), ingress["metadata"]["namespace"]
    for rule in ingress["spec"].get("rules") or []:
        for path in (rule.get("http") or {}).get("paths") or []:
            name = (path["backend"].get("service") or {}).get("name")
            if name and scene.kubernetes.get(f"/api/v1/namespaces/{namespace}/services/{name}") is None:
                yield broken(
                    subject,
                    f"leads to the Service {name}, which isn't there",
                    cause=f"the Ingress leads to a Service that doesn't exist: {name}",
                    cure="correct its backend, or run `pulumi up --refresh`",
                )


def _classes(scene: Scene) -> list[str]:
    """Name the cluster's Ingress classes; none means that no controller runs here, so nobody is missed."""
    items = scene.kubernetes.items("/apis/networking.k8s.io/v1/ingressclasses")
    return sorted(item["metadata"]["name"] for item in items)


def _served_by(scene: Scene, ingress: Document) -> str:
    wanted = ingress["spec"].get("ingressClassName")
    if wanted in _classes(scene):
        return f"its class {wanted} and its certificates are there"
    return f"its class is {wanted}; no ingress controller runs in this cluster, so nobody serves it"


def _class_and_certificates(scene: Scene, ingress: Document) -> Iterator[Finding]:
    subject, classes = named("Ingress", ingress), _classes(scene)
    wanted = ingress["spec"].get("ingressClassName")
    if not classes:
        return
    if wanted is not None and wanted not in classes:
        yield broken(
            subject,
            f"its class is {wanted}; the cluster has {', '.join(classes)}",
            cause=f"no ingress controller serves the Ingress: there is no class {wanted}",
            cure="correct gateway.ingress.className, or install that controller",
        )
        return
    for entry in ingress["spec"].get("tls") or []:
        if entry.get("secretName"):
            yield from _certificate(scene, ingress, entry["secretName"], entry.get("hosts") or [])


def _certificate(scene: Scene, ingress: Document, name: str, hosts: list[str]) -> Iterator[Finding]:
    subject = f"Secret {ingress['metadata']['namespace']}/{name}"
    document = scene.kubernetes.get(f"/api/v1/namespaces/{ingress['metadata']['namespace']}/secrets/{name}")
    pem = base64.b64decode(((document or {}).get("data") or {}).get("tls.crt") or "")
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError:
        what = "isn't there" if document is None else "holds no certificate (tls.crt)"
        yield broken(
            subject,
            what,
            cause=f"the certificate of the {named('Ingress', ingress)} {what}",
            cure="let cert-manager issue it (gateway.ingress.certManagerIssuer), or write it",
        )
        return
    missing = [host for host in hosts if not any(_covers(pattern, host) for pattern in _names(certificate))]
    if missing:
        yield broken(
            subject,
            f"its certificate is for {', '.join(_names(certificate)) or 'no name'}",
            cause=f"the Ingress's certificate doesn't carry the host {', '.join(missing)}",
            cure="issue one with that name",
        )
    left = certificate.not_valid_after_utc - datetime.now(UTC)
    evidence = f"its certificate ends at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
    if left.total_seconds() < 0:
        yield broken(
            subject, evidence, cause="the Ingress's certificate has expired", cure="issue a new certificate"
        )
    elif left.days < _SOON_DAYS:
        yield weak(
            subject,
            evidence,
            cause=f"the Ingress's certificate ends within {_SOON_DAYS} days",
            cure="issue a new certificate, and see why it wasn't renewed",
        )


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return list(extension.value.get_values_for_type(x509.DNSName))


def _covers(pattern: str, host: str) -> bool:
    """Whether a name of a certificate is a host's: `*` stands for one label."""
    return fnmatchcase(host.lower(), pattern.lower()) and host.count(".") == pattern.count(".")


LINKS = (
    Link(
        "service",
        "Service",
        "The Service over the gateway's Pods, and its endpoints.",
        probe_services,
        needs=("deployment",),
    ),
    Link(
        "ingress",
        "Ingress",
        "The Ingress that leads to the Service: its backend, its class, and the certificates of its hosts. "
        "In a cluster without any Ingress class nobody serves it, which is said and no fault.",
        probe_ingresses,
        needs=("service",),
    ),
)
