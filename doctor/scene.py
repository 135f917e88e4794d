"""What the doctor looks at: the stores and ExternalSecrets of some namespaces, and what they lean on."""

import base64
import re
from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from doctor.gateway import Gateway
from doctor.kubernetes import Document, Kubernetes
from doctor.memo import Memo
from doctor.model import CannotLookError, NotAllowedError
from doctor.objects import ExternalSecret, Store, selects
from doctor.stack import StackState
from doctor.tls import Handshake, shake_hands
from doctor.vault import Vault
from providers.reference import SecretReference

__all__ = ["Scene"]

T = TypeVar("T")

_GROUP = "/apis/external-secrets.io"


class Scene:
    """Everything the probes look at, read when it is first needed.

    Parameters
    ----------
    namespaces
        Where ExternalSecrets, their Secrets and the gateway live.
    stack
        What Pulumi knows; None for a chain that somebody else built, or for a stack that can't be read.
    without_stack
        Why the stack can't be read, where one was asked for.
    gateway_url
        Address at which the key API is asked; None for the one of the stack, or of the Service.
    gateway_authority_file
        CA that signed the gateway's certificate, PEM; None for the stack's, or the system's.
    """

    def __init__(
        self,
        kubernetes: Kubernetes,
        vault: Vault,
        namespaces: list[str],
        *,
        stack: StackState | None = None,
        gateway_url: str | None = None,
        gateway_authority_file: str | None = None,
        without_stack: CannotLookError | None = None,
    ) -> None:
        self.kubernetes = kubernetes
        self.vault = vault
        self.wanted_namespaces = namespaces
        self.stack = stack
        self.without_stack = without_stack
        self._gateway_url = gateway_url
        self._gateway_authority_file = gateway_authority_file
        self._memo = Memo()
        self._silent_nodes: set[str | None] = set()

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

    def handshake(self, address: tuple[str, int], name: str, authority: str | None) -> Handshake:
        """Open a TLS connection once, however many stores or mounts name its address."""
        key = ("TLS", address, name, authority)
        return self._memo.of(key, lambda: shake_hands(address, name, authority, self.record))

    # --- where it is looked ------------------------------------------------------------------------------

    @property
    def namespaces(self) -> list[str]:
        """The namespaces whose ExternalSecrets may be read here; the others are in `blind_spots`."""
        blind = self.blind_spots
        return [namespace for namespace in self.wanted_namespaces if namespace not in blind]

    @property
    def blind_spots(self) -> Mapping[str, NotAllowedError]:
        """Namespaces that the user of the kubeconfig may not look into, and what was refused."""
        return self._memo.of("blind spots", self._find_blind_spots)

    def _find_blind_spots(self) -> Mapping[str, NotAllowedError]:
        found = {}
        for namespace in self.wanted_namespaces:
            try:
                self.kubernetes.get(f"/api/v1/namespaces/{namespace}/services")
                if self.kubernetes.get(_GROUP) is not None:
                    self.kubernetes.get(self._path("externalsecrets", namespace))
            except NotAllowedError as error:
                found[namespace] = error
        return found

    # --- what External Secrets Operator is told ----------------------------------------------------------

    def _version_of(self, plural: str) -> str:
        """Find the version of the operator's API in which this cluster serves a kind.

        Raises
        ------
        CannotLookError
            If the cluster doesn't know the API at all.
        """
        group = self.kubernetes.get(_GROUP)
        if group is None:
            raise CannotLookError(
                "the cluster doesn't know ExternalSecrets: the operator's definitions aren't installed",
                "install External Secrets Operator with its CRDs",
            )
        preferred = str(group["preferredVersion"]["version"])
        others = [str(item["version"]) for item in group["versions"] if item["version"] != preferred]
        for version in (preferred, *others):
            served = (self.kubernetes.get(f"{_GROUP}/{version}") or {}).get("resources") or []
            if any(item["name"] == plural for item in served):
                return version
        return preferred

    def _path(self, plural: str, namespace: str, name: str = "") -> str:
        """Give the API path of the operator's objects of a kind, or of one of them."""
        place = f"/namespaces/{namespace}" if namespace else ""
        below = f"/{name}" if name else ""
        return f"{_GROUP}/{self._version_of(plural)}{place}/{plural}{below}"

    def external_secrets(self) -> list[ExternalSecret]:
        """List them, of all namespaces that are looked at."""
        found = []
        for namespace in self.namespaces:
            found += [
                ExternalSecret(item["metadata"]["name"], namespace, item)
                for item in self.kubernetes.items(self._path("externalsecrets", namespace))
            ]
        return found

    def stores(self) -> list[Store]:
        """List the stores over Vault: those that live here, and those that an ExternalSecret here uses."""
        used = self._users()
        found = []
        for namespace in self.namespaces:
            for item in self.kubernetes.items(self._path("secretstores", namespace)):
                name = item["metadata"]["name"]
                found.append(Store("SecretStore", name, namespace, item, frozenset({namespace})))
        for kind, name in sorted(used):
            if kind != "ClusterSecretStore":
                continue
            item_or_none = self.kubernetes.get(self._path("clustersecretstores", "", name))
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

    def path_of(self, thing: Store | ExternalSecret) -> str:
        """Give the API path of one of the operator's objects."""
        if isinstance(thing, ExternalSecret):
            plural = "externalsecrets"
        else:
            plural = "secretstores" if thing.namespace else "clustersecretstores"
        return self._path(plural, thing.namespace, thing.name)

    def admits(self, store: Store, namespace: str) -> bool:
        """Whether a store's `spec.conditions` let a namespace use it; without conditions every one may."""
        conditions = store.document["spec"].get("conditions") or []
        if store.namespace or not conditions:
            return True
        document = self.kubernetes.get(f"/api/v1/namespaces/{namespace}") or {}
        labels = (document.get("metadata") or {}).get("labels") or {}
        return any(
            namespace in (condition.get("namespaces") or [])
            or any(re.search(regex, namespace) for regex in condition.get("namespaceRegexes") or [])
            or ("namespaceSelector" in condition and selects(condition["namespaceSelector"], labels))
            for condition in conditions
        )

    def store_document(self, external: ExternalSecret) -> Document | None:
        """Read the store that an ExternalSecret names, whatever its provider is."""
        kind, name = external.store_reference
        if kind == "ClusterSecretStore":
            return self.kubernetes.get(self._path("clustersecretstores", "", name))
        return self.kubernetes.get(self._path("secretstores", external.namespace, name))

    def push_secrets(self) -> list[Document]:
        """List the PushSecrets; their API is older than that of the ExternalSecrets."""
        return [
            item
            for namespace in self.namespaces
            for item in self.kubernetes.items(f"{_GROUP}/v1alpha1/namespaces/{namespace}/pushsecrets")
        ]

    def stores_pushed_to(self, push: Document) -> set[str]:
        """Name the stores that a PushSecret writes to, as findings do."""
        named = {
            (reference.get("kind") or "SecretStore", reference.get("name"))
            for reference in push["spec"].get("secretStoreRefs") or []
        }
        known = {
            store.key
            for store in self.stores()
            if (store.kind, store.name) in named and store.namespace in ("", push["metadata"]["namespace"])
        }
        return known or {f"{kind} {name}" for kind, name in named}

    def operators(self) -> list[Document]:
        """List the Deployments that run External Secrets Operator."""
        return [
            item
            for item in self.kubernetes.items("/apis/apps/v1/deployments")
            if any("external-secrets" in container["image"] for container in _containers(item))
        ]

    def operator_classes(self) -> set[str]:
        """Name what the operators answer to in `spec.controller`."""
        arguments = [
            argument
            for deployment in self.operators()
            for container in _containers(deployment)
            for argument in [*(container.get("command") or []), *(container.get("args") or [])]
        ]
        named = {
            argument.partition("=")[2] for argument in arguments if argument.startswith("--controller-class=")
        }
        return named or {"default"}

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

    def is_immutable(self, namespace: str, name: str) -> bool:
        document = self.kubernetes.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
        return bool((document or {}).get("immutable"))

    def owners(self, namespace: str, name: str) -> set[str]:
        """Give the UIDs of a Secret's owners."""
        document = self.kubernetes.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
        references = ((document or {}).get("metadata") or {}).get("ownerReferences") or []
        return {reference["uid"] for reference in references}

    def changed(self, namespace: str, name: str) -> datetime | None:
        """Say when a Secret's values last changed, as far as the API server notes it."""
        document = self.kubernetes.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
        times = [
            datetime.fromisoformat(entry["time"])
            for entry in ((document or {}).get("metadata") or {}).get("managedFields") or []
            if "f:data" in (entry.get("fieldsV1") or {}) and entry.get("time")
        ]
        return max(times, default=None)

    def kv(self, mount: str, path: str) -> Document | None:
        """Read the newest version of a KV v2 path: `data` and `metadata`; None if there never was one."""
        return self.vault.get(f"{mount}/data/{path}")

    def mounts(self) -> Mapping[str, Any]:
        """Mount path with its `/` -> what is mounted."""
        return self.vault.get("sys/mounts") or {}

    def auth_mounts(self) -> Mapping[str, Any]:
        return self.vault.get("sys/auth") or {}

    # --- LiteLLM -----------------------------------------------------------------------------------------

    def gateways(self) -> list[Document]:
        """List the Deployments that run LiteLLM."""
        return [
            item
            for namespace in self.namespaces
            for item in self.kubernetes.items(f"/apis/apps/v1/namespaces/{namespace}/deployments")
            if any("litellm" in container["image"] for container in _containers(item))
        ]

    def pods(self, namespace: str, labels: Mapping[str, str]) -> list[Document]:
        """List the Pods with these labels, without those that are about to stop, the newest first."""
        items = self.kubernetes.items(f"/api/v1/namespaces/{namespace}/pods")
        mine = [
            item
            for item in items
            if labels.items() <= (item["metadata"].get("labels") or {}).items()
            and not item["metadata"].get("deletionTimestamp")
        ]
        return sorted(mine, key=lambda item: str(item["metadata"]["creationTimestamp"]), reverse=True)

    def log(self, pod: Document, container: str) -> str:
        """Read the end of a container's log; empty if there is none, or if the Pod's node gives none."""
        namespace, node = pod["metadata"]["namespace"], pod["spec"].get("nodeName")
        if node in self._silent_nodes:
            return ""
        path = f"/api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}/log"
        said = self.kubernetes.text(path, {"container": container, "tailLines": "80"})
        if said is None:
            self._silent_nodes.add(node)  # whoever asks the same kubelet again waits as long
        return said or ""

    def ready_endpoints(self, namespace: str, service: str) -> list[str]:
        """List the addresses behind a Service that are ready."""
        slices = self.kubernetes.items(f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices")
        return [
            address
            for item in slices
            if (item["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == service
            for endpoint in item.get("endpoints") or []
            if (endpoint.get("conditions") or {}).get("ready", True)
            for address in endpoint["addresses"]
        ]

    def secrets_of(self, deployment: Document) -> list[str]:
        """Name the Secrets that a Deployment takes its environment from."""
        return [
            source["secretRef"]["name"]
            for container in _containers(deployment)
            for source in container.get("envFrom") or []
            if source.get("secretRef")
        ]

    def environment_of(self, deployment: Document) -> dict[str, str]:
        """Give the variables of a Deployment's containers; they never leave a probe but as a fingerprint."""
        namespace = deployment["metadata"]["namespace"]
        values: dict[str, str] = {}
        for name in self.secrets_of(deployment):
            values |= self.secret(namespace, name) or {}
        for container in _containers(deployment):
            for variable in container.get("env") or []:
                value = self._variable(namespace, variable)
                if value is not None:
                    values[variable["name"]] = value
        return values

    def _variable(self, namespace: str, variable: Document) -> str | None:
        """Give a container's own variable, which wins over those of whole Secrets; None if it isn't known."""
        source = variable.get("valueFrom")
        if source is None:
            return str(variable.get("value") or "")
        reference = source.get("secretKeyRef")
        return (self.secret(namespace, reference["name"]) or {}).get(reference["key"]) if reference else None

    def key_apis(self) -> list[Gateway]:
        """List the gateways whose key API is asked: of the stack's keys, or the Services of LiteLLM."""
        authorities = self.stack.gateways if self.stack else {}
        if self._gateway_url:
            urls = {self._gateway_url}
        elif self.stack is not None:
            urls = set(authorities)
        else:
            urls = {url for deployment in self.gateways() for url in self._service_urls(deployment)}
        return [
            Gateway(url, self.record, self._gateway_authority_file or authorities.get(url))
            for url in sorted(urls)
        ]

    def _service_urls(self, deployment: Document) -> list[str]:
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        services = self.kubernetes.items(f"/api/v1/namespaces/{deployment['metadata']['namespace']}/services")
        return [
            f"http://{item['spec']['clusterIP']}:{item['spec']['ports'][0]['port']}"
            for item in services
            if item["spec"].get("selector") and item["spec"]["selector"].items() <= labels.items()
        ]

    def admin_key(self, gateway: Gateway) -> tuple[str, str]:
        """Find the key that manages a gateway's keys, and say in words where.

        Raises
        ------
        CannotLookError
            If it isn't where it is said to be.
        """
        for key in self.stack.keys if self.stack else ():
            if str(key["inputs"]["gateway"]["url"]) == gateway.url:
                return self._referred(SecretReference.parse(key["inputs"]["gateway"]["admin_key"]))
        for deployment in self.gateways():
            master_key = self.environment_of(deployment).get("LITELLM_MASTER_KEY")
            if master_key:
                return master_key, "LITELLM_MASTER_KEY of the Deployment"
        raise CannotLookError("no admin key is known", "look at a stack, which refers to it")

    def _referred(self, reference: SecretReference) -> tuple[str, str]:
        place = reference.vault
        if place:
            found = (self.kv(place.mount, place.path) or {}).get("data") or {}
            value = found.get(place.property)
        else:
            value = reference.resolve_locally()
        if not value:
            raise CannotLookError(f"the admin key, {reference}, isn't there", "put it there")
        return str(value), str(reference)

    def once(self, key: Hashable, read: Callable[[], T]) -> T:
        """Read what several probes share only once."""
        return self._memo.of(key, read)


def _containers(deployment: Document) -> list[Document]:
    return list(deployment["spec"]["template"]["spec"]["containers"])
