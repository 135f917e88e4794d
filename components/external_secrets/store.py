"""A SecretStore or ClusterSecretStore that reads a KV v2 mount of Vault or OpenBao."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.errors import ArgumentsError
from components.kubernetes import WAIT_READY, Manifest, labels
from components.vault import KubernetesLogin, Login
from schema import ExternalSecretsSettings, VaultSettings

__all__ = ["CA_KEY", "ClusterScope", "VaultStore", "is_unknown"]

CA_KEY = "ca.crt"


@dataclass(frozen=True)
class ClusterScope:
    """Makes a store a ClusterSecretStore, and says whose ExternalSecrets may use it.

    Attributes
    ----------
    namespaces
        By name.
    namespace_labels
        By labels that a namespace has to bear.
    every_namespace
        All of them: has to be said, because whoever may write an ExternalSecret anywhere then reads
        whatever the store reads.
    """

    namespaces: Sequence[pulumi.Input[str]] = ()
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    every_namespace: bool = False

    def conditions(self) -> list[dict[str, Any]]:
        """Spell it as the operator's API does: a namespace that meets one of them may use the store."""
        conditions: list[dict[str, Any]] = []
        if self.namespaces:
            conditions.append({"namespaces": list(self.namespaces)})
        if self.namespace_labels:
            conditions.append({"namespaceSelector": {"matchLabels": dict(self.namespace_labels)}})
        return conditions


class VaultStore(pulumi.ComponentResource):
    """ServiceAccount or Secret to log in with, CA, and the store.

    The store is awaited: it is Ready once the operator has logged in to Vault. What the operator would take
    and quietly leave aside is refused.

    Attributes
    ----------
    reference
        `kind` and `name`, as an ExternalSecret refers to the store.
    provider
        The store's `provider.vault`, for a generator that logs in likewise.
    """

    reference: dict[str, Any]
    provider: dict[str, Any]

    def __init__(
        self,
        name: str,
        *,
        vault: VaultSettings,
        external_secrets: ExternalSecretsSettings,
        kubernetes_namespace: pulumi.Input[str],
        mount: pulumi.Input[str],
        login: Login,
        cluster: ClusterScope | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the store.

        Parameters
        ----------
        vault
            The server as Pods reach it, its CA and its namespace.
        kubernetes_namespace
            Of a SecretStore; of a ClusterSecretStore's ServiceAccount, Secret and CA.
        mount
            Path of the KV v2 mount.
        cluster
            None for a SecretStore.

        Raises
        ------
        ArgumentsError
            For arguments that the operator would ignore, and for a cluster's store that everybody may use
            though nobody has said so.
        """
        ca = vault.ca_pem()
        _refuse_what_is_ignored(name, vault, ca, login, cluster)
        super().__init__("llm-gateway:external-secrets:VaultStore", name, None, opts)
        self._name, self._namespace = name, kubernetes_namespace
        self._in_cluster = {"namespace": kubernetes_namespace} if cluster else {}
        self._child = pulumi.ResourceOptions(parent=self)

        self.provider = {
            "server": vault.internal_address,
            "path": mount,
            "version": "v2",
            "namespace": vault.namespace,
            **self._trust(ca, external_secrets.ca_source),
            "auth": self._auth(login),
        }
        kind = "ClusterSecretStore" if cluster else "SecretStore"
        metadata = self._metadata(name) | {"annotations": WAIT_READY}
        spec = {"refreshInterval": 30, "provider": {"vault": self.provider}}
        if cluster:
            del metadata["namespace"]
            spec["conditions"] = cluster.conditions()
        store = Manifest(
            f"external-secrets.io/{external_secrets.api_version}",
            kind,
            f"{name}-store",
            {"metadata": metadata, "spec": spec},
            pulumi.ResourceOptions.merge(
                self._child,
                pulumi.ResourceOptions(
                    custom_timeouts=pulumi.CustomTimeouts(create=f"{external_secrets.sync_timeout_seconds}s"),
                    ignore_changes=["spec.provider.vault.caBundle"] if is_unknown(ca) else None,
                ),
            ),
        )
        self.reference = {"kind": kind, "name": store.object_name}
        self.register_outputs({"store": store.object_name})

    def _metadata(self, object_name: str) -> dict[str, Any]:
        return {"name": object_name, "namespace": self._namespace, "labels": labels("secret-store")}

    def _trust(self, ca: str | None, source: str) -> dict[str, Any]:
        """Say where the operator finds the CA, having put it there."""
        if ca is None:
            return {}
        if source == "bundle":
            return {"caBundle": base64.b64encode(ca.encode()).decode()}
        ca_name = f"{self._name}-ca"
        bundle = Manifest(
            "v1",
            source,
            ca_name,
            {
                "metadata": self._metadata(ca_name),
                "data" if source == "ConfigMap" else "stringData": {CA_KEY: ca},
            },
            pulumi.ResourceOptions.merge(
                self._child,
                pulumi.ResourceOptions(ignore_changes=["data", "stringData"] if is_unknown(ca) else None),
            ),
        )
        return {"caProvider": {"type": source, "name": bundle.object_name, "key": CA_KEY, **self._in_cluster}}

    def _auth(self, login: Login) -> dict[str, Any]:
        """Make what the operator logs in with, and refer to it."""
        if isinstance(login, KubernetesLogin):
            metadata = self._metadata(login.service_account)
            if login.service_account_namespace is not None:
                metadata["namespace"] = login.service_account_namespace
            account = Manifest(
                "v1", "ServiceAccount", f"{self._name}-account", {"metadata": metadata}, self._child
            )
            return login.auth(account.object_name)
        key, value = login.secret
        secret_name = f"{self._name}-{key}"
        secret = Manifest(
            "v1",
            "Secret",
            secret_name,
            {"metadata": self._metadata(secret_name), "stringData": {key: value}},
            pulumi.ResourceOptions.merge(
                self._child, pulumi.ResourceOptions(additional_secret_outputs=["data", "stringData"])
            ),
        )
        return login.auth({"name": secret.object_name, "key": key, **self._in_cluster})


def is_unknown(ca: str | None) -> bool:
    """Tell a preview made where the CA's file isn't, which can't know whether it has changed."""
    return ca == ""


def _refuse_what_is_ignored(
    name: str, vault: VaultSettings, ca: str | None, login: Login, cluster: ClusterScope | None
) -> None:
    """Refuse what the operator takes without a word and then leaves aside."""
    if ca is not None and vault.internal_address.startswith("http://"):
        raise ArgumentsError(
            name, f"{vault.internal_address} is plain http, where a CA is ignored; leave it out"
        )
    if isinstance(login, KubernetesLogin):
        if not login.audience:
            raise ArgumentsError(
                name,
                "the login has no audience: the operator would ask for a token that every server may use "
                "and that a role with an audience refuses; name the audience of the role",
            )
        elsewhere = login.service_account_namespace is not None
        if elsewhere and not cluster:
            raise ArgumentsError(
                name,
                "a SecretStore ignores the namespace of its ServiceAccount and takes its own; "
                "leave service_account_namespace out, or make it a ClusterSecretStore",
            )
        if cluster and not elsewhere:
            raise ArgumentsError(
                name,
                "a ClusterSecretStore without a namespace for its ServiceAccount logs in as that of whoever "
                "uses it; say service_account_namespace",
            )
    if cluster and bool(cluster.conditions()) == cluster.every_namespace:
        raise ArgumentsError(
            name,
            "expected either namespaces (or their labels) that may use the ClusterSecretStore, "
            "or every_namespace=True",
        )
