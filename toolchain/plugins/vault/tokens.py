"""Tokens, which the server names by their accessor."""

from dataclasses import dataclass
from http import HTTPStatus

from toolchain.plugins.plugin import Failure
from toolchain.plugins.values import Document, secret
from toolchain.plugins.vault.connection import NamespacedVault
from toolchain.plugins.vault.errors import VaultRefusedError
from toolchain.plugins.vault.kind import Kind

__all__ = ["TokenKind"]


_RENEWAL = ("renewMinLease", "renewIncrement")


@dataclass(frozen=True, kw_only=True)
class TokenKind(Kind):
    """A token. Whatever it may do makes a new one when it changes; it isn't renewed."""

    def replaces(self, name: str, inputs: Document) -> bool:
        del inputs
        return name not in _RENEWAL

    def update(self, vault: NamespacedVault, before: Document, inputs: Document) -> None:
        """Do nothing: what may change in place only steers a renewal."""
        del vault, before, inputs

    def failures(self, inputs: Document) -> list[Failure]:
        if "wrappingTtl" in inputs:
            return [Failure("wrappingTtl", "the substitute plugin can't make wrapped tokens")]
        return []

    def computed(self, inputs: Document, answer: Document) -> Document:
        del inputs
        if "client_token" not in answer:
            return {}  # only the answer to its making holds the token
        return {"clientToken": secret(answer["client_token"]), "leaseDuration": answer["lease_duration"]}

    def create(self, vault: NamespacedVault, inputs: Document) -> tuple[str, Document]:
        path = "auth/token/create"
        if "roleName" in inputs:
            path = f"auth/token/create/{inputs['roleName']}"
        elif inputs.get("noParent"):
            path = "auth/token/create-orphan"
        made = vault.write(path, self.body(inputs, {}))["auth"]
        return str(made["accessor"]), made

    def fetch(self, vault: NamespacedVault, inputs: Document, resource_id: str) -> Document | None:
        del inputs
        try:
            found = vault.write("auth/token/lookup-accessor", {"accessor": resource_id})
        except VaultRefusedError as error:
            if _is_gone(error):
                return None
            raise
        return found.get("data") or {}

    def live(self, inputs: Document, answer: Document) -> Document:
        del answer
        return inputs

    def delete(self, vault: NamespacedVault, inputs: Document, resource_id: str) -> None:
        del inputs
        try:
            vault.write("auth/token/revoke-accessor", {"accessor": resource_id})
        except VaultRefusedError as error:
            if not _is_gone(error):
                raise


def _is_gone(error: VaultRefusedError) -> bool:
    return error.status == HTTPStatus.NOT_FOUND or any(
        "invalid accessor" in reason for reason in error.reasons
    )
