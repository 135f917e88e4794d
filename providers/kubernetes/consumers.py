"""A new key is followed to whoever uses it: into its Secret, and from there into its Pods."""

import hashlib
from collections.abc import Callable

from pydantic import SecretStr

from providers.kubernetes.connection import ClusterConnection
from providers.kubernetes.consumer_input import Consumer
from providers.kubernetes.external_secret import await_secret, takes
from providers.kubernetes.rollout import await_rollout

__all__ = ["follow"]


def follow(
    cluster: ClusterConnection, consumer: Consumer, value: SecretStr, report: Callable[[str], None]
) -> None:
    """Wait until a consumer has a key. To do it again is to look again: nothing is restarted twice for a key.

    Parameters
    ----------
    cluster
        Where it runs.
    consumer
        Who: an ExternalSecret, a Deployment, or both; the Deployment after the Secret. If the ExternalSecret
        is only declared after the key, nobody, which is reported.
    value
        The key, as it was delivered to Vault. It is compared, and goes nowhere.
    report
        Is told what is awaited when it takes more than two seconds.

    Raises
    ------
    providers.kubernetes.errors.NotFollowedError
        If it hasn't followed in time.
    providers.kubernetes.errors.ClusterError
        If the cluster can't be asked or refuses.
    """
    api = cluster.api()
    if consumer.external_secret:
        if consumer.remote_ref and not takes(api, consumer.external_secret, consumer.remote_ref):
            report(_comes_after(consumer))
            return
        await_secret(api, consumer.external_secret, value, consumer.timeout_seconds, report)
    if consumer.deployment:
        await_rollout(api, consumer.deployment, _mark(value), consumer.timeout_seconds, report)


def _comes_after(consumer: Consumer) -> str:
    restart = f"; restart the Deployment {consumer.deployment} then" if consumer.deployment else ""
    return f"ExternalSecret {consumer.external_secret} follows after the key, and isn't waited for{restart}"


def _mark(value: SecretStr) -> str:
    """Name a key without saying it: the beginning of its hash, by which the gateway knows it too."""
    return hashlib.sha256(value.get_secret_value().encode()).hexdigest()[:16]
