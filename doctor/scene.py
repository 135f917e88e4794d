"""What the doctor looks at: the stores and ExternalSecrets of some namespaces, and what they lean on."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from doctor.kubernetes import Document, Kubernetes
from doctor.memo import Memo
from doctor.model import CannotLookError
from doctor.stack import StackState
from doctor.vault import Vault

__all__ = ["ExternalSecret", "Scene", "Store", "fingerprint"]

_GROUP = "/apis/external-secrets.io"


def fingerprint(value: str) -> str:
    """Say which value it is without saying the value."""
    return hashlib.sha256(value.encode()).hexdigest()[:12]


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


class Scene:
    """Everything the probes look at, read when it is first needed.

    Parameters
    ----------
    namespaces
        Where ExternalSecrets, their Secrets and the gateway live.
    stack
        What Pulumi knows; None for a chain that somebody else built.
    """

    def __init__(
        self, kubernetes: Kubernetes, vault: Vault, namespaces: list[str], stack: StackState | None = None
    ) -> None:
        self.kubernetes = kubernetes
        self.vault = vault
        self.namespaces = namespaces
        self.stack = stack
        self._memo = Memo()

    @property
    def record(self) -> Callable[[str], None]:
        """Tell of a call that is made without the two borders."""
        return self.kubernetes.record

    def token_of(self, store: Store) -> str:
        """Ask once for a token of the ServiceAccount that a store logs in as.

        Raises
        ------
        CannotLookError
            If there is none to be had.
        """
        account = store.service_account
        if account is None:
            raise CannotLookError(f"the {store.key} has no ServiceAccount")
        key = (*account, *store.audiences)
        return self._memo.of(key, lambda: self.kubernetes.token_of(*account, store.audiences))

    # --- what External Secrets Operator is told ----------------------------------------------------------

    @property
    def api_version(self) -> str:
        """The version of the operator's API that this cluster serves.

        Raises
        ------
        CannotLookError
            If it serves none.
        """
        group = self.kubernetes.get(_GROUP)
        if group is None:
            raise CannotLookError(
                "the cluster doesn't know ExternalSecrets: the operator's definitions aren't installed",
                "install External Secrets Operator with its CRDs",
            )
        return str(group["preferredVersion"]["version"])

    def external_secrets(self) -> list[ExternalSecret]:
        """List them, of all namespaces that are looked at."""
        found = []
        for namespace in self.namespaces:
            path = f"{_GROUP}/{self.api_version}/namespaces/{namespace}/externalsecrets"
            found += [
                ExternalSecret(item["metadata"]["name"], namespace, item)
                for item in self.kubernetes.items(path)
            ]
        return found

    def stores(self) -> list[Store]:
        """List the stores over Vault: those that live here, and those that an ExternalSecret here uses."""
        used = self._users()
        found = []
        for namespace in self.namespaces:
            path = f"{_GROUP}/{self.api_version}/namespaces/{namespace}/secretstores"
            for item in self.kubernetes.items(path):
                name = item["metadata"]["name"]
                found.append(Store("SecretStore", name, namespace, item, frozenset({namespace})))
        for kind, name in sorted(used):
            if kind != "ClusterSecretStore":
                continue
            item_or_none = self.kubernetes.get(f"{_GROUP}/{self.api_version}/clustersecretstores/{name}")
            if item_or_none:
                found.append(Store(kind, name, "", item_or_none, frozenset(used[kind, name])))
        return [store for store in found if store.vault is not None]

    def _users(self) -> Mapping[tuple[str, str], set[str]]:
        users: dict[tuple[str, str], set[str]] = {}
        for external in self.external_secrets():
            users.setdefault(external.store_reference, set()).add(external.namespace)
        return users

    def store_of(self, external: ExternalSecret) -> Store | None:
        kind, name = external.store_reference
        for store in self.stores():
            if (store.kind, store.name) == (kind, name) and store.namespace in ("", external.namespace):
                return store
        return None

    def users_of(self, store: Store) -> list[ExternalSecret]:
        """List the ExternalSecrets that fetch through a store."""
        return [external for external in self.external_secrets() if self.store_of(external) == store]

    def events(self, document: Document) -> list[Document]:
        """List an object's events, the newest first."""
        metadata = document["metadata"]
        namespace = metadata.get("namespace") or "default"
        items = self.kubernetes.items(f"/api/v1/namespaces/{namespace}/events")
        mine = [item for item in items if item["involvedObject"].get("uid") == metadata["uid"]]
        return sorted(
            mine, key=lambda item: item.get("lastTimestamp") or item.get("eventTime") or "", reverse=True
        )

    # --- objects that several probes read ----------------------------------------------------------------

    def secret(self, namespace: str, name: str) -> dict[str, str] | None:
        """Give a Secret's values in the clear; they never leave a probe but as a fingerprint."""
        document = self.kubernetes.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
        if document is None:
            return None
        return {
            key: base64.b64decode(value).decode(errors="replace")
            for key, value in (document.get("data") or {}).items()
        }

    def kv(self, mount: str, path: str) -> Document | None:
        """Read the newest version of a KV v2 path: `data` and `metadata`; None if there never was one."""
        return self.vault.get(f"{mount}/data/{path}")

    def mounts(self) -> Mapping[str, Any]:
        """Mount path with its `/` -> what is mounted."""
        return self.vault.get("sys/mounts") or {}

    def auth_mounts(self) -> Mapping[str, Any]:
        return self.vault.get("sys/auth") or {}
