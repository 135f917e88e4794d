"""A generator: credentials that a secrets engine of Vault makes each time an ExternalSecret asks."""

from collections.abc import Mapping
from typing import Any

import pulumi

from components.kubernetes import Manifest, labels
from schema import DynamicSettings

__all__ = ["VaultDynamicSecret"]

_API_VERSION = "generators.external-secrets.io/v1alpha1"
_KIND = "VaultDynamicSecret"


class VaultDynamicSecret(Manifest):
    """A role of a secrets engine, for ExternalSecrets of the same namespace to draw from.

    It logs in by itself, like a store, and does nothing until it is drawn from: so there is nothing to await.

    Attributes
    ----------
    reference
        As an ExternalSecret refers to it.
    """

    reference: dict[str, Any]

    def __init__(
        self,
        name: str,
        *,
        dynamic: DynamicSettings,
        provider: Mapping[str, Any],
        kubernetes_namespace: pulumi.Input[str],
        object_name: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the generator.

        Parameters
        ----------
        dynamic
            The role.
        provider
            How Vault is reached and logged in to: a `VaultStore`'s `provider`.
        object_name
            Name of the generator in its namespace.
        """
        spec = {
            "path": dynamic.path,
            "method": dynamic.method,
            "parameters": dynamic.parameters or None,
            "provider": dict(provider),
        }
        super().__init__(
            _API_VERSION,
            _KIND,
            name,
            {
                "metadata": {
                    "name": object_name,
                    "namespace": kubernetes_namespace,
                    "labels": labels("generator"),
                },
                "spec": spec,
            },
            opts,
        )
        self.reference = {"apiVersion": _API_VERSION, "kind": _KIND, "name": self.object_name}
