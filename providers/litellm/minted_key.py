"""A key's value and its hash."""

import hashlib
import secrets
from dataclasses import dataclass

from pydantic import SecretStr

__all__ = ["MintedKey"]


@dataclass(frozen=True)
class MintedKey:
    """A key's value, and the hash by which everybody else knows it."""

    value: SecretStr

    @classmethod
    def mint(cls) -> "MintedKey":
        """Take 256 random bits."""
        return cls(SecretStr(f"sk-{secrets.token_urlsafe(32)}"))

    @property
    def token_id(self) -> str:
        return hashlib.sha256(self.value.get_secret_value().encode()).hexdigest()
