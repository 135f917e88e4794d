"""Where Vault or OpenBao is, and with which token it is asked."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import hvac
from pydantic import SecretStr
from requests.adapters import HTTPAdapter

from providers.credentials import is_sendable
from providers.plugin import AT_ONCE
from providers.vault.errors import VaultSetupError

__all__ = ["VaultConnection"]

_TIMEOUT_SECONDS = 15


@dataclass(frozen=True)
class VaultConnection:
    """A server. What is left out comes from the environment when a call is made, as for the `vault` command.

    Attributes
    ----------
    address
        Such as https://vault.example.com:8200; else VAULT_ADDR.
    namespace
        Of Vault Enterprise or OpenBao; else VAULT_NAMESPACE.
    ca_cert_file
        CA that signed the server's certificate, PEM; else VAULT_CACERT, else the system's.
    patience_seconds
        How long an unreachable or sealed server is waited for.
    """

    address: str | None = None
    namespace: str | None = None
    ca_cert_file: str | None = None
    patience_seconds: float = 30

    @classmethod
    def parse(cls, value: Mapping[str, Any] | None) -> Self:
        """Read the form in which a connection stands in a resource's inputs; checked before."""
        given = value or {}
        return cls(given.get("address"), given.get("namespace"), given.get("ca_cert_file"))

    @property
    def effective_address(self) -> str:
        """Give the address, from here or from the environment.

        Raises
        ------
        VaultSetupError
            If there is none.
        """
        address = self.address or os.environ.get("VAULT_ADDR")
        if not address:
            raise VaultSetupError(
                "there is no address of Vault; set VAULT_ADDR or `address` of the connection"
            )
        return address.rstrip("/")

    def client(self) -> hvac.Client:
        """Give the client with the token of now; who asks again gets the same, with its open connections.

        Raises
        ------
        VaultSetupError
            If an address, a token or the CA file is missing.
        """
        ca_cert_file = self.ca_cert_file or os.environ.get("VAULT_CACERT") or None
        if ca_cert_file and not Path(ca_cert_file).is_file():
            raise VaultSetupError(f"the CA file {ca_cert_file} of Vault isn't there; see VAULT_CACERT")
        namespace = self.namespace or os.environ.get("VAULT_NAMESPACE") or None
        return _pooled(self.effective_address, _token(), namespace, ca_cert_file)


@lru_cache(maxsize=8)
def _pooled(address: str, token: SecretStr, namespace: str | None, ca_cert_file: str | None) -> hvac.Client:
    """Make a client; its session is used from all threads of Pulumi's plugin."""
    client = hvac.Client(
        url=address,
        token=token.get_secret_value(),
        namespace=namespace,
        verify=ca_cert_file or True,
        timeout=_TIMEOUT_SECONDS,
    )
    client.session.mount(address, HTTPAdapter(pool_maxsize=AT_ONCE))
    return client


def _token() -> SecretStr:
    token = SecretStr(os.environ.get("VAULT_TOKEN") or _token_of_home())
    if not token.get_secret_value():
        raise VaultSetupError(
            "there is no token for Vault; set VAULT_TOKEN or log in so that ~/.vault-token is written"
        )
    if not is_sendable(token.get_secret_value()):
        raise VaultSetupError(
            "the token for Vault holds a blank, a line break or a character beyond ASCII; "
            "expected the token alone in VAULT_TOKEN, or in ~/.vault-token"
        )
    return token


def _token_of_home() -> str:
    """Read what `vault login` has written, if it has."""
    try:
        return Path("~/.vault-token").expanduser().read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
