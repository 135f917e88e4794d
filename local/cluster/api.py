"""The border to a Kubernetes API server: documents in, documents out, failures as sentences."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError

from toolchain.errors import UserError

__all__ = ["Cluster", "ClusterDeniedError", "ClusterError", "ClusterUnreachableError", "KubeconfigError"]

MANAGER = "llm-gateway-local"
APPLY_YAML = "application/apply-patch+yaml"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
TIMEOUT_SECONDS = 30.0

# Kind -> path of its collection below the API root; `{namespace}` stands where a kind lives in one.
COLLECTIONS = {
    "Namespace": "/api/v1/namespaces",
    "ConfigMap": "/api/v1/namespaces/{namespace}/configmaps",
    "Secret": "/api/v1/namespaces/{namespace}/secrets",
    "Service": "/api/v1/namespaces/{namespace}/services",
    "ServiceAccount": "/api/v1/namespaces/{namespace}/serviceaccounts",
    "PersistentVolumeClaim": "/api/v1/namespaces/{namespace}/persistentvolumeclaims",
    "Pod": "/api/v1/namespaces/{namespace}/pods",
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments",
    "StatefulSet": "/apis/apps/v1/namespaces/{namespace}/statefulsets",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "StorageClass": "/apis/storage.k8s.io/v1/storageclasses",
}


class ClusterError(UserError):
    """The API server refused a request."""

    def __init__(self, server: str, request: str, status: int, answer: str) -> None:
        self.status = status
        super().__init__(f"The cluster at {server} answers {request} with {status}: {answer}")


class ClusterDeniedError(ClusterError):
    """The user of the kubeconfig may not do that."""


class ClusterUnreachableError(UserError):
    """No API server answers at the address."""

    def __init__(self, server: str, reason: str) -> None:
        super().__init__(
            f"No Kubernetes API server answers at {server} ({reason}): see `python -m local status`, "
            "or check the kubeconfig."
        )


class KubeconfigError(UserError):
    """The kubeconfig can't be used."""

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(f"The kubeconfig {file} can't be used: {reason}")


class Cluster:
    """One cluster, reached with a kubeconfig's current context.

    Parameters
    ----------
    kubeconfig
        The file.
    owner
        Tells this platform from another one in the same cluster: it goes into the server's record of who
        made what.
    """

    def __init__(self, kubeconfig: Path, owner: str = "") -> None:
        self._manager = f"{MANAGER}-{owner}" if owner else MANAGER
        self.kubeconfig = kubeconfig
        if not kubeconfig.is_file():
            raise KubeconfigError(kubeconfig, "there is no such file.")
        try:
            self._client: client.ApiClient = config.new_client_from_config(str(kubeconfig))
        except (ConfigException, yaml.YAMLError, TypeError) as error:
            raise KubeconfigError(kubeconfig, f"{error}") from None
        self.server: str = self._client.configuration.host

    def is_ready(self) -> bool:
        """Tell whether the API server serves."""
        try:
            self._request("GET", "/readyz", timeout_seconds=2.0)
        except (ClusterError, ClusterUnreachableError):
            return False
        return True

    def get(self, kind: str, name: str, namespace: str = "") -> dict[str, Any] | None:
        """Return one object, or None when there is none."""
        try:
            return self._request_json("GET", f"{_collection(kind, namespace)}/{name}")
        except ClusterError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def objects(self, kind: str, namespace: str = "", selector: str = "") -> list[dict[str, Any]]:
        """Return all objects of a kind; without a namespace, of all namespaces."""
        items: list[dict[str, Any]] = self.objects_at(_collection(kind, namespace), selector)
        return items

    def objects_at(self, path: str, selector: str = "") -> list[dict[str, Any]]:
        """Return the objects of any collection by its API path; none when its kind is unknown."""
        query = {"labelSelector": selector} if selector else {}
        try:
            items: list[dict[str, Any]] = self._request_json("GET", path, query=query)["items"] or []
        except ClusterError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return []
            raise
        return items

    def list_metadata(self, kind: str) -> list[dict[str, Any]]:
        """Return only the metadata of all objects of a kind that lives in no namespace."""
        answer = self._request_json("GET", COLLECTIONS[kind], headers={"Accept": METADATA_ONLY})
        return [item["metadata"] for item in answer["items"] or []]

    def apply(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Create the object or bring it to what the document says (server-side apply)."""
        metadata = document["metadata"]
        path = f"{_collection(document['kind'], metadata.get('namespace', ''))}/{metadata['name']}"
        return self.apply_text(path, json.dumps(document))

    def apply_definition(self, name: str, text: str) -> None:
        """Apply a custom resource definition from its text, hundreds of kilobytes, unparsed."""
        self.apply_text(f"{COLLECTIONS['CustomResourceDefinition']}/{name}", text)

    def apply_text(self, path: str, text: str) -> dict[str, Any]:
        query = {"fieldManager": self._manager, "force": "true"}
        return self._request_json("PATCH", path, query=query, body=text, headers={"Content-Type": APPLY_YAML})

    def made(self, metadata: Mapping[str, Any]) -> bool:
        """Tell by an object's metadata whether this platform applied it."""
        return any(entry.get("manager") == self._manager for entry in metadata.get("managedFields") or ())

    def delete(self, kind: str, name: str, namespace: str = "", grace_seconds: int | None = None) -> bool:
        """Delete an object; tell whether there was one."""
        options: dict[str, Any] = {"propagationPolicy": "Background"}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        path = f"{_collection(kind, namespace)}/{name}"
        headers = {"Content-Type": "application/json"}
        try:
            self._request("DELETE", path, body=options, headers=headers)
        except ClusterError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return False
            raise
        return True

    def pod_log(
        self, namespace: str, pod: str, container: str, *, follow: bool, tail_lines: int | None
    ) -> Any:
        """Return a stream of a container's log: an iterable of bytes."""
        try:
            return client.CoreV1Api(self._client).read_namespaced_pod_log(
                pod,
                namespace,
                container=container,
                follow=follow,
                tail_lines=tail_lines,
                _preload_content=False,
            )
        except ApiException as error:
            raise self._refused(f"GET log of {namespace}/{pod}", error) from None

    def _request_json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: str | Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(
            self._request(method, path, query=query, body=body, headers=headers)
        )
        return answer

    def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: str | Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> bytes:
        call = self._client.param_serialize(
            method=method,
            resource_path=path,
            query_params=list((query or {}).items()),
            header_params={"Accept": "application/json", **(headers or {})},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            response = self._client.call_api(*call, _request_timeout=timeout_seconds)
            data: bytes = response.read()
        except HTTPError as error:
            reason = str(error.__cause__ or getattr(error, "reason", None) or error)
            raise ClusterUnreachableError(self.server, reason) from None
        except ApiException as error:
            raise self._refused(f"{method} {path}", error) from None
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise self._refusal(f"{method} {path}", response.status, data)
        return data

    def _refused(self, request: str, error: ApiException) -> ClusterError:
        return self._refusal(request, error.status, error.body or b"")

    def _refusal(self, request: str, status: int, body: bytes | str) -> ClusterError:
        try:
            answer = json.loads(body)["message"]
        except (ValueError, KeyError, TypeError):
            answer = body.decode(errors="replace") if isinstance(body, bytes) else str(body)
        kind = (
            ClusterDeniedError if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) else ClusterError
        )
        return kind(self.server, request, status, answer)


def _collection(kind: str, namespace: str) -> str:
    path = COLLECTIONS[kind]
    return path.format(namespace=namespace) if namespace else path.replace("/namespaces/{namespace}", "")
