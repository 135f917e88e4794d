"""The border to the API server: one HTTP call per method, with every failure as an error of ours."""

import json
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from toolchain.plugins.kubernetes.cluster import ClusterChoice
from toolchain.plugins.kubernetes.errors import (
    ClusterCredentialsError,
    ClusterUnreachableError,
    KindMissingError,
    Reference,
    RefusedError,
)
from toolchain.plugins.values import Document

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["Api", "reference_to"]

CONNECT_SECONDS = 5
ANSWER_SECONDS = 30

_Resources = dict[str, tuple[str, bool]]
"""The kinds of one API version: plural name, and whether their objects lie in namespaces."""


def reference_to(manifest: Document) -> Reference:
    """Return the address of the object that a manifest describes."""
    metadata = manifest["metadata"]
    return Reference(
        manifest["apiVersion"], manifest["kind"], metadata["name"], metadata.get("namespace") or ""
    )


class Api:
    """One API server. Nothing connects before the first call."""

    def __init__(self, choice: ClusterChoice) -> None:
        self._choice = choice
        self._client: ApiClient | None = None
        self._resources: dict[str, _Resources] = {}
        self._lock = threading.Lock()

    def is_namespaced(self, api_version: str, kind: str) -> bool:
        """Tell whether objects of the kind lie in namespaces.

        Raises
        ------
        KindMissingError
            The server doesn't know the kind.
        """
        return self._resource(api_version, kind)[1]

    def get(self, reference: Reference) -> Document | None:
        """Return the live object; None where it, its namespace or its kind is gone."""
        try:
            return self._call("read", reference, "GET", self._path(reference))
        except KindMissingError:
            return None
        except RefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def find(self, api_version: str, kind: str, namespace: str, selector: str = "") -> list[Document]:
        """List the objects of a namespace whose labels match."""
        path = self._collection(Reference(api_version, kind, "", namespace))
        answer = self._call("list", kind, "GET", path, query={"labelSelector": selector} if selector else {})
        return answer.get("items") or []

    def create(self, manifest: Document, manager: str, *, dry_run: bool = False) -> Document:
        """Create the object; it must not exist."""
        reference = reference_to(manifest)
        query = _query(fieldManager=manager, dry_run=dry_run)
        return self._call(
            "create", reference, "POST", self._collection(reference), body=manifest, query=query
        )

    def apply(self, manifest: Document, manager: str, *, force: bool, dry_run: bool = False) -> Document:
        """Apply the object on the server, whether it exists or not.

        Parameters
        ----------
        force
            Take fields over from other managers.
        """
        reference = reference_to(manifest)
        query = _query(fieldManager=manager, force="true" if force else "false", dry_run=dry_run)
        return self._call(
            "apply",
            reference,
            "PATCH",
            self._path(reference),
            body=manifest,
            query=query,
            content_type="application/apply-patch+yaml",
        )

    def replace(self, manifest: Document, manager: str, *, dry_run: bool = False) -> Document:
        """Replace the whole object by this one, of the same resource version."""
        reference = reference_to(manifest)
        query = _query(fieldManager=manager, dry_run=dry_run)
        return self._call("replace", reference, "PUT", self._path(reference), body=manifest, query=query)

    def patch(self, reference: Reference, operations: list[Document]) -> Document:
        """Carry out the operations of a JSON patch."""
        return self._call(
            "patch",
            reference,
            "PATCH",
            self._path(reference),
            body=operations,
            content_type="application/json-patch+json",
        )

    def delete(self, reference: Reference, propagation: str) -> None:
        """Begin to delete the object; nothing happens where it is gone."""
        body = {"propagationPolicy": propagation}
        try:
            self._call("delete", reference, "DELETE", self._path(reference), body=body)
        except KindMissingError:
            return
        except RefusedError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise

    def _path(self, reference: Reference) -> str:
        return f"{self._collection(reference)}/{quote(reference.name)}"

    def _collection(self, reference: Reference) -> str:
        plural, namespaced = self._resource(reference.api_version, reference.kind)
        inside = f"/namespaces/{quote(reference.namespace)}" if namespaced else ""
        return f"{_root(reference.api_version)}{inside}/{plural}"

    def _resource(self, api_version: str, kind: str) -> tuple[str, bool]:
        known = self._resources.get(api_version, {})
        if kind not in known:
            known = self._resources[api_version] = self._discover(api_version)
        if kind not in known:
            raise KindMissingError(api_version, kind)
        return known[kind]

    def _discover(self, api_version: str) -> _Resources:
        try:
            answer = self._call("list the kinds of", api_version, "GET", _root(api_version))
        except RefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return {}
            raise
        return {
            resource["kind"]: (resource["name"], resource["namespaced"])
            for resource in answer["resources"]
            if "/" not in resource["name"]
        }

    def _call(
        self,
        verb: str,
        what: object,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Document:
        """Make one call and return its answer; `verb` and `what` name it in errors."""
        client = self._connected()
        from kubernetes.client import ApiException  # noqa: PLC0415 - loaded by now
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        address = client.configuration.host
        headers = {"Accept": "application/json", "Content-Type": content_type}
        headers |= {auth["key"]: auth["value"] for auth in client.configuration.auth_settings().values()}
        try:
            response = client.call_api(
                method,
                f"{address}{path}" + (f"?{urlencode(query)}" if query else ""),
                header_params=headers,
                body=body,
                _request_timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
            )
            data = response.read()
            status = response.status
        except ApiException as error:
            if not error.status:
                raise ClusterUnreachableError(address, str(error.reason)) from error
            data, status = error.body, error.status
        except (HTTPError, OSError) as error:
            raise ClusterUnreachableError(address, _short(error)) from error
        return _answer(verb, what, address, int(status), data)

    def _connected(self) -> "ApiClient":
        with self._lock:
            if self._client is None:
                self._client = self._choice.connect()
            return self._client


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _query(*, dry_run: bool, **parameters: str) -> dict[str, str]:
    return {**parameters, "dryRun": "All"} if dry_run else parameters


def _answer(verb: str, what: object, address: str, status: int, data: bytes | str) -> Document:
    try:
        answer = json.loads(data or b"{}")
    except ValueError:
        answer = {"message": "its answer isn't JSON"}
    if status < HTTPStatus.BAD_REQUEST:
        return answer if isinstance(answer, dict) else {}
    if status == HTTPStatus.UNAUTHORIZED:
        raise ClusterCredentialsError(address)
    causes = (answer.get("details") or {}).get("causes") or []
    raise RefusedError(
        f"{verb} {what}",
        status=status,
        reason=answer.get("reason") or "",
        message=" ".join(str(answer.get("message") or "no reason given").split()).rstrip("."),
        causes=[(cause.get("field", ""), cause.get("message", "")) for cause in causes],
    )


def _short(error: Exception) -> str:
    """Return the innermost reason of a failed connection: `Connection refused` and the like."""
    text = str(getattr(error, "reason", None) or error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "its certificate isn't trusted"
    if "timed out" in text:
        return "no answer in time"
    return text.rsplit("] ", 1)[-1].rstrip("'\")") if "] " in text else type(error).__name__
