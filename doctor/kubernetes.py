"""The border to the cluster: documents by API path, and the three reviews that change nothing."""

import json
import os
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError

from doctor.memo import Memo
from doctor.model import CannotLookError, NotAllowedError

__all__ = ["Document", "Kubernetes"]

Document = dict[str, Any]

_TIMEOUT_SECONDS = 4


class Kubernetes:
    """One cluster, as the user of a kubeconfig sees it.

    Parameters
    ----------
    kubeconfig
        Path; None for KUBECONFIG or the default one.
    context
        Of the kubeconfig; None for the current one.
    record
        Is told of each call: method and path.
    """

    def __init__(self, kubeconfig: str | None, context: str | None, record: Callable[[str], None]) -> None:
        self._kubeconfig, self._context, self.record = kubeconfig, context, record
        self._memo = Memo()
        self._dead: CannotLookError | None = None

    @property
    def _api(self) -> client.ApiClient:
        return self._memo.of("client", self._connect)

    def _connect(self) -> client.ApiClient:
        configuration = client.Configuration()
        configuration.retries = False  # a dead address would cost four times as much
        file = self._kubeconfig or os.environ.get("KUBECONFIG")  # which the client reads when it is imported
        try:
            config.load_kube_config(file, self._context, client_configuration=configuration)
        except (ConfigException, OSError, TypeError) as error:
            raise CannotLookError(
                f"no cluster: the kubeconfig can't be used ({str(error).rstrip('.')})",
                "name one with --kubeconfig or KUBECONFIG, and its context with --context",
            ) from None
        return client.ApiClient(configuration)

    @property
    def server(self) -> str:
        """Address of the API server as the kubeconfig has it."""
        return str(self._api.configuration.host)

    @property
    def authority(self) -> str:
        """PEM of the CA that signs the API server's certificate, as the kubeconfig has it; may be empty."""
        file = self._api.configuration.ssl_ca_cert
        if not file:
            return ""
        with open(file, encoding="ascii") as pem:  # noqa: PTH123 - the client hands out a plain name
            return pem.read()

    def close(self) -> None:
        """Close the connections that were opened."""
        self._api.rest_client.pool_manager.clear()

    # --- reads -------------------------------------------------------------------------------------------

    def get(self, path: str) -> Document | None:
        """Read an object by its API path; None if there is none, or none of its kind."""
        return self._memo.of(path, lambda: self._get(path))

    def items(self, path: str) -> list[Document]:
        """Read a collection by its API path; empty if its kind isn't known."""
        found = self.get(path)
        return list(found.get("items") or []) if found else []

    def text(self, path: str, query: Mapping[str, str]) -> str | None:
        """Read what is no document, such as a log; empty if there is nothing, None without an answer."""
        self.record(f"GET {path}")
        call = self._api.param_serialize(
            "GET", path, query_params=list(query.items()), auth_settings=["BearerToken"]
        )
        try:
            answer = self._api.call_api(*call, _request_timeout=_TIMEOUT_SECONDS)
            return str(answer.read().decode(errors="replace")) if answer.status == HTTPStatus.OK else ""
        except (ApiException, HTTPError):
            return None

    def _get(self, path: str) -> Document | None:
        return self._call("GET", path, None, absent=True)

    # --- reviews: answers to questions, nothing is stored ------------------------------------------------

    def token_of(self, namespace: str, service_account: str, audiences: list[str]) -> str:
        """Ask for a short-lived token of a ServiceAccount, as External Secrets Operator does."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}/token"
        spec = {"audiences": audiences, "expirationSeconds": 600}
        answer = self._call("POST", path, {"spec": spec})
        token: str = (answer or {})["status"]["token"]
        return token

    def reviewed(self, token: str, audiences: list[str]) -> Document:
        """Ask whether the cluster takes a token for one of its own."""
        spec: Document = {"token": token} | ({"audiences": audiences} if audiences else {})
        answer = self._call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": spec})
        status: Document = (answer or {}).get("status") or {}
        return status

    def may(self, user: str, attributes: Mapping[str, str]) -> bool:
        """Ask whether a user may do something: `verb`, `group`, `resource`, `subresource`, `namespace`."""
        groups = ["system:serviceaccounts", "system:authenticated"]
        spec = {"user": user, "groups": groups, "resourceAttributes": dict(attributes)}
        answer = self._call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": spec})
        return bool((answer or {})["status"]["allowed"])

    # --- the one change ----------------------------------------------------------------------------------

    def annotate(self, path: str, annotations: Mapping[str, str]) -> None:
        """Set annotations of an object; made only where the user asks for it."""
        self._call("PATCH", path, {"metadata": {"annotations": dict(annotations)}})

    # --- the border --------------------------------------------------------------------------------------

    def _call(
        self, method: str, path: str, body: Document | None, *, absent: bool = False
    ) -> Document | None:
        if self._dead is not None:
            raise self._dead  # whoever asked before has waited for an answer long enough
        self.record(f"{method} {path}")
        headers = {"Accept": "application/json"}
        if method == "PATCH":
            headers["Content-Type"] = "application/merge-patch+json"
        call = self._api.param_serialize(
            method, path, header_params=headers, body=body, auth_settings=["BearerToken"]
        )
        try:
            answer = self._api.call_api(*call, _request_timeout=_TIMEOUT_SECONDS)
            document: Document = json.loads(answer.read())
        except (ApiException, HTTPError, ValueError) as error:
            self._dead = CannotLookError(
                f"the Kubernetes API at {self.server} doesn't answer ({_cause(error)})",
                "check the kubeconfig's address and credentials, and that the cluster runs",
            )
            raise self._dead from None
        if answer.status == HTTPStatus.NOT_FOUND and absent:
            return None
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise self._refused(method, path, answer.status, str(document.get("message") or ""))
        return document

    def _refused(self, method: str, path: str, status: int, message: str) -> CannotLookError:
        if status == HTTPStatus.UNAUTHORIZED:
            self._dead = CannotLookError(
                f"the Kubernetes API at {self.server} doesn't take the kubeconfig's credential (HTTP 401)",
                "log in to the cluster again, or name another kubeconfig",
            )
            return self._dead
        if status == HTTPStatus.FORBIDDEN:
            return NotAllowedError(
                f"the user of the kubeconfig may not {method} {path} (HTTP 403)",
                "use a kubeconfig whose user may; docs/doctor.md lists what is asked",
            )
        return CannotLookError(f"the Kubernetes API answers {method} {path} with HTTP {status}: {message}")


def _cause(error: Exception) -> str:
    """Say in a few words why there is no answer; the client wraps the reason several times."""
    text = f"{getattr(error, 'reason', '')} {error}"
    for words in ("Connection refused", "No route to host", "timed out", "certificate verify failed"):
        if words in text:
            return words.lower()
    return type(error).__name__
