"""Stores and ExternalSecrets, and what the operator makes of their fields."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from doctor.kubernetes import Document

__all__ = ["ExternalSecret", "Store", "claims", "fingerprint", "selects"]


def fingerprint(value: str) -> str:
    """Say which value it is without saying the value."""
    return hashlib.sha256(value.encode()).hexdigest()[:12]


def claims(token: str) -> dict[str, Any]:
    """Read the claims of a JWT, none of which is secret."""
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def selects(selector: Document, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches labels; an empty one matches all."""
    if not (selector.get("matchLabels") or {}).items() <= labels.items():
        return False
    return all(_matches(expression, labels) for expression in selector.get("matchExpressions") or [])


def _matches(expression: Document, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values") or []
    match expression["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case _:
            return value is None


@dataclass(frozen=True)
class Store:
    """A SecretStore or ClusterSecretStore over Vault.

    Attributes
    ----------
    namespace
        Where it lives; empty for a ClusterSecretStore.
    vault
        `spec.provider.vault`; None if the provider is another.
    users
        Namespaces whose ExternalSecrets use it.
    """

    kind: str
    name: str
    namespace: str
    document: Document = field(repr=False)
    users: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    @property
    def vault(self) -> Document | None:
        return ((self.document.get("spec") or {}).get("provider") or {}).get("vault")

    @property
    def kubernetes_auth(self) -> Document | None:
        return ((self.vault or {}).get("auth") or {}).get("kubernetes")

    @property
    def auth_mount(self) -> str:
        return str((self.kubernetes_auth or {}).get("mountPath") or "kubernetes")

    @property
    def audiences(self) -> list[str]:
        return list(((self.kubernetes_auth or {}).get("serviceAccountRef") or {}).get("audiences") or [])

    @property
    def mount(self) -> str:
        """Path of the KV mount; empty if each key has to name it."""
        return str((self.vault or {}).get("path") or "").strip("/")

    def below_mount(self, path: str) -> str:
        """Take what the operator takes from a key: the mount at its beginning is no part of it."""
        whole = path.strip("/")
        below = whole.removeprefix(f"{self.mount}/")
        return whole if below == whole else below.removeprefix("data/")

    def api_path(self, path: str) -> str:
        """Say which path of the API the operator reads for a key."""
        if not self.mount:
            return path.strip("/")
        inner = "data/" if str((self.vault or {}).get("version") or "v2") == "v2" else ""
        return f"{self.mount}/{inner}{self.below_mount(path)}"

    @property
    def service_account(self) -> tuple[str, str] | None:
        """Namespace and name of the ServiceAccount that it logs in as; None if it has a token otherwise."""
        reference = (self.kubernetes_auth or {}).get("serviceAccountRef")
        if not reference:
            return None
        # A SecretStore's own namespace wins, whatever the reference says.
        namespace = self.namespace or reference.get("namespace") or next(iter(sorted(self.users)), "")
        return namespace, reference["name"]


@dataclass(frozen=True)
class ExternalSecret:
    """What is fetched from a store into a Secret."""

    name: str
    namespace: str
    document: Document = field(repr=False)

    @property
    def key(self) -> str:
        return f"ExternalSecret {self.namespace}/{self.name}"

    @property
    def store_reference(self) -> tuple[str, str]:
        reference = self.document["spec"].get("secretStoreRef") or {}
        return reference.get("kind") or "SecretStore", reference.get("name") or ""

    @property
    def target(self) -> str:
        return str((self.document["spec"].get("target") or {}).get("name") or self.name)

    @property
    def properties(self) -> list[tuple[str, str, str]]:
        """Key in the Secret, path below the mount, property; the property is empty for the whole."""
        return [
            (item["secretKey"], item["remoteRef"]["key"], item["remoteRef"].get("property") or "")
            for item in self.document["spec"].get("data") or []
        ]

    @property
    def extracts(self) -> list[str]:
        """Paths of which every property is taken."""
        return [
            item["extract"]["key"]
            for item in self.document["spec"].get("dataFrom") or []
            if item.get("extract")
        ]

    @property
    def paths(self) -> list[str]:
        return sorted({path for _, path, _ in self.properties} | set(self.extracts))
