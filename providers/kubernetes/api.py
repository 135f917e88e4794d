"""The Kubernetes API: documents in, documents out. The border where the client's errors become ours."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import urllib3
import urllib3.exceptions
import websocket
from kubernetes import client

from providers.credentials import Concealed
from providers.kubernetes.errors import (
    ClusterDeniedError,
    ClusterError,
    ClusterRefusedError,
    ClusterUnavailableError,
    ClusterUntrustedError,
    ObjectMissingError,
)
from providers.kubernetes.objects import Kind, Named
from providers.kubernetes.streams import open_websocket
from providers.plugin import AT_ONCE

__all__ = ["ClusterApi"]

_TIMEOUT_SECONDS = (5, 30)  # to connect, to answer
_AUTHENTICATION = ["BearerToken"]
_STRANGER = "the answer isn't one of the Kubernetes API; see that the kubeconfig leads to it"
_JSON = "application/json"
_MERGE_PATCH = "application/merge-patch+json"
_APPLY = "application/apply-patch+yaml"  # takes JSON, which is YAML
_METADATA = f"{_JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_DENIED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
# Reads and merge patches may be repeated: doing them twice is doing them once.
_REPEATED = urllib3.Retry(
    total=3,
    backoff_factor=0.3,
    status_forcelist=(429, 500, 502, 503, 504),
    allowed_methods=("GET", "PATCH"),
    raise_on_status=False,
)


class ClusterApi:
    """One cluster's API with one credential; every thread may use it.

    Parameters
    ----------
    configuration
        Of the Kubernetes client.
    context
        That was asked for by name.

    Attributes
    ----------
    name
        Of the cluster, as in a sentence.
    """

    def __init__(self, configuration: client.Configuration, context: str | None) -> None:
        configuration.retries = _REPEATED
        configuration.connection_pool_maxsize = AT_ONCE
        spoken = f" (context {context})" if context else ""
        self.name = f"the cluster at {configuration.host}{spoken}"
        self._configuration = configuration
        self._client = client.ApiClient(configuration)

    def close(self) -> None:
        """Close the sockets that wait for another request."""
        self._client.rest_client.close()

    # --- documents ---------------------------------------------------------------------------------------

    def get(self, named: Named) -> dict[str, Any]:
        """Read an object.

        Raises
        ------
        ObjectMissingError
            If it isn't there.
        ClusterError
            If the cluster can't be asked or refuses.
        """
        return self._request("GET", named.path, f"get {named}", missing=str(named))

    def items(self, kind: Kind, namespace: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """Read the objects of a namespace that a query (`labelSelector`, `fieldSelector`, `limit`) selects.

        Without a namespace, those of the whole cluster.

        Raises
        ------
        ClusterError
            If the cluster can't be asked or refuses.
        """
        spoken = f"{kind.plural} in the namespace {namespace}" if namespace else kind.plural
        path = kind.collection(namespace)
        return list(self._request("GET", path, f"list {spoken}", missing=spoken, query=query)["items"] or ())

    def merge(self, named: Named, patch: Mapping[str, Any]) -> dict[str, Any]:
        """Change an object by a JSON merge patch, and give what it is then.

        Raises
        ------
        ObjectMissingError
            If it isn't there.
        ClusterError
            If the cluster can't be asked or refuses.
        """
        return self._request("PATCH", named.path, f"patch {named}", missing=str(named), body=patch)

    def create(self, named: Named, subresource: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Post to an object's subresource, and give the answer.

        Raises
        ------
        ObjectMissingError
            If the object isn't there.
        ClusterError
            If the cluster can't be asked or refuses.
        """
        return self._request(
            "POST",
            f"{named.path}/{subresource}",
            f"post to {subresource} of {named}",
            missing=str(named),
            body=body,
            content_type=_JSON,
        )

    def metadata(self, named: Named) -> dict[str, Any]:
        """Read an object's metadata alone, however big it is.

        Raises
        ------
        ObjectMissingError
            If it isn't there.
        ClusterError
            If the cluster can't be asked or refuses.
        """
        read = self._request("GET", named.path, f"get {named}", missing=str(named), accept=_METADATA)
        return dict(read["metadata"])

    def apply(self, named: Named, document: Mapping[str, Any], manager: str) -> dict[str, Any]:
        """Create an object or bring it to what the document says (server-side apply), and give its metadata.

        Raises
        ------
        ClusterError
            If the cluster can't be asked or refuses.
        """
        applied = self._request(
            "PATCH",
            named.path,
            f"apply {named}",
            missing=str(named),
            query={"fieldManager": manager, "force": "true"},
            body=document,
            content_type=_APPLY,
            accept=_METADATA,
        )
        return dict(applied["metadata"])

    def delete(self, named: Named) -> None:
        """Delete an object, which may take its time to go.

        Raises
        ------
        ObjectMissingError
            If it isn't there.
        ClusterError
            If the cluster can't be asked or refuses.
        """
        self._request("DELETE", named.path, f"delete {named}", missing=str(named), content_type=_JSON)

    # --- what it serves ----------------------------------------------------------------------------------

    def versions(self, group: str) -> list[str]:
        """Give the versions of an API group that the cluster serves; none if it doesn't know the group.

        Raises
        ------
        ClusterError
            If the cluster can't be asked or refuses.
        """
        try:
            found = self._request("GET", f"/apis/{group}", f"look at the API {group}", missing=f"API {group}")
        except ObjectMissingError:
            return []
        return [version["version"] for version in found["versions"]]

    def kinds(self, group: str, version: str) -> list[Kind]:
        """Give the kinds of a version of an API group; none if it isn't served.

        Raises
        ------
        ClusterError
            If the cluster can't be asked or refuses.
        """
        root, spoken = f"/apis/{group}/{version}", f"API {group}/{version}"
        try:
            found = self._request("GET", root, f"look at the {spoken}", missing=spoken)
        except ObjectMissingError:
            return []
        listed = found["resources"]
        return [Kind(each["kind"], root, each["name"]) for each in listed if "/" not in each["name"]]

    def group_version(self, group: str) -> str:
        """Give the version of an API group that the cluster prefers: `v1`.

        Raises
        ------
        ObjectMissingError
            If the cluster has no such group.
        ClusterError
            If the cluster can't be asked or refuses.
        """
        spoken = f"API {group}"
        return str(
            self._request("GET", f"/apis/{group}", f"look at the {spoken}", missing=spoken)[
                "preferredVersion"
            ]["version"]
        )

    def _request(
        self,
        method: str,
        path: str,
        action: str,
        *,
        missing: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = _MERGE_PATCH,
        accept: str = _JSON,
    ) -> dict[str, Any]:
        call = self._client.param_serialize(
            method=method,
            resource_path=path,
            query_params=list((query or {}).items()),
            header_params={"Accept": accept, "Content-Type": content_type},
            body=body,
            auth_settings=_AUTHENTICATION,
        )
        try:
            response = self._client.call_api(*call, _request_timeout=_TIMEOUT_SECONDS)
            response.read()
        except urllib3.exceptions.HTTPError as error:
            reason = getattr(error, "reason", None)
            raise self._unreached(reason if isinstance(reason, BaseException) else error) from None
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise self._refusal(action, missing, response.status, response.read())
        document = _document(response.read())
        if document is None:
            raise ClusterRefusedError(self.name, action, response.status, _STRANGER)
        return document

    # --- streams -----------------------------------------------------------------------------------------

    def stream(
        self, named: Named, subresource: str, *, protocol: str, timeout_seconds: float | None
    ) -> websocket.WebSocket:
        """Open a stream to an object; whoever takes it closes it.

        Parameters
        ----------
        named
            The object.
        subresource
            With its query: `portforward?ports=4000`.
        protocol
            The subprotocol that is asked for.
        timeout_seconds
            To connect, and to be answered.

        Raises
        ------
        ObjectMissingError
            If the object isn't there.
        ClusterError
            If the cluster can't be asked or refuses.
        """
        _, url, headers, *_ = self._client.param_serialize(
            "GET", f"{named.path}/{subresource}", auth_settings=_AUTHENTICATION
        )
        try:
            return open_websocket(
                self._configuration, url, headers, protocol=protocol, timeout_seconds=timeout_seconds
            )
        except websocket.WebSocketBadStatusException as error:
            action = f"open {subresource.partition('?')[0]} of {named}"
            raise self._refusal(action, str(named), error.status_code, error.resp_body or b"") from None
        except (OSError, websocket.WebSocketException) as error:
            raise self._unreached(error) from None

    # --- the border --------------------------------------------------------------------------------------

    def _unreached(self, error: BaseException) -> ClusterError:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return ClusterUntrustedError(self.name)
        return ClusterUnavailableError(self.name, f"can't be reached ({_cause(error)})")

    def _refusal(self, action: str, missing: str, status: int, body: bytes | str) -> ClusterError:
        reason = _message(body) or f"HTTP {status}"
        if status in _DENIED:
            return ClusterDeniedError(self.name, action, reason)
        if status == HTTPStatus.NOT_FOUND:
            return ObjectMissingError(self.name, missing)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            return ClusterUnavailableError(self.name, f"can't {action} now ({reason})")
        return ClusterRefusedError(self.name, action, status, reason)


def _document(body: bytes | str) -> dict[str, Any] | None:
    """Read an answer, which may be a Secret; a page of some other server is no document."""
    try:
        document = json.loads(body)
    except ValueError:
        return None
    return Concealed(document) if isinstance(document, dict) else None


def _message(body: bytes | str) -> str:
    """Take the reason out of the `Status` that an API server answers with."""
    return str((_document(body) or {}).get("message") or "")


def _cause(error: BaseException) -> str:
    """Say in a few words why a connection failed; urllib3 wraps it several times."""
    text = str(error)
    for words in ("Connection refused", "Name or service not known", "No route to host", "timed out"):
        if words in text:
            return words.lower()
    return type(error).__name__
