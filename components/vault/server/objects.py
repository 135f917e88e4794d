"""Declares the objects of one foundation: named after it, in its namespace, with its labels."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.kubernetes import Manifest, labels
from schema.foundation import FoundationSettings

__all__ = ["Objects", "identity", "selector"]


def identity(annotations: Mapping[str, str]) -> dict[str, Any]:
    """Give the body of a ServiceAccount to which a cloud gives an identity."""
    return {"metadata": {"annotations": dict(annotations)}} if annotations else {}


def selector(settings: FoundationSettings, component: str) -> dict[str, str]:
    """Give the labels by which the Pods of one part are found; the chart has some of its own."""
    if component == "server" and settings.helm:
        chart = {"app.kubernetes.io/name": settings.helm.chart, "component": component}
        return chart | {"app.kubernetes.io/instance": settings.name}
    return {"app.kubernetes.io/name": settings.name, "app.kubernetes.io/component": component}


class Objects:
    """Makes objects below one component."""

    def __init__(
        self, parent: pulumi.Resource, settings: FoundationSettings, kubernetes_namespace: pulumi.Input[str]
    ) -> None:
        self._parent, self._settings, self._namespace = parent, settings, kubernetes_namespace

    def make(
        self,
        api_version: str,
        kind: str,
        body: Mapping[str, Any],
        *,
        name: str | None = None,
        component: str = "server",
        depends_on: Sequence[pulumi.Resource] = (),
        timeout_seconds: int = 120,
        retain: bool = False,
    ) -> Manifest:
        """Declare one object, called as the foundation unless it has a name of its own."""
        name = name or self._settings.name
        metadata: dict[str, Any] = {
            "name": name,
            "namespace": self._namespace,
            "labels": labels(component, self._settings.name),
        }
        timeout = f"{timeout_seconds}s"
        return Manifest(
            api_version,
            kind,
            f"{kind}-{name}".lower(),
            {**body, "metadata": metadata | body.get("metadata", {})},
            pulumi.ResourceOptions(
                parent=self._parent,
                depends_on=list(depends_on),
                retain_on_delete=retain,
                custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout, delete=timeout),
            ),
        )
