"""A PushSecret: a Secret of the cluster that is written to Vault."""

from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from components.kubernetes import WAIT_READY, Manifest, labels
from schema import ExternalSecretsSettings, PushSettings

__all__ = ["PushSecret"]


class PushSecret(Manifest):
    """A whole Secret, or some of its keys, kept equal in Vault.

    Of what stands in Vault already, only what the operator itself has written is changed. The resource is
    awaited until the Secret has been written.
    """

    def __init__(
        self,
        name: str,
        *,
        push: PushSettings,
        settings: ExternalSecretsSettings,
        kubernetes_namespace: pulumi.Input[str],
        store: Mapping[str, Any],
        object_name: str | None = None,
        below: str = "",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the PushSecret.

        Parameters
        ----------
        push
            What is written where.
        store
            `kind` and `name`.
        object_name
            Name of the PushSecret, if it isn't that of the push.
        below
            Prefix below the store's mount that the paths start from.
        """
        timeout = f"{settings.sync_timeout_seconds}s"
        super().__init__(
            "external-secrets.io/v1alpha1",
            "PushSecret",
            name,
            {
                "metadata": {
                    "name": object_name or push.name,
                    "namespace": kubernetes_namespace,
                    "labels": labels("push-secret"),
                    "annotations": WAIT_READY if push.wait else {},
                },
                "spec": {
                    "refreshInterval": push.refresh_interval or settings.refresh_interval,
                    "updatePolicy": push.update_policy,
                    "deletionPolicy": push.deletion_policy,
                    "secretStoreRefs": [dict(store)],
                    "selector": {"secret": {"name": push.secret}},
                    "data": [{"match": match} for match in _matches(push, below)],
                },
            },
            pulumi.ResourceOptions.merge(
                pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout)),
                opts,
            ),
        )


def _matches(push: PushSettings, below: str) -> Iterable[dict[str, Any]]:
    path = f"{below}/{push.path}" if below else push.path
    if not push.properties:
        yield {"remoteRef": {"remoteKey": path}}
    for key, name in push.properties.items():
        yield {"secretKey": key, "remoteRef": {"remoteKey": path, "property": name}}
