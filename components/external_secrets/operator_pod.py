"""The operator's Pod, as its chart has it: locked down, and without its webhook."""

from typing import Any

import pulumi

from schema import ManifestsInstall

__all__ = ["LABELS", "operator_pod"]

LABELS = {"app.kubernetes.io/name": "external-secrets", "app.kubernetes.io/component": "operator"}
USER = 1000


def operator_pod(install: ManifestsInstall, account: pulumi.Input[str]) -> dict[str, Any]:
    """Spec of one replica (source: templates/deployment.yaml of the chart 0.20, `livenessProbe.enabled`).

    The controller serves no readiness; it is alive once its manager runs.
    """
    health = {"httpGet": {"port": "live", "path": "/healthz"}}
    container = {
        "name": "external-secrets",
        "image": install.image,
        "imagePullPolicy": install.image_pull_policy,
        "args": [
            f"--enable-leader-election={str(install.replicas > 1).lower()}",
            "--concurrent=1",
            "--metrics-addr=:8080",
            "--live-addr=:8082",
        ],
        "ports": [
            {"name": "metrics", "containerPort": 8080, "protocol": "TCP"},
            {"name": "live", "containerPort": 8082, "protocol": "TCP"},
        ],
        "livenessProbe": {**health, "initialDelaySeconds": 10, "periodSeconds": 10, "failureThreshold": 5},
        "readinessProbe": {**health, "periodSeconds": 2},
        "resources": {
            "requests": {"cpu": install.resources.cpu_request, "memory": install.resources.memory_request},
            "limits": {"memory": install.resources.memory_limit},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return {"serviceAccountName": account, "enableServiceLinks": False, "containers": [container]}
