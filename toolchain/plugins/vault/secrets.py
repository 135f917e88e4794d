"""Values in a key-value engine."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from toolchain.plugins.plugin import Failure
from toolchain.plugins.values import UNKNOWN, Document, secret
from toolchain.plugins.vault.connection import NamespacedVault
from toolchain.plugins.vault.errors import VaultRefusedError
from toolchain.plugins.vault.fields import drifted_entries, snake
from toolchain.plugins.vault.kind import Kind

__all__ = ["GenericSecretKind", "SecretV2Kind"]


def _json_failures(inputs: Document) -> list[Failure]:
    failures = []
    for name in ("dataJson", "dataJsonWo"):
        text = inputs.get(name)
        if not isinstance(text, str) or text == UNKNOWN:
            continue
        try:
            is_object = isinstance(json.loads(text), dict)
        except ValueError as error:
            # Not its text: that would show a part of the secret.
            place = (
                f"line {error.lineno}, column {error.colno}"
                if isinstance(error, json.JSONDecodeError)
                else ""
            )
            failures.append(Failure(name, f"must be a JSON object, and isn't JSON at {place}"))
        else:
            if not is_object:
                failures.append(Failure(name, "must be a JSON object"))
    return failures


def _strings(document: Document) -> dict[str, str]:
    """Return the values as strings, as the SDK has them; whatever isn't one as JSON."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in document.items()}


def _normal(text: str) -> str:
    """Return JSON with its keys in order and no blanks, so that equal data are equal text."""
    return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, kw_only=True)
class SecretV2Kind(Kind):
    """A secret with versions. As in the official plugin its value is never read back, and drift not seen."""

    def completed(self, inputs: Document) -> Document:
        result = super().completed(inputs)
        if isinstance(result.get("mount"), str):
            result["mount"] = result["mount"].strip("/")
        return result

    def failures(self, inputs: Document) -> list[Failure]:
        return _json_failures(inputs)

    def computed(self, inputs: Document, answer: Document) -> Document:
        return {
            "path": self.identity(inputs),
            "data": secret({}),
            "metadata": _strings(answer.get("version") or {}),
        }

    def create(self, vault: NamespacedVault, inputs: Document) -> tuple[str, Document]:
        self._write(vault, {}, inputs)
        resource_id = self.identity(inputs)
        return resource_id, self.fetch(vault, inputs, resource_id) or {}

    def update(self, vault: NamespacedVault, before: Document, inputs: Document) -> None:
        self._write(vault, before, inputs)

    def _write(self, vault: NamespacedVault, before: Document, inputs: Document) -> None:
        if _value_inputs(before) != _value_inputs(inputs):
            options = dict(inputs.get("options") or {})
            if "cas" in inputs:
                options["cas"] = inputs["cas"]
            data = json.loads(inputs.get("dataJsonWo") or inputs.get("dataJson") or "{}")
            vault.write(self.path.format_map(inputs), {"data": data, "options": options})
        if custom := inputs.get("customMetadata"):
            vault.write(self._metadata_path(inputs), _metadata_body(custom))

    def fetch(self, vault: NamespacedVault, inputs: Document, resource_id: str) -> Document | None:
        del resource_id
        if inputs.get("disableRead"):
            return {}
        answer = vault.get(self.path.format_map(inputs))
        # A deleted version is answered with its metadata, but without data.
        if answer is None or answer["data"].get("data") is None:
            return None
        found = {"version": answer["data"]["metadata"]}
        if "customMetadata" in inputs:
            found["custom"] = (vault.get(self._metadata_path(inputs)) or {}).get("data") or {}
        return found

    def live(self, inputs: Document, answer: Document) -> Document:
        if "customMetadata" not in inputs or "custom" not in answer:
            return inputs
        told = {**answer["custom"], "data": answer["custom"].get("custom_metadata") or {}}
        return {**inputs, "customMetadata": drifted_entries(inputs["customMetadata"], told)}

    def imported(self, inputs: Document, answer: Document) -> Document:
        del answer
        return inputs

    def delete(self, vault: NamespacedVault, inputs: Document, resource_id: str) -> None:
        del resource_id
        whole = inputs.get("deleteAllVersions")
        vault.delete(self._metadata_path(inputs) if whole else self.path.format_map(inputs))

    def _metadata_path(self, inputs: Document) -> str:
        return f"{inputs['mount']}/metadata/{inputs['name']}"


def _value_inputs(inputs: Document) -> list[Any]:
    return [inputs.get(name) for name in ("dataJson", "dataJsonWo", "dataJsonWoVersion", "options", "cas")]


def _metadata_body(custom: Document) -> Document:
    body: Document = {"custom_metadata": custom.get("data") or {}}
    for name in ("maxVersions", "casRequired"):
        if name in custom:
            body[snake(name)] = custom[name]
    if "deleteVersionAfter" in custom:
        body["delete_version_after"] = f"{custom['deleteVersionAfter']}s"
    return body


@dataclass(frozen=True, kw_only=True)
class GenericSecretKind(Kind):
    """A secret by its path, in an engine of either version; its value is read back, and drift is seen."""

    def failures(self, inputs: Document) -> list[Failure]:
        return _json_failures(inputs)

    def computed(self, inputs: Document, answer: Document) -> Document:
        del inputs
        return {"data": secret(_strings(answer.get("data") or {}))}

    def create(self, vault: NamespacedVault, inputs: Document) -> tuple[str, Document]:
        self.update(vault, {}, inputs)
        resource_id = self.identity(inputs)
        return resource_id, self.fetch(vault, inputs, resource_id) or {}

    def update(self, vault: NamespacedVault, before: Document, inputs: Document) -> None:
        del before
        data = json.loads(inputs["dataJson"])
        path, has_versions = self._place(vault, inputs["path"])
        vault.write(path, {"data": data} if has_versions else data)

    def fetch(self, vault: NamespacedVault, inputs: Document, resource_id: str) -> Document | None:
        del resource_id
        if inputs.get("disableRead"):
            return {}
        path, has_versions = self._place(vault, inputs["path"])
        answer = (vault.get(path) or {}).get("data") or {}
        data = answer.get("data") if has_versions else answer
        return {"data": data} if data else None

    def live(self, inputs: Document, answer: Document) -> Document:
        if "data" not in answer or json.loads(inputs["dataJson"]) == answer["data"]:
            return inputs
        return {**inputs, "dataJson": _normal(json.dumps(answer["data"]))}

    def imported(self, inputs: Document, answer: Document) -> Document:
        return {**inputs, "dataJson": _normal(json.dumps(answer["data"]))}

    def delete(self, vault: NamespacedVault, inputs: Document, resource_id: str) -> None:
        del resource_id
        path, has_versions = self._place(vault, inputs["path"])
        if has_versions and inputs.get("deleteAllVersions"):
            path = path.replace("/data/", "/metadata/", 1)
        vault.delete(path)

    def _place(self, vault: NamespacedVault, path: str) -> tuple[str, bool]:
        """Return the API path, and whether the engine there keeps versions."""
        try:
            mount = (vault.get(f"sys/internal/ui/mounts/{path}") or {}).get("data") or {}
        except VaultRefusedError as error:
            # So it answers where nothing is mounted; the call on the path itself tells what may be done.
            if error.status != HTTPStatus.FORBIDDEN:
                raise
            return path, False
        if (mount.get("options") or {}).get("version") != "2":
            return path, False
        mount_path = mount["path"]
        return f"{mount_path}data/{path.removeprefix(mount_path)}", True
