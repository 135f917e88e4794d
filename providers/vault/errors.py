"""What Vault or OpenBao answered, each as one sentence.

VaultError
 +-- VaultSetupError            no address, no token, a CA file that isn't there
 +-- VaultUnavailableError      passes by itself: unreachable, sealed, overloaded, a server error
 +-- VaultUntrustedError        the certificate
 +-- VaultDeniedError           the token may not
 +-- VaultMountMissingError     no such mount, or another kind
 +-- VaultNotVersion2Error      mounts that the configuration names and that aren't KV v2
 +-- VaultConflictError         somebody else wrote in between
 +-- VaultDatabaseError         the database doesn't do what Vault asks of it
 +-- VaultConnectionTakenError  a database connection of somebody else has the name
 +-- VaultNotThereError         a database connection or role that somebody else was to make
 +-- VaultRefusedError          anything else
"""

from collections.abc import Mapping

from providers.errors import ProviderError

__all__ = [
    "VaultConflictError",
    "VaultConnectionTakenError",
    "VaultDatabaseError",
    "VaultDeniedError",
    "VaultError",
    "VaultMountMissingError",
    "VaultNotThereError",
    "VaultNotVersion2Error",
    "VaultRefusedError",
    "VaultSetupError",
    "VaultUnavailableError",
    "VaultUntrustedError",
]


class VaultError(ProviderError):
    """Base of what can go wrong with Vault or OpenBao."""


class VaultSetupError(VaultError):
    """There is no way to start a request."""


class VaultUnavailableError(VaultError):
    """Nobody answers, or not yet.

    Parameters
    ----------
    address
        Of the server.
    why
        What was seen: `is sealed`, `can't be reached: connection refused`.
    """

    def __init__(self, address: str, why: str) -> None:
        super().__init__(f"Vault at {address} {why}; see that it runs and is unsealed, then run this again")


class VaultUntrustedError(VaultError):
    """The server's certificate is not signed by a known CA, or names another host."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"Vault at {address} shows a certificate that isn't trusted; "
            "set VAULT_CACERT to the file of the CA that signed it"
        )


class VaultDeniedError(VaultError):
    """The token is wrong, has expired, or its policies don't allow this."""

    def __init__(self, address: str, action: str, path: str) -> None:
        super().__init__(
            f"Vault at {address} doesn't allow the token to {action} {path}; "
            "see that VAULT_TOKEN is valid and that its policies allow it"
        )


class VaultMountMissingError(VaultError):
    """There is no such mount, or it is of another kind."""

    def __init__(self, address: str, mount: str, kind: str | None, expected: str = "KV v2") -> None:
        self.kind = kind
        what = f"has {kind} at {mount}" if kind else f"has no mount {mount}"
        super().__init__(f"Vault at {address} {what}; expected a {expected} mount")


class VaultNotVersion2Error(VaultError):
    """Mounts that the configuration names aren't KV v2.

    Parameters
    ----------
    address
        Of the server.
    kinds
        Path of the mount -> what it is; None if the token sees nothing there.
    named_by
        Path of the mount -> who names it.
    """

    def __init__(self, address: str, kinds: Mapping[str, str | None], named_by: Mapping[str, str]) -> None:
        super().__init__(
            "\n".join(
                f"{named_by[mount]}: Vault at {address} {self._what(mount, kind)}"
                for mount, kind in kinds.items()
            )
        )

    @staticmethod
    def _what(mount: str, kind: str | None) -> str:
        if kind is None:
            return (
                f"has no mount {mount} that this token may see; expected a KV v2 mount: make it with "
                f"`vault secrets enable -path={mount} -version=2 kv`, or let the token read sys/mounts"
            )
        upgraded = (
            f"name another, or upgrade it with `vault kv enable-versioning {mount}`, after which whoever "
            "reads it finds the values below data/"
        )
        what_to_do = upgraded if kind == "KV v1" else "name another"
        return f"has {kind} at {mount}; expected a KV v2 mount: {what_to_do}"


class VaultConflictError(VaultError):
    """A check-and-set write lost against another write."""

    def __init__(self, address: str, path: str) -> None:
        super().__init__(
            f"{path} in Vault at {address} is changed by somebody else all the time; run this again later"
        )


class VaultRefusedError(VaultError):
    """Vault gave a reason of its own, or something that isn't Vault answered."""

    def __init__(self, address: str, action: str, path: str, reason: str) -> None:
        super().__init__(f"Vault at {address} refused to {action} {path}: {reason}")


class VaultDatabaseError(VaultError):
    """Vault couldn't log in to a database, or couldn't change a password there."""

    def __init__(self, address: str, action: str, place: str, reason: str) -> None:
        super().__init__(
            f"Vault at {address} couldn't {action} {place}: {reason}. See that Vault can reach the database, "
            "and that it takes user and password. A password that was rotated is known to Vault alone: set a "
            "new one in the database and at its source, and raise passwordVersion"
        )


class VaultConnectionTakenError(VaultError):
    """A connection is there that this program hasn't made, and whose password it won't write over."""

    def __init__(self, address: str, place: str, owner: str | None = None) -> None:
        whose = f"belongs to {owner}" if owner else "not of this program"
        super().__init__(
            f"{place} in Vault at {address} is there already and {whose}: take another name, or "
            "say `password: {manual: true}` to take it over with the password that it has"
        )


class VaultNotThereError(VaultError):
    """A connection or a role isn't there, and isn't this program's to make."""

    def __init__(self, address: str, place: str, what_to_do: str) -> None:
        super().__init__(f"{place} isn't in Vault at {address}; {what_to_do}")
