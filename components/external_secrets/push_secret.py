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
                    "name": push.name,
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
                    "data": [{"match": match} for match in _matches(push, f"{below}/" if below else "")],
                },
            },
            pulumi.ResourceOptions.merge(
                pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout)),
                opts,
            ),
        )


def _matches(push: PushSettings, below: str) -> Iterable[dict[str, Any]]:
    if push.path:
        yield {"remoteRef": {"remoteKey": f"{below}{push.path}"}}
    for key, target in push.properties.items():
        remote = {"remoteKey": f"{below}{target.path}", "property": target.property}
        yield {"secretKey": key, "remoteRef": remote}
