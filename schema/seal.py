"""How a Vault or OpenBao server unseals itself: what each kind of seal takes."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator
from pydantic.alias_generators import to_camel

from schema.section import Address, EnvName, Label, SecretKey, Section, VaultPath

__all__ = ["SealSettings", "SecretFile"]

STATIC_KEY_BYTES = 32
SealKind = Literal["awskms", "gcpckms", "azurekeyvault", "transit", "static"]

_NEEDED: Mapping[SealKind, tuple[str, ...]] = {
    "awskms": ("region", "kms_key_id"),
    "gcpckms": ("project", "region", "key_ring", "crypto_key"),
    "azurekeyvault": ("tenant_id", "vault_name", "key_name"),
    "transit": ("address", "key_name", "mount_path", "credentials_secret"),
    "static": ("key", "key_id"),
}
_ALSO: Mapping[SealKind, tuple[str, ...]] = {
    "awskms": ("endpoint", "credentials_secret"),
    "gcpckms": ("credentials_secret",),
    "azurekeyvault": ("environment", "resource", "credentials_secret"),
    "transit": ("namespace",),
    "static": (),
}
_NOT_IN_THE_STANZA = ("key", "key_id", "credentials_secret")


class SecretFile(Section):
    """A value that becomes a file of the servers; exactly one of `secret` and `fileEnv` is given."""

    secret: Label | None = None
    """Secret in the servers' namespace that holds it."""
    secret_key: SecretKey = "seal-key"  # noqa: S105 - a name
    """Key of that Secret."""
    file_env: EnvName | None = None
    """Environment variable with the path of a file that holds it; it is kept encrypted in the state."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.secret is None) == (self.file_env is None):
            got = "both" if self.secret else "none"
            raise ValueError(f"expected exactly one of secret and fileEnv, got {got}")
        return self

    def problems(self) -> Iterator[str]:
        """Say what is wrong with the file."""
        if self.file_env is None:
            return
        path = os.environ.get(self.file_env)
        if path is None:
            yield f"the environment variable {self.file_env} is not set; expected a path"
            return
        try:
            length = len(Path(path).read_bytes())
        except OSError as error:
            yield f"the environment variable {self.file_env} names {path}: {error.strerror}"
            return
        if length != STATIC_KEY_BYTES:
            yield f"the environment variable {self.file_env} names {path}: expected 32 bytes, got {length}"

    def content(self) -> bytes | None:
        """Give what the file holds, or None for a Secret that is there already."""
        return Path(os.environ[self.file_env]).read_bytes() if self.file_env else None


class SealSettings(Section):
    """Auto-unseal. Credentials of a cloud come from the Pod's own identity, or as variables of a Secret."""

    kind: SealKind
    """awskms, gcpckms, azurekeyvault, transit or static."""
    region: str | None = None
    """awskms, gcpckms: where the key lives."""
    kms_key_id: str | None = None
    """awskms: id, ARN or alias of the key."""
    endpoint: Address | None = None
    """awskms: another endpoint, such as that of a VPC."""
    project: str | None = None
    """gcpckms: id of the project."""
    key_ring: str | None = None
    """gcpckms: the key ring."""
    crypto_key: str | None = None
    """gcpckms: the key."""
    tenant_id: str | None = None
    """azurekeyvault: the tenant."""
    vault_name: str | None = None
    """azurekeyvault: the Key Vault."""
    environment: str | None = None
    """azurekeyvault: the cloud, AZUREPUBLICCLOUD without it."""
    resource: str | None = None
    """azurekeyvault: DNS suffix of a managed HSM."""
    key_name: str | None = None
    """azurekeyvault, transit: the key."""
    address: Address | None = None
    """transit: the other Vault or OpenBao."""
    mount_path: VaultPath | None = None
    """transit: mount of its transit engine."""
    namespace: str | None = None
    """transit: namespace of the mount."""
    key: SecretFile | None = None
    """static (OpenBao): 32 bytes that seal the data; whoever loses them loses the data."""
    key_id: str | None = None
    """static: name of the key, kept with what it has sealed."""
    credentials_secret: Label | None = None
    """Secret whose keys become environment variables: AWS_ACCESS_KEY_ID, VAULT_TOKEN and the like."""

    @model_validator(mode="after")
    def _parameters_of_its_kind(self) -> Self:
        needed, also = _NEEDED[self.kind], _ALSO[self.kind]
        if missing := [to_camel(name) for name in needed if getattr(self, name) is None]:
            raise ValueError(f"seal {self.kind} needs {' and '.join(missing)}")
        given = [
            name for name in type(self).model_fields if name != "kind" and getattr(self, name) is not None
        ]
        if foreign := [to_camel(name) for name in given if name not in ("kind", *needed, *also)]:
            takes = ", ".join(to_camel(name) for name in (*needed, *also))
            raise ValueError(f"seal {self.kind} doesn't take {' and '.join(foreign)} (it takes {takes})")
        return self

    def stanza(self) -> dict[str, str]:
        """Give what stands in the server's `seal` stanza, in its spelling; no credential is among it."""
        if self.kind == "static":
            return {"current_key_id": self.key_id or "", "current_key": "file:///server/seal/key"}
        return self.model_dump(exclude={"kind", *_NOT_IN_THE_STANZA}, exclude_none=True)
