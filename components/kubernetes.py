"""Kubernetes objects in the spelling of their manifests, and the provider that applies them.

The typed classes of `pulumi_kubernetes` cost most of a second at each preview, only to turn snake_case back
into what the API server takes. A manifest needs none of that: the resource type is the same, so the plugin,
the state and the preview are too.
"""

from collections.abc import Mapping
from importlib import metadata
from typing import Any

import pulumi

from schema import KubernetesSettings

__all__ = ["SKIP_AWAIT", "WAIT_READY", "Cluster", "Manifest", "labels", "namespace"]

# A ClusterIP Service is ready as soon as it exists; the plugin would wait ten seconds for nothing.
SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
# Custom resources are awaited by condition, or an `up` would end before the operator had looked at them.
WAIT_READY = {"pulumi.com/waitFor": "condition=Ready"}

_VERSION = metadata.version("pulumi-kubernetes")
_BODY = ("metadata", "spec", "data", "stringData", "type", "rules", "roleRef", "subjects")


class Manifest(pulumi.CustomResource):
    """One Kubernetes object.

    Parameters
    ----------
    api_version, kind
        As in a manifest: `apps/v1`, `Deployment`.
    name
        The resource's name in the stack.
    body
        `metadata`, `spec` and the like, in the API's own camelCase. Without `metadata.name` the object is
        named after the resource, with a random suffix, so that a replacement is made before the deletion.
    """

    metadata: pulumi.Output[Any]
    data: pulumi.Output[Any]
    spec: pulumi.Output[Any]
    status: pulumi.Output[Any]

    def __init__(
        self,
        api_version: str,
        kind: str,
        name: str,
        body: Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        known = {**dict.fromkeys(_BODY), **body, "apiVersion": api_version, "kind": kind, "status": None}
        group_version = api_version if "/" in api_version else f"core/{api_version}"
        version = pulumi.ResourceOptions(version=_VERSION)
        super().__init__(
            f"kubernetes:{group_version}:{kind}", name, known, pulumi.ResourceOptions.merge(version, opts)
        )

    @property
    def object_name(self) -> pulumi.Output[str]:
        """The object's name on the server."""
        return self.metadata["name"]


class Cluster(pulumi.ProviderResource):
    """The provider of a cluster, which the plugin finds by KUBECONFIG unless the settings name a kubeconfig.

    The typed class would write the path of the kubeconfig into the state, so that every preview made on
    another machine showed a change. Changed ConfigMaps and Secrets are updated in place (a replacement would
    replace the Deployment that names them), and `clusterIdentifier` keeps a moved API server from replacing
    every object.
    """

    def __init__(self, name: str, settings: KubernetesSettings) -> None:
        options: dict[str, str | None] = {
            "kubeconfig": settings.kubeconfig,
            "context": settings.context,
            "clusterIdentifier": settings.cluster_identifier,
            "enableConfigMapMutable": "true",
            "enableSecretMutable": "true",
            "enablePatchForce": "true" if settings.force_conflicts else None,
        }
        super().__init__("kubernetes", name, options, pulumi.ResourceOptions(version=_VERSION))


def namespace(name: str, *, create: bool, opts: pulumi.ResourceOptions | None = None) -> pulumi.Output[str]:
    """Declare a namespace, or name one that somebody else looks after."""
    if not create:
        return pulumi.Output.from_input(name)
    return Manifest(
        "v1", "Namespace", name, {"metadata": {"name": name, "labels": labels("namespace")}}, opts
    ).object_name


def labels(component: str, name: str = "litellm") -> dict[str, str]:
    """Give the recommended labels of Kubernetes for one object."""
    return {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": "llm-gateway",
        "app.kubernetes.io/managed-by": "pulumi",
    }
