"""Errors of the Vault plugin.

VaultError
├── VaultNotNamedError        (no address or no token is configured)
├── VaultUnreachableError
├── VaultCertificateError
├── VaultSealedError
├── VaultTokenError           (wrong, expired or revoked)
└── VaultRefusedError         (the server's own reasons, with their status)
"""

from toolchain.plugins.errors import PluginError

__all__ = [
    "VaultCertificateError",
    "VaultError",
    "VaultNotNamedError",
    "VaultRefusedError",
    "VaultSealedError",
    "VaultTokenError",
    "VaultUnreachableError",
]


class VaultError(PluginError):
    """Vault or OpenBao didn't do what the program needs."""


class VaultNotNamedError(VaultError):
    """Nothing says which server, or with which token."""

    def __init__(self, what: str, option: str, variable: str) -> None:
        super().__init__(f"No Vault {what} is configured: set {option} or the variable {variable}.")


class VaultUnreachableError(VaultError):
    """Nothing answers at the address."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            f"No Vault answers at {address} ({reason}): check vault:address or VAULT_ADDR, and that it runs."
        )


class VaultCertificateError(VaultError):
    """The server shows a certificate that isn't trusted."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"The certificate of the Vault at {address} isn't trusted: set vault:caCertFile or VAULT_CACERT "
            "to the file of its CA."
        )


class VaultSealedError(VaultError):
    """The server runs, but holds no key to its data."""

    def __init__(self, address: str) -> None:
        super().__init__(f"The Vault at {address} is sealed: unseal it and run again.")


class VaultTokenError(VaultError):
    """The server doesn't know the token."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"The Vault at {address} doesn't accept the token: it is wrong, expired or revoked; log in again "
            "and set vault:token or VAULT_TOKEN."
        )


class VaultRefusedError(VaultError):
    """The server answered a call with an error."""

    def __init__(self, method: str, path: str, address: str, status: int, reasons: list[str]) -> None:
        self.status = status
        self.reasons = reasons
        said = "; ".join(" ".join(reason.split()) for reason in reasons) or "no reason given"
        hint = ": the token's policies don't allow it" if status == FORBIDDEN else ""
        super().__init__(f"The Vault at {address} refused {method} {path} with {status} ({said}){hint}.")


FORBIDDEN = 403
