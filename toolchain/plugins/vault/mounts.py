"""Secrets engines and auth methods: what is mounted at a path."""

from dataclasses import dataclass

from tenacity import retry_if_result

from toolchain.plugins.patience import patient
from toolchain.plugins.values import Document
from toolchain.plugins.vault.connection import NamespacedVault
from toolchain.plugins.vault.errors import VaultError, VaultRefusedError
from toolchain.plugins.vault.fields import drifted_entries, empty_like, snake
from toolchain.plugins.vault.kind import Kind

__all__ = ["MountKind", "VaultPathInUseError", "VaultRemountError"]

REMOUNT_SECONDS = 60

_TUNED = {
    "defaultLeaseTtlSeconds": "default_lease_ttl",
    "maxLeaseTtlSeconds": "max_lease_ttl",
    "forceNoCache": "force_no_cache",
    "auditNonHmacRequestKeys": "audit_non_hmac_request_keys",
    "auditNonHmacResponseKeys": "audit_non_hmac_response_keys",
    "listingVisibility": "listing_visibility",
    "passthroughRequestHeaders": "passthrough_request_headers",
    "allowedResponseHeaders": "allowed_response_headers",
    "allowedManagedKeys": "allowed_managed_keys",
}
"""Inputs of a mount that the API keeps in the mount's ``config``."""

_FIXED = ("type", "description", "local", "sealWrap", "options", "externalEntropyAccess", "pluginVersion")
"""Inputs of a mount that the API takes beside ``config`` when it is made."""


class VaultPathInUseError(VaultError):
    """Something else is mounted there."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"Something is mounted at {path}/ already: import it with `pulumi import`, or take another path."
        )


class VaultRemountError(VaultError):
    """The server didn't finish moving a mount."""

    def __init__(self, old: str, new: str, status: str) -> None:
        super().__init__(
            f"Moving the mount {old}/ to {new}/ isn't done ({status}): see the server's log, then run "
            "`pulumi refresh`."
        )


@dataclass(frozen=True, kw_only=True)
class MountKind(Kind):
    """A mount. Its data stay when its path changes: it is moved, not replaced.

    Attributes
    ----------
    listing
        The API path under which all mounts of this sort are listed and made.
    prefix
        What stands before the path where the API names mounts of every sort.
    """

    listing: str
    prefix: str = ""

    def completed(self, inputs: Document) -> Document:
        result = super().completed(inputs)
        result.setdefault("path", result.get("type"))
        if isinstance(result["path"], str):
            result["path"] = result["path"].strip("/")
        return result

    def replaces(self, name: str, inputs: Document) -> bool:
        return super().replaces(name, inputs) or (name == "path" and inputs.get("disableRemount") is True)

    def create(self, vault: NamespacedVault, inputs: Document) -> tuple[str, Document]:
        body = {snake(name): inputs[name] for name in _FIXED if name in inputs}
        try:
            vault.write(self.path.format_map(inputs), {**body, "config": self._config(inputs, {})})
        except VaultRefusedError as error:
            if any("path is already in use" in reason for reason in error.reasons):
                raise VaultPathInUseError(inputs["path"]) from error
            raise
        resource_id = self.identity(inputs)
        return resource_id, self.fetch(vault, inputs, resource_id) or {}

    def fetch(self, vault: NamespacedVault, inputs: Document, resource_id: str) -> Document | None:
        del resource_id
        listed = vault.get(self.listing) or {}
        mount = (listed.get("data") or listed).get(f"{inputs['path']}/")
        if mount is None:
            return None
        config = mount.get("config") or {}
        return {**mount, **{snake(name): config.get(field) for name, field in _TUNED.items()}}

    def live(self, inputs: Document, answer: Document) -> Document:
        # A program names the options that it means; the server adds those of the engine.
        known = {name: value for name, value in inputs.items() if name not in ("tune", "options", "path")}
        result = {**inputs, **super().live(known, answer)}
        for name, told in (("tune", answer.get("config") or {}), ("options", answer.get("options") or {})):
            if name in inputs:
                result[name] = drifted_entries(inputs[name], told)
        return result

    def imported(self, inputs: Document, answer: Document) -> Document:
        told = {name: answer.get(snake(name)) for name in ("type", "description", "options", *_TUNED)}
        return {**inputs, **{name: value for name, value in told.items() if value}}

    def update(self, vault: NamespacedVault, before: Document, inputs: Document) -> None:
        if before["path"] != inputs["path"]:
            self._move(vault, before["path"], inputs["path"])
        body = self._config(inputs, before)
        if "description" in before or "description" in inputs:
            body["description"] = inputs.get("description", "")
        if "options" in inputs:
            body["options"] = inputs["options"]
        vault.write(f"{self.path.format_map(inputs)}/tune", body)

    def _config(self, inputs: Document, before: Document) -> Document:
        tuned = {api_name: inputs[name] for name, api_name in _TUNED.items() if name in inputs}
        gone = {
            api_name: empty_like(before[name])
            for name, api_name in _TUNED.items()
            if name in before and name not in inputs
        }
        nested = {snake(name): value for name, value in (inputs.get("tune") or {}).items()}
        return {**gone, **tuned, **nested}

    def _move(self, vault: NamespacedVault, old: str, new: str) -> None:
        answer = vault.write("sys/remount", {"from": f"{self.prefix}{old}", "to": f"{self.prefix}{new}"})
        migration = (answer.get("data") or {}).get("migration_id")
        if migration is None:
            return  # servers before migrations move at once

        def status() -> str:
            told = vault.get(f"sys/remount/status/{migration}") or {}
            return str(((told.get("data") or {}).get("migration_info") or {}).get("status", "unknown"))

        is_moving = retry_if_result(lambda told: told == "in-progress")
        result = patient(is_moving, seconds=REMOUNT_SECONDS, cancelled=vault.server.cancelled)(status)
        if result != "success":
            raise VaultRemountError(old, new, result)
