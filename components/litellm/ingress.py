"""The way in from outside the cluster: an Ingress or an HTTPRoute, or none."""

from typing import Any

import pulumi

from components.kubernetes import SKIP_AWAIT, Manifest, labels
from components.litellm.pod import PORT
from schema import IngressSettings

__all__ = ["expose"]


def expose(
    name: str,
    *,
    ingress: IngressSettings,
    kubernetes_namespace: pulumi.Input[str],
    service_name: pulumi.Input[str],
    opts: pulumi.ResourceOptions | None = None,
) -> Manifest | None:
    """Declare what brings traffic for the host to the Service.

    Returns
    -------
    Manifest or None
        None when the settings ask for no way in.
    """
    metadata = {
        "name": name,
        "namespace": kubernetes_namespace,
        "labels": labels("ingress"),
        "annotations": _annotations(ingress),
    }
    match ingress.kind:
        case "ingress":
            body = {"metadata": metadata, "spec": _ingress_spec(ingress, service_name)}
            return Manifest("networking.k8s.io/v1", "Ingress", f"{name}-ingress", body, opts)
        case "httproute":
            body = {"metadata": metadata, "spec": _route_spec(ingress, service_name)}
            return Manifest("gateway.networking.k8s.io/v1", "HTTPRoute", f"{name}-route", body, opts)
        case "none":
            return None


def _annotations(ingress: IngressSettings) -> dict[str, str]:
    annotations: dict[str, str] = {}
    if ingress.kind == "ingress":
        annotations["nginx.ingress.kubernetes.io/ssl-redirect"] = str(ingress.ssl_redirect).lower()
        if ingress.cert_manager_issuer:
            annotations["cert-manager.io/cluster-issuer"] = ingress.cert_manager_issuer
    if not ingress.await_address:
        # Without a controller that reports an address the plugin would wait ten minutes for one.
        annotations |= SKIP_AWAIT
    return annotations | ingress.annotations


def _ingress_spec(ingress: IngressSettings, service_name: pulumi.Input[str]) -> dict[str, Any]:
    backend = {"service": {"name": service_name, "port": {"name": "http"}}}
    spec: dict[str, Any] = {
        "ingressClassName": ingress.class_name,
        "rules": [
            {
                "host": ingress.host,
                "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
            }
        ],
    }
    if ingress.tls_secret:
        spec["tls"] = [{"hosts": [ingress.host], "secretName": ingress.tls_secret}]
    return spec


def _route_spec(ingress: IngressSettings, service_name: pulumi.Input[str]) -> dict[str, Any]:
    parent = {"name": ingress.gateway_name, "namespace": ingress.gateway_namespace}
    return {
        "parentRefs": [{key: value for key, value in parent.items() if value}],
        "hostnames": [ingress.host],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "backendRefs": [{"name": service_name, "port": PORT}],
            }
        ],
    }
