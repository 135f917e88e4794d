"""The operator's Helm chart: its values, and the Application by which Argo CD installs it."""

from collections.abc import Mapping
from typing import Any

from schema import ArgoCDInstall, ChartInstall

__all__ = ["CHART", "application", "chart_values"]

CHART = "external-secrets"


def chart_values(install: ChartInstall) -> dict[str, Any]:
    """Give the chart's values (source: values.yaml of the chart 0.20).

    The CustomResourceDefinitions are part of the chart, and go with it.
    """
    values = {
        "installCRDs": True,
        "replicaCount": install.replicas,
        "leaderElect": install.replicas > 1,
        "serviceAccount": {"create": True, "name": install.service_account},
        "resources": {
            "requests": {"cpu": install.resources.cpu_request, "memory": install.resources.memory_request},
            "limits": {"memory": install.resources.memory_limit},
        },
    }
    return _merged(values, install.values)


def application(install: ArgoCDInstall, sync_wave: int) -> dict[str, Any]:
    """Give the Application (source: Argo CD's operator-manual/application.yaml).

    Parameters
    ----------
    sync_wave
        Before that of everything that uses the operator.
    """
    # Two of the definitions are bigger than what a client-side apply can note of them in an annotation.
    options = ["ServerSideApply=true", f"CreateNamespace={str(install.create_namespace).lower()}"]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": install.application,
            "namespace": install.argocd_namespace,
            "annotations": {"argocd.argoproj.io/sync-wave": str(sync_wave)},
            # A deleted Application takes along what it has installed.
            "finalizers": ["resources-finalizer.argocd.argoproj.io"],
        },
        "spec": {
            "project": install.project,
            "source": {
                "repoURL": install.repository,
                "chart": CHART,
                "targetRevision": install.version,
                "helm": {"releaseName": CHART, "valuesObject": chart_values(install)},
            },
            "destination": {"server": install.cluster, "namespace": install.namespace},
            "syncPolicy": {
                "automated": {"prune": True, "selfHeal": True},
                "syncOptions": options,
                "retry": {
                    "limit": 5,
                    "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"},
                },
            },
        },
    }


def _merged(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Let what the configuration says win, name by name."""
    both = {
        name: _merged(ours[name], theirs[name])
        for name in ours.keys() & theirs.keys()
        if isinstance(ours[name], Mapping) and isinstance(theirs[name], Mapping)
    }
    return {**ours, **theirs, **both}
