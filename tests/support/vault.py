"""The tests' own hands on the real OpenBao."""

from collections.abc import Mapping
from typing import Any

import hvac

__all__ = ["Vault"]


class Vault:
    """Reads and writes KV v2 values as somebody beside the program would."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.client = self.as_holder(environment["VAULT_TOKEN"])

    def as_holder(self, token: str) -> hvac.Client:
        """Give the same server to whoever holds a token."""
        address, ca = self._environment["VAULT_ADDR"], self._environment["VAULT_CACERT"]
        return hvac.Client(url=address, token=token, verify=ca)

    def log_in(self, auth_mount: str, role: str, jwt: str) -> str:
        """Log in at a kubernetes auth method and give the token.

        Raises
        ------
        hvac.exceptions.Forbidden
            If Vault refuses.
        """
        answer: Any = self.client.adapter.post(
            f"/v1/auth/{auth_mount}/login", json={"role": role, "jwt": jwt}
        )
        return str(answer["auth"]["client_token"])

    def read(self, full_path: str) -> dict[str, str]:
        """Give the properties at `mount/path`."""
        mount, _, path = full_path.partition("/")
        answer = self.client.secrets.kv.v2.read_secret_version(
            path=path, mount_point=mount, raise_on_deleted_version=True
        )
        data: dict[str, str] = answer["data"]["data"]
        return data

    def change(self, full_path: str, **properties: str) -> None:
        """Set some properties and leave the others."""
        mount, _, path = full_path.partition("/")
        data = {**self.read(full_path), **{name.replace("_", "-"): v for name, v in properties.items()}}
        self.client.secrets.kv.v2.create_or_update_secret(path=path, secret=data, mount_point=mount)

    def data(self, api_path: str) -> dict[str, Any]:
        """Give what the API says at a path."""
        answer = self.client.read(api_path)
        assert isinstance(answer, dict), f"nothing at {api_path}"
        data: dict[str, Any] = answer["data"]
        return data

    def mounts(self) -> dict[str, Any]:
        return self.data("sys/mounts")
