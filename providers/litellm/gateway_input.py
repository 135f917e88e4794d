"""The `gateway` input: how a resource reaches its gateway, and with which admin key. Pure."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from providers.inputs import has_unknown, is_address, part_problems, text_problems
from providers.kubernetes.cluster_input import cluster_problems, reach_problems
from providers.litellm.kinds import AMOUNT
from providers.reference import SecretReference
from providers.vault.connection_input import vault_problems

__all__ = ["gateway_problems"]


def gateway_problems(gateway: Any) -> Iterator[str]:
    """Say what is wrong with the input, in which parts may be unknown."""
    return part_problems(gateway, _PARTS, needed=("url", "admin_key"))


def _url_problems(url: Any) -> Iterator[str]:
    if not is_address(url):
        yield "expected an address such as https://gateway.example.com"
    elif "@" in urlsplit(url).netloc:
        yield "holds a credential; the admin key is found by admin_key"


def _admin_key_problems(reference: Any) -> Iterator[str]:
    if has_unknown(reference):
        return
    try:
        SecretReference.parse(reference)
    except ValueError as error:
        yield str(error)


def _timeout_problems(timeout: Any) -> Iterator[str]:
    if reason := AMOUNT.problem(timeout):
        yield reason


_PARTS = {
    "url": _url_problems,
    "admin_key": _admin_key_problems,
    "admin_key_owner": text_problems,  # of the `PlatformAdmin` whose key it is: its `for_keys` says so
    "ca_cert_file": text_problems,
    "vault": vault_problems,
    "ready_timeout_seconds": _timeout_problems,
    "cluster": cluster_problems,
    "reach": reach_problems,
}
