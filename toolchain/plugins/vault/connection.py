"""The border to Vault: one HTTP call per method, with every failure as an error of ours."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolchain.plugins.values import Document
from toolchain.plugins.vault.errors import (
    VaultCertificateError,
    VaultNotNamedError,
    VaultRefusedError,
    VaultSealedError,
    VaultTokenError,
    VaultUnreachableError,
)

if TYPE_CHECKING:
    import hvac
    import requests

__all__ = ["Settings", "Vault"]

CONNECT_SECONDS = 5
ANSWER_SECONDS = 30
CONNECT_RETRIES = 2
RETRY_PAUSE_SECONDS = 0.3
CONNECTIONS_AT_ONCE = 32
_UNAVAILABLE = (HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.SERVICE_UNAVAILABLE)


@dataclass(frozen=True)
class Settings:
    """Where the server is and how to speak to it.

    Attributes
    ----------
    authorities
        File or folder of the CA certificates to trust; None for the machine's own.
    """

    address: str
    token: str
    namespace: str
    authorities: str | None
    verify: bool

    @classmethod
    def read(cls, configuration: Mapping[str, str], environment: Mapping[str, str]) -> "Settings":
        """Take the provider's inputs, and the usual variables for what they leave open."""

        def setting(option: str, *variables: str) -> str:
            candidates = (configuration.get(option), *(environment.get(name) for name in variables))
            return next((value for value in candidates if value), "")

        return cls(
            address=setting("address", "VAULT_ADDR", "BAO_ADDR").rstrip("/"),
            token=setting("token", "VAULT_TOKEN", "BAO_TOKEN") or _token_of_login(),
            namespace=setting("namespace", "VAULT_NAMESPACE", "BAO_NAMESPACE").strip("/"),
            authorities=setting("caCertFile", "VAULT_CACERT", "BAO_CACERT")
            or setting("caCertDir", "VAULT_CAPATH", "BAO_CAPATH")
            or None,
            verify=setting("skipTlsVerify", "VAULT_SKIP_VERIFY", "BAO_SKIP_VERIFY").lower()
            not in ("true", "1"),
        )


def _token_of_login() -> str:
    try:
        return (Path.home() / ".vault-token").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


class Vault:
    """One server, spoken to with one token. Nothing connects before the first call.

    Parameters
    ----------
    cancelled
        Set when the run is interrupted: what waits for the server ends then.
    """

    def __init__(self, settings: Settings, cancelled: threading.Event) -> None:
        self.cancelled = cancelled
        self._settings = settings
        self._session: requests.Session | None = None
        self._clients: dict[str, hvac.Client] = {}
        self._lock = threading.Lock()

    def within(self, namespace: str) -> "NamespacedVault":
        """Return the server as seen from `namespace`, which is relative to the provider's own."""
        whole = "/".join(part for part in (self._settings.namespace, namespace.strip("/")) if part)
        return NamespacedVault(self, whole)

    def call(self, method: str, path: str, namespace: str, body: Document | None = None) -> Document | None:
        """Make one call; None for 404 where `method` is GET or DELETE.

        Raises
        ------
        VaultError
            Whenever the answer isn't a success.
        """
        response = self._answer(method, path, namespace, body)
        if response.ok:
            return _json(response)
        if response.status_code == HTTPStatus.NOT_FOUND and method in ("GET", "DELETE"):
            return None
        reasons = [str(reason) for reason in _json(response).get("errors") or []]
        if response.status_code in _UNAVAILABLE and any("sealed" in reason for reason in reasons):
            raise VaultSealedError(self._settings.address)
        if response.status_code == HTTPStatus.FORBIDDEN and not self._token_is_known(namespace):
            raise VaultTokenError(self._settings.address)
        raise VaultRefusedError(method, path, self._settings.address, response.status_code, reasons)

    def _answer(self, method: str, path: str, namespace: str, body: Document | None) -> "requests.Response":
        import requests  # noqa: PLC0415 - a preview without changes makes no call

        if not self._settings.address:
            raise VaultNotNamedError("address", "vault:address", "VAULT_ADDR")
        if not self._settings.token:
            raise VaultNotNamedError("token", "vault:token", "VAULT_TOKEN")
        arguments = {} if body is None else {"json": body}
        try:
            response: requests.Response = self._client(namespace).adapter.request(
                method, f"/v1/{path.strip('/')}", raise_exception=False, **arguments
            )
        except requests.exceptions.SSLError as error:
            raise VaultCertificateError(self._settings.address) from error
        except requests.exceptions.RequestException as error:
            raise VaultUnreachableError(self._settings.address, _short(error)) from error
        except OSError as error:
            # The CA file can't be read: requests says which one it is.
            raise VaultUnreachableError(self._settings.address, str(error)) from error
        return response

    def _client(self, namespace: str) -> "hvac.Client":
        with self._lock:
            if namespace not in self._clients:
                self._clients[namespace] = self._new_client(namespace)
            return self._clients[namespace]

    def _new_client(self, namespace: str) -> "hvac.Client":
        import hvac  # noqa: PLC0415 - a preview without changes makes no call
        from hvac.adapters import RawAdapter  # noqa: PLC0415

        if self._session is None:
            self._session = _new_session(self._settings)
        return hvac.Client(
            url=self._settings.address,
            token=self._settings.token,
            namespace=namespace or None,
            verify=self._session.verify,
            timeout=(CONNECT_SECONDS, ANSWER_SECONDS),  # type: ignore[arg-type]  # requests takes both
            session=self._session,
            adapter=RawAdapter,
        )

    def _token_is_known(self, namespace: str) -> bool:
        return self._answer("GET", "auth/token/lookup-self", namespace, None).ok


@dataclass(frozen=True)
class NamespacedVault:
    """A server as seen from one of its namespaces."""

    server: Vault
    namespace: str

    def get(self, path: str) -> Document | None:
        """Return the answer of a read; None where nothing is."""
        return self.server.call("GET", path, self.namespace)

    def write(self, path: str, body: Document, method: str = "POST") -> Document:
        """Write, and return the answer."""
        return self.server.call(method, path, self.namespace, body) or {}

    def delete(self, path: str) -> None:
        """Delete; nothing happens where nothing is."""
        self.server.call("DELETE", path, self.namespace)


def _new_session(settings: Settings) -> "requests.Session":
    import requests  # noqa: PLC0415
    from urllib3.util.retry import Retry  # noqa: PLC0415

    retries = Retry(
        total=CONNECT_RETRIES, connect=CONNECT_RETRIES, read=0, backoff_factor=RETRY_PAUSE_SECONDS
    )
    session = requests.Session()
    session.verify = (settings.authorities or True) if settings.verify else False
    adapter = requests.adapters.HTTPAdapter(pool_maxsize=CONNECTIONS_AT_ONCE, max_retries=retries)
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return session


def _json(response: "requests.Response") -> Document:
    try:
        answer: Any = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _short(error: Exception) -> str:
    """Return the innermost reason of a failed connection: `Connection refused` and the like."""
    text = str(error)
    if "timed out" in text:
        return "no answer in time"
    return text.rsplit("] ", 1)[-1].rstrip("'\")") if "] " in text else type(error).__name__
