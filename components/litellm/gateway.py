"""The gateway: ConfigMap, migration Job, Deployment, Service and PodDisruptionBudget."""

import hashlib
from collections.abc import Sequence
from typing import Any

import pulumi

from components.kubernetes import SKIP_AWAIT, Manifest, labels
from components.litellm.config import render_config
from components.litellm.database import DatabaseUrl
from components.litellm.pod import PORT, gateway_pod, migration_pod
from schema import GatewaySettings, ModelSettings

__all__ = ["Gateway"]

NAME = "litellm"
RELOADED = "secret.reloader.stakater.com/reload"
"""Names the Secrets whose change has Stakater's Reloader roll the Pods."""


class Gateway(pulumi.ComponentResource):
    """LiteLLM, migrated before each rollout and rolled out when its config or a version in Vault changes.

    Attributes
    ----------
    service_name
        Name of the Service; its port is `PORT`.
    url
        Where the key API answers: the configured address, or the Service's ClusterIP.
    reach
        The way to it through the Kubernetes API, if the program shall take that one.
    ready
        Resources to depend on for whoever calls the gateway.
    """

    service_name: pulumi.Output[str]
    url: pulumi.Output[str]
    reach: dict[str, Any] | None
    ready: list[pulumi.Resource]

    def __init__(
        self,
        name: str,
        *,
        gateway: GatewaySettings,
        models: Sequence[ModelSettings],
        kubernetes_namespace: pulumi.Input[str],
        database: DatabaseUrl,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("llm-gateway:litellm:Gateway", name, None, opts)
        self._name, self._settings, self._namespace = name, gateway, kubernetes_namespace
        selector = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/component": "gateway"}
        config_text = render_config(gateway, models)

        config = self._object("v1", "ConfigMap", "config", {"data": {"config.yaml": config_text}})
        migrated = [self._migration(database)] if gateway.migration.enabled else []
        template_annotations = {
            "checksum/config": hashlib.sha256(config_text.encode()).hexdigest(),
            "llm-gateway/vault-versions": database.versions,
        }
        deployment = self._object(
            "apps/v1",
            "Deployment",
            "deployment",
            {
                "metadata": {"annotations": {RELOADED: pulumi.Output.all(*database.secrets).apply(",".join)}},
                "spec": {
                    "replicas": gateway.replicas,
                    "strategy": {
                        "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
                        "type": "RollingUpdate",
                    },
                    "selector": {"matchLabels": selector},
                    "template": {
                        "metadata": {"labels": labels("gateway"), "annotations": template_annotations},
                        "spec": gateway_pod(gateway, database.secrets, config.object_name)
                        | {"topologySpreadConstraints": [_spread(selector)]},
                    },
                },
            },
            depends_on=migrated,
            timeout_seconds=gateway.startup_timeout_seconds * 2,
        )
        service = self._object(
            "v1",
            "Service",
            "service",
            {
                "metadata": {"annotations": SKIP_AWAIT},
                "spec": {
                    "type": "ClusterIP",
                    "selector": selector,
                    "ports": [{"name": "http", "port": PORT, "targetPort": "http", "protocol": "TCP"}],
                },
            },
        )
        if gateway.replicas > 1:
            budget = {"maxUnavailable": 1, "selector": {"matchLabels": selector}}
            self._object("policy/v1", "PodDisruptionBudget", "disruption-budget", {"spec": budget})

        self.service_name = service.object_name
        self.url = (
            pulumi.Output.from_input(gateway.url)
            if gateway.url
            else service.spec["clusterIP"].apply(lambda address: f"http://{address}:{PORT}")
        )
        forwarded = {"namespace": kubernetes_namespace, "service": self.service_name, "port": PORT}
        self.reach = {"port_forward": forwarded} if gateway.reach == "port-forward" else None
        self.ready = [deployment, service]
        self.register_outputs({"url": self.url})

    def _migration(self, database: DatabaseUrl) -> Manifest:
        """Run the migrations; a changed image or database replaces the Job, and so runs them again."""
        settings = self._settings.migration
        return self._object(
            "batch/v1",
            "Job",
            "migration",
            {
                "metadata": {"name": None},
                "spec": {
                    "backoffLimit": 6,
                    "activeDeadlineSeconds": settings.timeout_seconds,
                    "template": {
                        "metadata": {
                            "labels": labels("migration"),
                            "annotations": {"llm-gateway/database-version": database.database},
                        },
                        "spec": migration_pod(self._settings, database.secret),
                    },
                },
            },
            timeout_seconds=settings.timeout_seconds + 30,
        )

    def _object(
        self,
        api_version: str,
        kind: str,
        suffix: str,
        body: dict[str, Any],
        *,
        depends_on: Sequence[pulumi.Resource] = (),
        timeout_seconds: int = 120,
    ) -> Manifest:
        """Declare one object of the gateway, called `litellm` unless its body says otherwise."""
        metadata = {"name": NAME, "namespace": self._namespace, "labels": labels("gateway")}
        timeout = f"{timeout_seconds}s"
        return Manifest(
            api_version,
            kind,
            f"{self._name}-{suffix}",
            body | {"metadata": metadata | body.get("metadata", {})},
            pulumi.ResourceOptions(
                parent=self,
                depends_on=list(depends_on),
                custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout),
            ),
        )


def _spread(selector: dict[str, str]) -> dict[str, Any]:
    """Keep replicas on different nodes where there are several."""
    return {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": selector},
    }
