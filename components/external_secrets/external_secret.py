"""An ExternalSecret: one Kubernetes Secret that follows paths of a store."""

from collections.abc import Sequence

import pulumi

from components.kubernetes import WAIT_READY, Manifest, labels
from components.vault import SecretPath
from schema import ExternalSecretsSettings

__all__ = ["SyncedSecret"]

# The operator syncs at once when an annotation of an ExternalSecret changes, instead of at its next interval.
FORCE_SYNC = "llm-gateway/vault-versions"


class SyncedSecret(pulumi.ComponentResource):
    """One Secret with a variable for each property of the given paths.

    Attributes
    ----------
    secret_name
        Name of the Secret that the operator owns; known once it has been written.
    versions
        `path=version` of each path: changes exactly when a value may have changed, and holds none.
    """

    secret_name: pulumi.Output[str]
    versions: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        settings: ExternalSecretsSettings,
        kubernetes_namespace: pulumi.Input[str],
        store_name: pulumi.Input[str],
        paths: Sequence[SecretPath],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("llm-gateway:external-secrets:SyncedSecret", name, None, opts)
        self.versions = pulumi.Output.all(*[path.version for path in paths]).apply(
            lambda versions: ",".join(
                f"{path.path}={int(version)}" for path, version in zip(paths, versions, strict=True)
            )
        )
        timeout = f"{settings.sync_timeout_seconds}s"
        external_secret = Manifest(
            f"external-secrets.io/{settings.api_version}",
            "ExternalSecret",
            f"{name}-external-secret",
            {
                "metadata": {
                    "name": name,
                    "namespace": kubernetes_namespace,
                    "labels": labels("external-secret"),
                    "annotations": WAIT_READY | {FORCE_SYNC: self.versions},
                },
                "spec": {
                    "refreshInterval": settings.refresh_interval,
                    "secretStoreRef": {"kind": "SecretStore", "name": store_name},
                    "target": {"name": name, "creationPolicy": "Owner", "deletionPolicy": "Retain"},
                    "data": [
                        {"secretKey": variable, "remoteRef": {"key": path.path, "property": key}}
                        for path in paths
                        for variable, key in path.variables.items()
                    ],
                },
            },
            pulumi.ResourceOptions(
                parent=self, custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout)
            ),
        )
        self.secret_name = external_secret.object_name
        self.register_outputs({"secret": self.secret_name, "versions": self.versions})
