"""References to secrets: where a value is found, so that the value itself is nobody's input."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from providers.errors import ProviderError
from providers.inputs import known_only

if TYPE_CHECKING:  # a preview checks references and resolves none
    from pydantic import SecretStr

    from providers.vault.connection import VaultConnection

__all__ = ["SecretMissingError", "SecretReference", "SecretUnusableError", "VaultProperty"]


class SecretMissingError(ProviderError):
    """A reference gives nothing.

    Parameters
    ----------
    reference
        Said as in a sentence: `the environment variable X`.
    why
        What is wrong with it.
    """

    def __init__(self, reference: str, why: str) -> None:
        self.reference = reference
        super().__init__(f"{reference} {why}")


class SecretUnusableError(ProviderError):
    """A reference gives something that can't be a key."""

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"{reference} holds a blank, a line break or a character beyond ASCII; expected the key alone"
        )


@dataclass(frozen=True)
class VaultProperty:
    """One property of a KV v2 path."""

    mount: str
    path: str
    property: str

    @classmethod
    def parse(cls, value: Any) -> Self:
        names = ("mount", "path", "property")
        given = known_only(value, names)
        for name in names:
            if not isinstance(given.get(name), str) or not given[name]:
                raise ValueError(f"a reference to Vault needs {name}, as a text")
        return cls(given["mount"].strip("/"), given["path"].strip("/"), given["property"])

    def __str__(self) -> str:
        return f"{self.property!r} at {self.mount}/{self.path} in Vault"


@dataclass(frozen=True)
class SecretReference:
    """Exactly one place where a secret is found when it is needed.

    Attributes
    ----------
    env
        Name of an environment variable.
    file
        Path of a file; a newline at its end is not part of the secret.
    vault
        A property of a KV v2 path.
    """

    env: str | None = None
    file: str | None = None
    vault: VaultProperty | None = None

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Read the form in which a reference stands in a resource's inputs.

        Parameters
        ----------
        value
            `{"env": NAME}`, `{"file": PATH}` or `{"vault": {"mount": ..., "path": ..., "property": ...}}`.

        Raises
        ------
        ValueError
            With what is expected.
        """
        if not isinstance(value, Mapping) or len(value) != 1:
            raise ValueError("expected exactly one of env, file or vault")
        [(kind, place)] = known_only(value, ("env", "file", "vault")).items()
        if kind == "vault":
            if not isinstance(place, Mapping):
                raise ValueError("expected vault to be a mapping of mount, path and property")
            return cls(vault=VaultProperty.parse(place))
        if not isinstance(place, str) or not place:
            raise ValueError(f"expected {kind} to be a text that is not empty")
        return cls(env=place) if kind == "env" else cls(file=place)

    def __str__(self) -> str:
        if self.env:
            return f"the environment variable {self.env}"
        return f"the file {self.file}" if self.file else str(self.vault)

    def resolve(self, vault: "VaultConnection") -> "SecretStr":
        """Fetch the secret.

        Parameters
        ----------
        vault
            The server that a Vault reference means; not spoken to for the others.

        Raises
        ------
        SecretMissingError
            If there is nothing.
        providers.vault.errors.VaultError
            If Vault can't be asked.
        """
        from pydantic import SecretStr  # noqa: PLC0415 - see above

        secret = self._from_vault(self.vault, vault) if self.vault else self.resolve_locally()
        if secret is None:
            raise SecretMissingError(str(self), self._what_to_do())
        return SecretStr(secret)

    def resolve_locally(self) -> str | None:
        """Look at the environment or the file system; None if nothing is there, or if it is in Vault."""
        if self.env:
            return os.environ.get(self.env) or None
        if self.file:
            try:
                return Path(self.file).read_text(encoding="utf-8").rstrip("\r\n") or None
            except (OSError, ValueError):  # also a path that no file can have, or bytes that are no text
                return None
        return None

    @staticmethod
    def _from_vault(place: VaultProperty, vault: "VaultConnection") -> str | None:
        from providers.vault.kv import KvPath  # noqa: PLC0415 - see above

        value = KvPath(vault, place.mount, place.path).read().data.get(place.property)
        return value if isinstance(value, str) and value else None

    def _what_to_do(self) -> str:
        if self.env:
            return "is not set; set it to the secret"
        return (
            "is empty or can't be read; expected the secret in it" if self.file else "is not there; write it"
        )
