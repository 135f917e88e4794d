"""Policies, and roles that need more than one API path."""

from dataclasses import dataclass

from toolchain.plugins.values import Document
from toolchain.plugins.vault.connection import NamespacedVault
from toolchain.plugins.vault.errors import VaultError
from toolchain.plugins.vault.kind import Kind

__all__ = ["AppRoleKind", "KeptConfigurationKind", "PolicyKind", "VaultPolicyExistsError"]


class VaultPolicyExistsError(VaultError):
    """The program may not overwrite a policy, and there is one."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is a policy {name} already: import it with `pulumi import`, take another name, or allow "
            "it to be overwritten."
        )


@dataclass(frozen=True, kw_only=True)
class PolicyKind(Kind):
    """A policy. Like the official plugin it reads a missing one as empty, so the next update writes it."""

    def create(self, vault: NamespacedVault, inputs: Document) -> tuple[str, Document]:
        if inputs.get("allowOverwrite") is False and vault.get(self.path.format_map(inputs)) is not None:
            raise VaultPolicyExistsError(inputs["name"])
        return super().create(vault, inputs)

    def fetch(self, vault: NamespacedVault, inputs: Document, resource_id: str) -> Document | None:
        return super().fetch(vault, inputs, resource_id) or {"policy": ""}

    def imported(self, inputs: Document, answer: Document) -> Document:
        return {**inputs, "policy": answer["policy"]}


@dataclass(frozen=True, kw_only=True)
class KeptConfigurationKind(Kind):
    """The configuration of an auth method: it can't be deleted and goes with its mount."""

    def delete(self, vault: NamespacedVault, inputs: Document, resource_id: str) -> None:
        del vault, inputs, resource_id


@dataclass(frozen=True, kw_only=True)
class AppRoleKind(Kind):
    """A role of the AppRole method, whose RoleID has a path of its own."""

    def create(self, vault: NamespacedVault, inputs: Document) -> tuple[str, Document]:
        vault.write(self.path.format_map(inputs), self.body(inputs, {}))
        self._write_role_id(vault, {}, inputs)
        resource_id = self.identity(inputs)
        return resource_id, self.fetch(vault, inputs, resource_id) or {}

    def update(self, vault: NamespacedVault, before: Document, inputs: Document) -> None:
        super().update(vault, before, inputs)
        self._write_role_id(vault, before, inputs)

    def fetch(self, vault: NamespacedVault, inputs: Document, resource_id: str) -> Document | None:
        found = super().fetch(vault, inputs, resource_id)
        if found is None:
            return None
        return {**found, **((vault.get(self._role_id_path(inputs)) or {}).get("data") or {})}

    def _write_role_id(self, vault: NamespacedVault, before: Document, inputs: Document) -> None:
        if "roleId" in inputs and inputs["roleId"] != before.get("roleId"):
            vault.write(self._role_id_path(inputs), {"role_id": inputs["roleId"]})

    def _role_id_path(self, inputs: Document) -> str:
        return f"{self.path.format_map(inputs)}/role-id"
