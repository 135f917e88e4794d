"""Asks the API server for a token of a ServiceAccount."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from providers.kubernetes.connection import ClusterConnection
from providers.kubernetes.errors import ClusterError
from providers.kubernetes.objects import SERVICE_ACCOUNT, Named

__all__ = ["TokenShortenedError", "request_token"]

_TOLERANCE = timedelta(seconds=60)


class TokenShortenedError(ClusterError):
    """The API server gives tokens for a shorter time only."""

    def __init__(self, account: Named, asked_seconds: int, given_seconds: int) -> None:
        super().__init__(
            f"{account} was given a token for {given_seconds} s instead of {asked_seconds} s, the longest "
            "life that the cluster allows; ask for no more"
        )


def request_token(
    cluster: Mapping[str, Any], namespace: str, service_account: str, ttl_seconds: int
) -> tuple[SecretStr, str]:
    """Ask for a token whose audience is the API server itself.

    Parameters
    ----------
    cluster
        As in a resource's inputs.
    ttl_seconds
        How long it has to live.

    Returns
    -------
    tuple
        The token, and when it ends (RFC 3339).

    Raises
    ------
    TokenShortenedError
        If it would end earlier.
    ClusterError
        If the cluster can't be asked or refuses.
    """
    account = Named(SERVICE_ACCOUNT, namespace, service_account)
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": ttl_seconds},
    }
    status = ClusterConnection.parse(cluster).api().create(account, "token", body)["status"]
    expires = datetime.fromisoformat(status["expirationTimestamp"])
    left = expires - datetime.now(UTC)
    if left < timedelta(seconds=ttl_seconds) - _TOLERANCE:
        raise TokenShortenedError(account, ttl_seconds, int(left.total_seconds()))
    return SecretStr(status["token"]), status["expirationTimestamp"]
