"""An ExternalSecret: one Kubernetes Secret that follows Vault."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pulumi

from components.external_secrets.dynamic_secret import VaultDynamicSecret
from components.external_secrets.files import AS_VARIABLE, file_template
from components.kubernetes import WAIT_READY, Manifest, labels
from components.vault import SecretPath
from schema import ExternalSecretsSettings, SecretSettings

__all__ = ["ExternalSecret", "SyncedSecret", "path_versions"]

# The operator syncs at once when an annotation of an ExternalSecret changes, instead of at its next interval.
FORCE_SYNC = "llm-gateway/vault-versions"
# Somebody else's Secret that isn't there leaves an ExternalSecret Ready, with nothing done.
WAIT_SYNCED = {
    "pulumi.com/waitFor": 'jsonpath={.status.conditions[?(@.type=="Ready")].reason}=SecretSynced',
}


def path_versions(paths: Mapping[str, pulumi.Input[int]]) -> pulumi.Output[str]:
    """Write `path=version` of some paths: changes exactly when a value may have changed, and holds none."""
    return pulumi.Output.all(**paths).apply(
        lambda versions: ",".join(f"{path}={int(version)}" for path, version in versions.items())
    )


class ExternalSecret(Manifest):
    """One Secret with properties of Vault, whole paths, dynamic credentials, or files made of them.

    The resource is awaited until the Secret has been written.
    """

    def __init__(
        self,
        name: str,
        *,
        secret: SecretSettings,
        settings: ExternalSecretsSettings,
        kubernetes_namespace: pulumi.Input[str],
        store: Mapping[str, Any],
        below: str = "",
        generator: VaultDynamicSecret | None = None,
        versions: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the ExternalSecret.

        Parameters
        ----------
        secret
            What it holds.
        store
            `kind` and `name`.
        below
            Prefix below the store's mount that the paths start from.
        generator
            Of `secret.dynamic`.
        versions
            Changes when a value has changed, and makes the operator sync at once.
        """
        wait = (WAIT_SYNCED if secret.creation_policy == "Merge" else WAIT_READY) if secret.wait else {}
        target = {
            "name": secret.name,
            "creationPolicy": secret.creation_policy,
            "deletionPolicy": secret.deletion_policy,
            **({"template": file_template(secret.files)} if secret.files else {}),
        }
        spec = {
            "refreshInterval": secret.refresh_interval or settings.refresh_interval,
            "secretStoreRef": dict(store),
            "target": target,
            "data": list(_data(secret, below)),
            "dataFrom": list(_data_from(secret, below, generator)),
        }
        timeout = f"{settings.sync_timeout_seconds}s"
        super().__init__(
            f"external-secrets.io/{settings.api_version}",
            "ExternalSecret",
            name,
            {
                "metadata": {
                    "name": secret.name,
                    "namespace": kubernetes_namespace,
                    "labels": labels("external-secret"),
                    "annotations": wait | ({} if versions is None else {FORCE_SYNC: versions}),
                },
                "spec": {field: value for field, value in spec.items() if value != []},
            },
            pulumi.ResourceOptions.merge(
                pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout)),
                opts,
            ),
        )


def _key(below: str, path: str) -> str:
    return f"{below}/{path}" if below else path


def _data(secret: SecretSettings, below: str) -> Iterable[dict[str, Any]]:
    for key, source in secret.properties.items():
        remote = {"key": _key(below, source.path), "property": source.property}
        yield {"secretKey": key, "remoteRef": remote}


def _data_from(
    secret: SecretSettings, below: str, generator: VaultDynamicSecret | None
) -> Iterable[dict[str, Any]]:
    for source in secret.extract:
        found: dict[str, Any] = {"extract": {"key": _key(below, source.path)}}
        if source.as_variables:
            rewrite = f"{{{{ {AS_VARIABLE.format('.value')} }}}}"
            found["rewrite"] = [{"transform": {"template": rewrite}}]
        yield found
    if generator is not None:
        yield {"sourceRef": {"generatorRef": generator.reference}}


class SyncedSecret(pulumi.ComponentResource):
    """One Secret with a variable for each property of the given paths.

    Attributes
    ----------
    secret_name
        Name of the Secret that the operator owns; known once it has been written.
    versions
        `path=version` of each path.
    """

    secret_name: pulumi.Output[str]
    versions: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        settings: ExternalSecretsSettings,
        kubernetes_namespace: pulumi.Input[str],
        store: Mapping[str, Any],
        paths: Sequence[SecretPath],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("llm-gateway:external-secrets:SyncedSecret", name, None, opts)
        self.versions = path_versions({path.path: path.version for path in paths})
        properties = {
            variable: {"path": path.path, "property": key}
            for path in paths
            for variable, key in path.variables.items()
        }
        external_secret = ExternalSecret(
            f"{name}-external-secret",
            secret=SecretSettings.model_validate({"name": name, "properties": properties}),
            settings=settings,
            kubernetes_namespace=kubernetes_namespace,
            store=store,
            versions=self.versions,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.secret_name = external_secret.object_name
        self.register_outputs({"secret": self.secret_name, "versions": self.versions})
