"""The border to a database secrets engine: a connection's configuration, its root password, its leases."""

from collections.abc import Callable, Mapping
from typing import Any

import hvac.exceptions
from pydantic import SecretStr

from providers.vault.border import VaultBorder
from providers.vault.connection import VaultConnection
from providers.vault.errors import VaultDatabaseError, VaultError, VaultMountMissingError, VaultRefusedError

__all__ = ["ConnectionPath", "StaticRolePath"]

_KIND = "database"


class _EngineBorder(VaultBorder):
    """One place of a database secrets engine.

    Every call may be repeated, so an unreachable or sealed Vault is waited for. A database that is away, or
    that refuses, is not.
    """

    def __init__(self, connection: VaultConnection, mount: str, kind: str, name: str) -> None:
        super().__init__(connection, f"{mount}/{kind}/{name}")
        self._mount = mount
        self._name = name
        self._sent: SecretStr | None = None

    @property
    def _engine(self) -> Any:
        return self._client.secrets.database

    def _found(self, ask: Callable[..., Any]) -> dict[str, Any] | None:
        for attempt in self._patiently():
            with attempt, self._border("read"):
                try:
                    return self._document("read", ask(self._name, mount_point=self._mount))
                except hvac.exceptions.InvalidPath as error:
                    if self._is_unrouted(error):
                        raise VaultMountMissingError(self.address, self._mount, None, _KIND) from None
                    return None
        raise AssertionError  # tenacity raises what the last attempt raised

    def _translated(self, action: str, error: hvac.exceptions.VaultError) -> VaultError:
        """Tell what the database said from what Vault says, and never the password with it."""
        reason = " ".join(", ".join(error.errors or []).split())
        if self._sent is not None:
            reason = reason.replace(self._sent.get_secret_value(), "[password]")
        if isinstance(error, hvac.exceptions.InternalServerError):
            return VaultDatabaseError(self.address, action, str(self), reason)
        if isinstance(error, hvac.exceptions.InvalidRequest) and reason:
            kind = VaultDatabaseError if "verifying connection" in reason else VaultRefusedError
            return kind(self.address, action, str(self), reason)
        return super()._translated(action, error)


class StaticRolePath(_EngineBorder):
    """One static role (source: API docs, `/database/static-roles/:name`)."""

    def __init__(self, connection: VaultConnection, mount: str, role: str) -> None:
        super().__init__(connection, mount, "static-roles", role)

    def read(self) -> dict[str, Any] | None:
        """Give `username`, `rotation_period` (seconds), `last_vault_rotation` (RFC 3339); None without one.

        Raises
        ------
        VaultMountMissingError
            If there is no such mount.
        VaultError
            If the server can't be asked or refuses.
        """
        return self._found(self._engine.read_static_role)


class ConnectionPath(_EngineBorder):
    """One connection (source: API docs, `/database/config/:name`)."""

    def __init__(self, connection: VaultConnection, mount: str, name: str) -> None:
        super().__init__(connection, mount, "config", name)

    def read(self) -> dict[str, Any] | None:
        """Give the configuration, which never holds the password; None if there is none.

        Raises
        ------
        VaultMountMissingError
            If there is no such mount.
        VaultError
            If the server can't be asked or refuses.
        """
        return self._found(self._engine.read_connection)

    def require_engine(self) -> None:
        """See that the mount is of this kind, before a password is written to it.

        Raises
        ------
        VaultMountMissingError
            If it isn't there, or is something else.
        """
        kind = self.mount_kind(self._mount)
        if kind != _KIND:
            raise VaultMountMissingError(self.address, self._mount, kind, _KIND)

    def configure(self, settings: Mapping[str, Any], password: SecretStr | None) -> None:
        """Write the configuration. What isn't given stays as it is, the password too.

        Parameters
        ----------
        settings
            As the API spells them. With `verify_connection` Vault keeps nothing unless it could log in.
        password
            None to keep the one that Vault has.

        Raises
        ------
        VaultDatabaseError
            If Vault couldn't log in.
        VaultError
            If the server can't be asked or refuses.
        """
        self._sent = password
        secret = {"password": password.get_secret_value()} if password else {}
        for attempt in self._patiently():
            with attempt, self._border("configure"):
                self._engine.configure(self._name, mount_point=self._mount, **settings, **secret)

    def rotate_root(self) -> None:
        """Give the connection's user a password that only Vault knows.

        Raises
        ------
        VaultDatabaseError
            If the database refuses.
        VaultError
            If the server can't be asked or refuses.
        """
        for attempt in self._patiently():
            with attempt, self._border("rotate the root password of"):
                self._engine.rotate_root_credentials(self._name, mount_point=self._mount)

    def revoke_leases(self, role: str) -> None:
        """Take the credentials of a role away, and wait until the database has none of them.

        Raises
        ------
        VaultError
            If the server can't be asked or refuses; whose token may not do this is told so.
        """
        prefix = f"sys/leases/revoke-prefix/{self._mount}/creds/{role}"
        for attempt in self._patiently():
            with attempt, self._border(f"revoke the leases of {role} ({prefix}, with sudo) of"):
                self._client.adapter.put(f"/v1/{prefix}", json={"sync": True})

    def delete(self) -> None:
        """Remove the configuration, and with it the password."""
        for attempt in self._patiently():
            with attempt, self._border("delete"):
                self._engine.delete_connection(self._name, mount_point=self._mount)
