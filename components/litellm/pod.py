"""The Pods of the gateway: what the migration Job and the Deployment have in common, and what each adds."""

from collections.abc import Sequence
from typing import Any

import pulumi

from schema import GatewaySettings

__all__ = ["CONFIG_FILE", "PORT", "gateway_pod", "migration_pod"]

PORT = 4000
CONFIG_FILE = "/etc/litellm/config.yaml"

# kube-proxy on every node has dropped a terminating Pod well before this; until then it still gets requests.
DRAIN_SECONDS = 5
# Long enough for a streamed answer that had begun.
GRACE_SECONDS = 60


def migration_pod(gateway: GatewaySettings, secret_name: pulumi.Input[str]) -> dict[str, Any]:
    """Spec of the Pod that brings the database to the schema of the image."""
    container = _container(gateway, "migrate") | {
        "command": gateway.migration.command,
        "env": [
            {"name": "DISABLE_SCHEMA_UPDATE", "value": "false"},
            {
                "name": "DATABASE_URL",
                "valueFrom": {"secretKeyRef": {"name": secret_name, "key": "DATABASE_URL"}},
            },
        ],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "1Gi"}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - a path of the container
    }
    return _pod(gateway, container) | {"restartPolicy": "OnFailure"}


def gateway_pod(
    gateway: GatewaySettings, secret_names: Sequence[pulumi.Input[str]], config_name: pulumi.Input[str]
) -> dict[str, Any]:
    """Spec of one replica: every credential comes from the Secrets, everything else from the ConfigMap."""
    variables = {
        "STORE_MODEL_IN_DB": "True",
        "DISABLE_SCHEMA_UPDATE": "true" if gateway.migration.enabled else "false",
    } | gateway.env
    container = _container(gateway, "litellm") | {
        "args": ["--config", CONFIG_FILE, "--host", "0.0.0.0", "--port", str(PORT)],  # noqa: S104 - inside its Pod
        "envFrom": [{"secretRef": {"name": name}} for name in secret_names],
        "env": [{"name": name, "value": value} for name, value in sorted(variables.items())],
        "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        "startupProbe": _probe("/health/liveliness", 2, gateway.startup_timeout_seconds // 2),
        "readinessProbe": _probe("/health/readiness", 5, 3),
        "livenessProbe": _probe("/health/liveliness", 10, 6),
        "lifecycle": {"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}},
        "resources": {
            "requests": {"cpu": gateway.resources.cpu_request, "memory": gateway.resources.memory_request},
            "limits": {"memory": gateway.resources.memory_limit},
        },
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/litellm", "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a path of the container
        ],
    }
    pod = _pod(gateway, container)
    pod["volumes"] = [*pod["volumes"], {"name": "config", "configMap": {"name": config_name}}]
    return pod | {"terminationGracePeriodSeconds": GRACE_SECONDS}


def _container(gateway: GatewaySettings, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "image": gateway.image,
        "imagePullPolicy": gateway.image_pull_policy,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": gateway.read_only_root_filesystem,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def _pod(gateway: GatewaySettings, container: dict[str, Any]) -> dict[str, Any]:
    return {
        "automountServiceAccountToken": False,
        # A Service called litellm would otherwise put LITELLM_PORT=tcp://... into LiteLLM's own settings.
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": gateway.run_as_user,
            "runAsGroup": gateway.run_as_user,
            "fsGroup": gateway.run_as_user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }


def _probe(path: str, period_seconds: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": period_seconds,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }
