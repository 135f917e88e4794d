"""Kubernetes objects in the spelling of their manifests, and the provider that applies them.

The typed classes of `pulumi_kubernetes` cost most of a second at each preview, only to turn snake_case back
into what the API server takes. A manifest needs none of that: the resource type is the same, so the plugin,
the state and the preview are too.
"""

from collections.abc import Mapping
from importlib import metadata
from typing import Any

import pulumi
import pulumi_kubernetes

from schema import KubernetesSettings

__all__ = ["SKIP_AWAIT", "WAIT_READY", "Manifest", "cluster", "labels", "namespace"]

# A ClusterIP Service is ready as soon as it exists; the plugin would wait ten seconds for nothing.
SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
# Custom resources are awaited by condition, or an `up` would end before the operator had looked at them.
WAIT_READY = {"pulumi.com/waitFor": "condition=Ready"}

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


_VERSION = metadata.version("pulumi-kubernetes")


def cluster(settings: KubernetesSettings) -> pulumi.ProviderResource:
    """Declare the provider for the stack's cluster.

    Changed ConfigMaps and Secrets are updated in place (a replacement would replace the Deployment that names
    them), and `cluster_identifier` keeps a moved API server from replacing every object.
    """
    return pulumi_kubernetes.Provider(
        "cluster",
        context=settings.context,
        cluster_identifier=settings.cluster_identifier,
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
        enable_patch_force=settings.force_conflicts or None,
    )


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
