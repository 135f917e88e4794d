"""NetworkPolicies: who reaches the servers, and whom they reach."""

from typing import Any

from components.vault.server.objects import Objects, selector
from components.vault.server.places import API_PORT, CLUSTER_PORT
from schema.foundation import FoundationSettings

__all__ = ["network_policies"]

NAMESPACE_NAME = "kubernetes.io/metadata.name"


def network_policies(objects: Objects, settings: FoundationSettings) -> None:
    """Declare one for the servers and one for the snapshots."""
    if not settings.network.policies:
        return
    servers = {"podSelector": {"matchLabels": selector(settings, "server")}}
    snapshots = {"podSelector": {"matchLabels": selector(settings, "snapshot")}}
    dns = {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}
    # The API server reviews tokens; a KMS, an object store or another Vault is somewhere outside.
    outside = {"ports": _tcp(443, 6443, API_PORT)}
    objects.make(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        {
            "spec": {
                **servers,
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [
                    {"from": [*_clients(settings), snapshots], "ports": _tcp(API_PORT)},
                    {"from": [servers], "ports": _tcp(API_PORT, CLUSTER_PORT)},
                ],
                "egress": [{"to": [servers], "ports": _tcp(API_PORT, CLUSTER_PORT)}, dns, outside],
            }
        },
    )
    if settings.snapshots:
        objects.make(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            {
                "spec": {
                    **snapshots,
                    "policyTypes": ["Ingress", "Egress"],
                    "ingress": [],
                    "egress": [
                        {"to": [servers], "ports": _tcp(API_PORT)},
                        dns,
                        *([{"ports": _tcp(443)}] if settings.snapshots.target == "s3" else []),
                    ],
                }
            },
            name=f"{settings.name}-snapshot",
            component="snapshot",
        )


def _clients(settings: FoundationSettings) -> list[dict[str, Any]]:
    if not settings.network.client_namespaces:
        return [{"namespaceSelector": {}}]
    wanted = [*settings.network.client_namespaces, settings.namespace]
    expression = {"key": NAMESPACE_NAME, "operator": "In", "values": wanted}
    return [{"namespaceSelector": {"matchExpressions": [expression]}}]


def _tcp(*ports: int) -> list[dict[str, Any]]:
    return [{"port": port, "protocol": "TCP"} for port in ports]
