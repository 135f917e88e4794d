"""The key API of one gateway. Reads, which change nothing, are repeated here; mutations never are."""

import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
from pydantic import SecretStr
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from providers.litellm.answers import failure, is_not_found, json_object
from providers.litellm.bearer import Bearer
from providers.litellm.errors import GatewayError, GatewayUnavailableError, KeyGoneError, NotAGatewayError
from providers.litellm.orphans import OrphanIndex
from providers.litellm.readiness import Readiness
from providers.plugin import AT_ONCE

__all__ = ["GatewayClient", "ListedKey", "http_client"]

_PAGE_SIZE = 100  # the most that /key/list takes
_TIMEOUT = httpx.Timeout(30, connect=5, pool=120)
_LIMITS = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)


def http_client(
    url: str, ca_cert_file: str | None = None, transport: httpx.BaseTransport | None = None
) -> httpx.Client:
    """Make the pooled HTTP client of a gateway; Pulumi's plugin uses it from all of its threads.

    Parameters
    ----------
    url
        Of the gateway.
    ca_cert_file
        CA that signed its certificate, PEM; else the system's.
    transport
        A way there that isn't TCP.
    """
    return httpx.Client(
        base_url=url,
        verify=ssl.create_default_context(cafile=ca_cert_file) if ca_cert_file else True,
        timeout=_TIMEOUT,
        limits=_LIMITS,
        transport=transport,
    )


@dataclass(frozen=True)
class ListedKey:
    """A key as /key/list shows it.

    Attributes
    ----------
    token_id
        SHA-256 of the key, hex.
    used
        Whether a request was ever made with it.
    spend
        USD; a key may have started with some.
    expires
        RFC 3339, or None if never.
    created
        RFC 3339, or None if the gateway doesn't say.
    changed
        When a setting was changed last, likewise.
    """

    token_id: str
    alias: str | None
    metadata: Mapping[str, Any] = field(repr=False)
    used: bool
    spend: float
    expires: str | None
    created: str | None = None
    changed: str | None = None

    @classmethod
    def parse(cls, row: Mapping[str, Any]) -> Self:
        """Read a row of the answer."""
        return cls(
            row["token"],
            row.get("key_alias"),
            row.get("metadata") or {},
            used=bool(row.get("last_active") or row.get("total_spend", row.get("spend"))),
            spend=row.get("spend") or 0.0,
            expires=row.get("expires"),
            created=row.get("created_at"),
            changed=row.get("settings_updated_at") or row.get("updated_at"),
        )


