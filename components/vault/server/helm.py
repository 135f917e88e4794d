"""The official Helm chart, with the values that the same settings give."""

from typing import Any

import pulumi

from components.vault.server.config import server_config
from components.vault.server.places import TLS_FOLDER, places_of
from components.vault.server.pod import PREFIX, affinity, resources, secret_volumes
from components.vault.server.storage import volumes_of
from schema.foundation import FoundationSettings, HelmSettings, VolumeSettings

__all__ = ["helm_release", "helm_values"]


def helm_release(
    settings: FoundationSettings,
    chart: HelmSettings,
    kubernetes_namespace: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Resource:
    """Declare the release."""
    from pulumi_kubernetes.helm.v3 import Release, RepositoryOptsArgs  # noqa: PLC0415 - costs a second

    return Release(
        settings.name,
        name=settings.name,
        chart=chart.chart,
        version=chart.version,
        repository_opts=RepositoryOptsArgs(repo=chart.repository),
        namespace=kubernetes_namespace,
        # Vault isn't ready before somebody has initialised it.
        skip_await=True,
        values=helm_values(settings),
        opts=opts,
    )


def helm_values(settings: FoundationSettings) -> dict[str, Any]:
    """Give the chart's values; their keys are those of its values.yaml."""
    server, places = settings.server, places_of(settings)
    prefix = PREFIX[server.product]
    volumes, mounts = secret_volumes(settings)
    repository, tag = _image(server.image)
    kept = "Retain" if settings.retain_data else "Delete"
    return {
        "fullnameOverride": settings.name,
        "global": {
            "tlsDisable": False,
            "serverTelemetry": {"prometheusOperator": settings.service_monitor},
        },
        "injector": {"enabled": server.injector},
        "ui": {"enabled": server.ui},
        "serverTelemetry": {"serviceMonitor": {"enabled": settings.service_monitor}},
        "server": {
            "image": {"repository": repository, "tag": tag},
            "resources": resources(settings),
            "affinity": affinity(settings),
            "authDelegator": {"enabled": True},
            "serviceAccount": {"annotations": server.service_account_annotations},
            "networkPolicy": {"enabled": False},
            "dataStorage": _storage(settings.data_storage, places.data, enabled=True),
            "auditStorage": _storage(
                settings.audit_storage, places.audit, enabled="audit" in volumes_of(settings)
            ),
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": kept, "whenScaled": "Retain"},
            "volumes": volumes,
            "volumeMounts": mounts,
            "extraEnvironmentVars": {
                f"{prefix}_CACERT": f"{TLS_FOLDER}/ca.crt",
                f"{prefix}_TLS_SERVER_NAME": settings.service_host,
                **server.env,
            },
            "standalone": {"enabled": False},
            "ha": {
                "enabled": True,
                "replicas": server.replicas,
                "raft": {"enabled": True, "setNodeId": True, "config": server_config(settings)},
                "disruptionBudget": {
                    "enabled": server.replicas > 1,
                    "maxUnavailable": (server.replicas - 1) // 2,
                },
            },
        },
    }


def _storage(volume: VolumeSettings, path: str, *, enabled: bool) -> dict[str, Any]:
    return {
        "enabled": enabled,
        "size": volume.size,
        "mountPath": path,
        "storageClass": volume.storage_class,
        "accessMode": "ReadWriteOnce",
    }


def _image(reference: str) -> tuple[str, str]:
    """Part repository and tag, as the chart takes them; a digest stands in the tag."""
    name, at, digest = reference.partition("@")
    folder, _, last = name.rpartition("/")
    base, _, tag = last.partition(":")
    repository = f"{folder}/{base}" if folder else base
    return repository, (tag or "latest") + at + digest
