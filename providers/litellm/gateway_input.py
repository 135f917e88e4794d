"""The `gateway` input: how a resource reaches its gateway, and with which admin key. Pure."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from providers.inputs import UNKNOWN, has_unknown, known_only
from providers.kubernetes.cluster_input import check_cluster, check_reach
from providers.litellm.kinds import AMOUNT
from providers.reference import SecretReference

__all__ = ["gateway_problems"]

_GATEWAY = (
    "url",
    "admin_key",
    "admin_key_owner",  # name of the `PlatformAdmin` whose key it is, written by its `for_keys`
    "ca_cert_file",
    "vault",
    "ready_timeout_seconds",
    "cluster",
    "reach",
)
_VAULT = ("address", "namespace", "ca_cert_file")


def gateway_problems(gateway: Any) -> Iterator[str]:
    """Say what is wrong with the input, in which parts may be unknown."""
    if gateway == UNKNOWN:
        return
    try:
        _check_gateway(gateway)
    except ValueError as error:
        yield str(error)


def _check_gateway(gateway: Any) -> None:
    given = known_only(gateway, _GATEWAY)
    if "url" not in given or "admin_key" not in given:
        raise ValueError("expected url and admin_key")
    if not has_unknown(given["url"]):
        _check_url(given["url"])
    if not has_unknown(given["admin_key"]):
        SecretReference.parse(given["admin_key"])
    known_only(given.get("vault", {}), _VAULT)
    if "cluster" in given and given["cluster"] != UNKNOWN:
        check_cluster(given["cluster"])
    if "reach" in given and given["reach"] != UNKNOWN:
        check_reach(given["reach"])
    timeout = given.get("ready_timeout_seconds", 0)
    if not has_unknown(timeout) and (reason := AMOUNT.problem(timeout)):
        raise ValueError(f"ready_timeout_seconds: {reason}")


def _check_url(url: Any) -> None:
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        is_address = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # brackets that aren't closed, a port that is none
        is_address = False
    if not is_address or parts.query:
        raise ValueError("url: expected an address such as https://gateway.example.com")
    if parts.username or parts.password:
        raise ValueError("url: holds a credential; the admin key is found by admin_key")
