"""Secrets of the platform itself: each is made once and kept in a file of its own."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from local.files import write_private
from local.instance import Instance

__all__ = ["Credentials"]

PASSWORD_BYTES = 24
SEAL_KEY_BYTES = 32


@dataclass(frozen=True)
class Credentials:
    """The secrets of one instance, read from their files when they are used."""

    folder: Path

    @classmethod
    def of(cls, instance: Instance) -> "Credentials":
        return cls(instance.credentials_folder)

    @property
    def openbao_admin_password(self) -> str:
        return self._kept("openbao-admin-password", _password).decode()

    @property
    def openbao_seal_key(self) -> bytes:
        """The key by which OpenBao unseals itself: without it, its data are lost."""
        return self._kept("openbao-seal-key", lambda: secrets.token_bytes(SEAL_KEY_BYTES))

    @property
    def postgres_password(self) -> str:
        return self._kept("postgres-password", _password).decode()

    @property
    def pulumi_passphrase_file(self) -> Path:
        """File with the passphrase that encrypts the stack's secrets."""
        self._kept("pulumi-passphrase", _password)
        return self.folder / "pulumi-passphrase"

    @property
    def vault_token_file(self) -> Path:
        """Where a token of the administrator is kept while it is valid."""
        return self.folder / "vault-token"

    def database_url(self) -> str:
        """Return the URL by which a Pod of the cluster reaches the gateway's database."""
        password = quote(self.postgres_password, safe="")
        return f"postgresql://litellm:{password}@postgres.postgres.svc:5432/litellm"

    def _kept(self, name: str, make: Callable[[], bytes]) -> bytes:
        file = self.folder / name
        if not file.exists():
            write_private(file, make())
        return file.read_bytes()


def _password() -> bytes:
    return secrets.token_urlsafe(PASSWORD_BYTES).encode()
