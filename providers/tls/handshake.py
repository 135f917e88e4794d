"""A TLS handshake with a server, and what it tells of a CA. The border to httpx and ssl."""

import os
import ssl
from collections.abc import Mapping
from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from providers.errors import ProviderError

__all__ = ["AddressError", "ServerSilentError", "ServerUntrustedError", "address_of", "see_trusted"]

_TIMEOUT_SECONDS = 10.0
_PATIENCE_SECONDS = 30.0


class ServerUntrustedError(ProviderError):
    """The certificate is not what the CA and the name say."""

    def __init__(self, address: str, server_name: str, why: str) -> None:
        super().__init__(
            f"the server at {address} shows a certificate that the CA given for it doesn't vouch for as "
            f"{server_name} ({why}); give the CA that signed it, and a name that it carries"
        )


class ServerSilentError(ProviderError):
    """Nobody can be asked."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(
            f"the server at {address} can't be reached to see whether the CA given for it is right ({why}); "
            "see that it runs and that this machine reaches it"
        )


class AddressError(ProviderError):
    """There is no server with a certificate to look at."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(
            f"{where} {why}; expected the address of the server whose certificate is to be looked at, "
            "such as https://vault.example.com:8200"
        )


def address_of(inputs: Mapping[str, Any]) -> str:
    """Find the address, in the environment where the inputs say so.

    Raises
    ------
    AddressError
        If it isn't there, or leads to a server without a certificate.
    """
    if address := inputs.get("address"):
        where = str(address)
    else:
        where = f"the environment variable {inputs['address_env']}"
        address = os.environ.get(inputs["address_env"])
    if not address:
        raise AddressError(where, "is not set")
    if not address.startswith("https://"):
        raise AddressError(where, "is no https address")
    return str(address)


def see_trusted(address: str, ca: str, server_name: str) -> None:
    """Shake hands with a server; whatever it answers afterwards is its own business.

    One that is just starting is waited for. Behind a proxy (HTTPS_PROXY) the certificate has to carry the
    address's own name: httpx asks for no other there.

    Parameters
    ----------
    address
        `https://host:port`.
    ca
        PEM.
    server_name
        Name or IP address that the certificate has to carry.

    Raises
    ------
    ServerUntrustedError
        Another CA signed the certificate, it has expired, or it carries another name.
    ServerSilentError
        There was no handshake.
    """
    context = ssl.create_default_context(cadata=ca)
    for attempt in Retrying(
        retry=retry_if_exception_type(ServerSilentError),
        stop=stop_after_delay(_PATIENCE_SECONDS),
        wait=wait_exponential_jitter(multiplier=0.2, max=3, jitter=0.3),
        reraise=True,
    ):
        with attempt:
            _shake_hands(context, address, server_name)


def _shake_hands(context: ssl.SSLContext, address: str, server_name: str) -> None:
    try:
        with httpx.Client(verify=context, timeout=_TIMEOUT_SECONDS) as client:
            client.get(address, extensions={"sni_hostname": server_name})
    except httpx.HTTPError as error:
        if refused := _refusal(error):
            raise ServerUntrustedError(address, server_name, refused) from None
        raise ServerSilentError(address, str(error) or type(error).__name__) from None


def _refusal(error: BaseException) -> str:
    """Find in the chain of causes what the verification said; empty where it wasn't asked."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return str(cause.verify_message)
        cause = cause.__cause__ or cause.__context__
    return ""