class GatewayClient:
    """One gateway's key API.

    Parameters
    ----------
    url
        Of the gateway.
    http
        A client with that base URL.
    admin_key
        Gives the admin key whenever a call is made.
    admin_key_place
        Where that is, in words.
    fresh_admin_key
        Gives it past whatever `admin_key` remembers; asked when the gateway refuses the remembered one.
    ready_timeout_seconds
        How long the gateway is waited for at the first call.
    patience_seconds
        How long a read is repeated.

    Attributes
    ----------
    orphans
        Keys of earlier runs that no state knows.
    """

    def __init__(
        self,
        url: str,
        http: httpx.Client,
        admin_key: Callable[[], SecretStr],
        *,
        admin_key_place: str,
        fresh_admin_key: Callable[[], SecretStr] | None = None,
        ready_timeout_seconds: float = 120,
        patience_seconds: float = 30,
    ) -> None:
        self.url = url
        self.patience_seconds = patience_seconds
        self._http = http
        self._bearer = Bearer(admin_key, fresh_admin_key)
        self._admin_key_place = admin_key_place
        self._readiness = Readiness(url, http, ready_timeout_seconds)
        self.orphans = OrphanIndex(self)

    # --- reads -------------------------------------------------------------------------------------------

    def info(self, token_id: str) -> dict[str, Any] | None:
        """Ask for a key by its hash: `GET /key/info`.

        Returns
        -------
        dict or None
            The key's row; None if there is none. A deleted key still answers, from an archive: None too.
        """
        info = self._info(token_id)
        return None if info is None or info.get("status") == "deleted" else info

    def was_deleted(self, token_id: str) -> bool:
        """Whether the gateway remembers that it had a key once: it was revoked, and must not come back."""
        info = self._info(token_id)
        return info is not None and info.get("status") == "deleted"

    def _info(self, token_id: str) -> dict[str, Any] | None:
        response = self._read("/key/info", {"key": token_id})
        return None if is_not_found(response) else dict(self._object(response)["info"])

    def list_keys(self, alias: str | None = None) -> Iterator[ListedKey]:
        """List the keys, without the deleted ones: `GET /key/list`.

        Parameters
        ----------
        alias
            Exactly this one only.
        """
        query = {
            "size": _PAGE_SIZE,
            "return_full_object": "true",
            "sort_by": "created_at",
            "sort_order": "asc",
        }
        query |= {"key_alias": alias} if alias else {}
        answer = self._page(query, 1)
        found = {row["token"]: row for row in answer["keys"]}
        # Oldest first and from the end: whatever others make or delete meanwhile, no row slips from a page
        # that isn't read yet to one that is.
        for page in range(answer["total_pages"], 0, -1) if answer["total_pages"] > 1 else ():
            found |= {row["token"]: row for row in self._page(query, page)["keys"]}
        yield from map(ListedKey.parse, found.values())

    def _page(self, query: Mapping[str, Any], page: int) -> dict[str, Any]:
        return self._object(self._read("/key/list", {**query, "page": page}))

    def get(self, path: str, query: Mapping[str, Any]) -> dict[str, Any] | None:
        """Read what another part of the API says; None if there is no such thing."""
        response = self._read(path, query)
        return None if is_not_found(response) else self._object(response)

    # --- mutations ---------------------------------------------------------------------------------------

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        """Change something by another part of the API.

        Raises
        ------
        GatewayUnavailableError
            If it isn't known whether it was done.
        GatewayError
            If it was refused.
        """
        response = self._send(path, body)
        if not response.is_success:
            raise self._failure(response)

    def generate(self, body: Mapping[str, Any]) -> None:
        """Make a key: `POST /key/generate`.

        An answer proves nothing: for a key that exists the gateway echoes the request and stores nothing. Ask
        by the hash afterwards.

        Raises
        ------
        GatewayUnavailableError
            If it isn't known whether it was done.
        GatewayError
            If it was refused.
        """
        self._object(self._send("/key/generate", body))

    def update(self, token_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Change a key: `POST /key/update`.

        Returns
        -------
        dict
            The key's row.

        Raises
        ------
        KeyGoneError
            If there is no such key.
        GatewayUnavailableError
            If it isn't known whether it was done.
        GatewayError
            If it was refused.
        """
        response = self._send("/key/update", {"key": token_id, **body})
        if is_not_found(response):
            raise KeyGoneError(self.url, token_id)
        return self._object(response)

    def delete(self, token_id: str) -> None:
        """Delete a key: `POST /key/delete`; one that isn't there is deleted.

        Raises
        ------
        GatewayUnavailableError
            If it isn't known whether it was done.
        GatewayError
            If it was refused.
        """
        response = self._send("/key/delete", {"keys": [token_id]})
        if not is_not_found(response):
            self._object(response)

    # --- requests ----------------------------------------------------------------------------------------

    def _read(self, path: str, query: Mapping[str, Any]) -> httpx.Response:
        for attempt in Retrying(
            retry=retry_if_exception_type(GatewayUnavailableError),
            stop=stop_after_delay(self.patience_seconds),
            wait=wait_exponential_jitter(multiplier=0.3, max=4, jitter=0.3),
            reraise=True,
        ):
            with attempt:
                response = self._request("GET", path, params=query)
        return response

    def _send(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        return self._request("POST", path, json=body)

    def _request(self, method: str, path: str, **content: Any) -> httpx.Response:
        self._readiness.wait()
        try:
            response = self._http.request(method, path, auth=self._bearer, **content)
        except httpx.TimeoutException:
            raise GatewayUnavailableError(self.url, f"doesn't answer {path} in time") from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            why = str(error) or type(error).__name__
            raise GatewayUnavailableError(self.url, f"breaks off at {path} ({why})") from None
        if response.is_success or is_not_found(response):
            return response
        raise self._failure(response)

    def _object(self, response: httpx.Response) -> dict[str, Any]:
        if not response.is_success:
            raise self._failure(response)
        document = json_object(response)
        if document is None:
            raise NotAGatewayError(self.url, response.request.url.path, response.status_code)
        return document

    def _failure(self, response: httpx.Response) -> GatewayError:
        return failure(response, url=self.url, admin_key=self._admin_key_place)
