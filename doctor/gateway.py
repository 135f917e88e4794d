"""The border to a LiteLLM gateway: its health, and reads of its key API."""

import hashlib
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from doctor.model import CannotLookError

__all__ = ["Gateway", "GatewayAnswer"]

_TIMEOUT = httpx.Timeout(4, connect=2)
_CA_OPTIONS = "gateway.caCertFile of the stack, or --gateway-ca-cert-file"
_PAGE_SIZE = 100  # the most that /key/list takes


@dataclass(frozen=True)
class GatewayAnswer:
    """What the gateway said.

    Attributes
    ----------
    status
        HTTP.
    document
        The body; empty if it is no JSON object.
    """

    status: int
    document: Mapping[str, Any]

    @property
    def reason(self) -> str:
        error = self.document.get("error")
        return str(error.get("message") if isinstance(error, dict) else error or "")


class Gateway:
    """One gateway.

    Parameters
    ----------
    url
        As it is reached from here.
    record
        Is told of each call: method and path.
    authority_file
        CA that signed the gateway's certificate, PEM; None for the system's.
    """

    def __init__(self, url: str, record: Callable[[str], None], authority_file: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._record = record
        self._authority_file = authority_file

    def readiness(self) -> GatewayAnswer:
        """Ask whether it serves, and whether it has its database: `GET /health/readiness`."""
        return self._get("/health/readiness", None)

    def allows(self, admin_key: str) -> GatewayAnswer:
        """Try whether a key may list keys: `GET /key/list`."""
        return self._get("/key/list", admin_key, size=1)

    def row_of(self, admin_key: str) -> Mapping[str, Any] | None:
        """Give what the gateway knows of a key that may list keys, with its user; None of a master key."""
        digest = hashlib.sha256(admin_key.encode()).hexdigest()
        answer = self._get("/key/list", admin_key, key_hash=digest, return_full_object="true", expand="user")
        rows = answer.document.get("keys") or []
        return rows[0] if rows else None

    def keys(self, admin_key: str) -> Iterator[dict[str, Any]]:
        """List the keys with everything that is known of them, without the deleted ones.

        Raises
        ------
        CannotLookError
            If the gateway refuses.
        """
        page, pages = 1, 1
        while page <= pages:
            answer = self._get("/key/list", admin_key, size=_PAGE_SIZE, return_full_object="true", page=page)
            if answer.status != HTTPStatus.OK:
                raise CannotLookError(f"the gateway answers /key/list with HTTP {answer.status}")
            yield from answer.document["keys"]
            page, pages = page + 1, int(answer.document["total_pages"])

    def _get(self, path: str, key: str | None, **query: Any) -> GatewayAnswer:
        if not self.url.startswith(("http://", "https://")):
            raise CannotLookError(
                f"the gateway's address {self.url!r} doesn't begin with http:// or https://",
                "correct --gateway-url, or gateway.url of the stack",
            )
        trusted = self._trusted()
        self._record(f"GET {path}")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            answer = httpx.get(
                f"{self.url}{path}", params=query, headers=headers, timeout=_TIMEOUT, verify=trusted
            )
        except httpx.TransportError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise CannotLookError(
                    f"the certificate of the gateway at {self.url} isn't trusted from here",
                    f"name the CA that signed it: {_CA_OPTIONS}",
                ) from None
            raise CannotLookError(
                f"the gateway at {self.url} doesn't answer from here ({type(error).__name__})",
                "run the doctor where the gateway's address is reached, or name one with --gateway-url",
            ) from None
        try:
            document = answer.json()
        except ValueError:
            document = {}
        return GatewayAnswer(answer.status_code, document if isinstance(document, dict) else {})

    def _trusted(self) -> ssl.SSLContext | bool:
        if self._authority_file is None:
            return True
        try:
            return ssl.create_default_context(cafile=self._authority_file)
        except OSError as error:
            raise CannotLookError(
                f"the CA file {self._authority_file} of the gateway at {self.url} can't be read "
                f"({error.strerror})",
                f"correct {_CA_OPTIONS}",
            ) from None
