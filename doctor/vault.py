"""The border to Vault or OpenBao: documents by API path, and a login that is given back at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import hvac
import requests

from doctor.memo import Memo
from doctor.model import CannotLookError, NotAllowedError

__all__ = ["Login", "Vault", "VaultAnswer"]

Document = dict[str, Any]

_TIMEOUT_SECONDS = 4
_AT_ONCE = 8


@dataclass(frozen=True)
class VaultAnswer:
    """What the server said.

    Attributes
    ----------
    status
        HTTP.
    document
        The body; empty if there is none.
    """

    status: int
    document: Document

    @property
    def errors(self) -> str:
        return "; ".join(" ".join(str(error).split()) for error in self.document.get("errors") or [])

    @property
    def data(self) -> Document:
        data: Document = self.document.get("data") or {}
        return data


@dataclass(frozen=True)
class Login:
    """How a login went: the policies of the token, or why there is none."""

    policies: tuple[str, ...]
    refusal: str = ""


class Vault:
    """One server, as the doctor's own token sees it.

    Parameters
    ----------
    address
        Of the server, as it is reached from here; None if nobody said.
    token
        None: what needs one can't be looked at.
    authority_file
        CA that signed the server's certificate, PEM; None for the system's.
    namespace
        Of Vault Enterprise or OpenBao.
    record
        Is told of each call: method and path.
    """

    def __init__(
        self,
        address: str | None,
        token: str | None,
        authority_file: str | None,
        namespace: str | None,
        record: Callable[[str], None],
    ) -> None:
        self.address = address
        self.authority_file = authority_file
        self._token, self._namespace, self._record = token, namespace, record
        self._memo = Memo()
        self._dead = _unusable(address or "", authority_file)
        self._silent: dict[str, Login] = {}

    # --- reads -------------------------------------------------------------------------------------------

    def get(self, path: str) -> Document | None:
        """Read by API path, without `/v1/`; None if there is nothing.

        Raises
        ------
        CannotLookError
            If there is no token, or if it may not read that.
        """
        answer: VaultAnswer = self._memo.of(path, lambda: self._read(path))
        if answer.status == HTTPStatus.NOT_FOUND:
            return answer.data or None  # a deleted version of KV v2 has metadata and no data
        if answer.status in (HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST) and "no handler" in answer.errors:
            return None
        if answer.status == HTTPStatus.FORBIDDEN:
            raise self._refused(path)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise CannotLookError(f"Vault answers {path} with HTTP {answer.status}: {answer.errors}")
        return answer.data or answer.document

    @staticmethod
    def _refused(path: str) -> NotAllowedError:
        return NotAllowedError(
            f"the doctor's Vault token may not read {path}",
            "use a token that may and hasn't ended (VAULT_TOKEN); docs/doctor.md has its policy",
        )

    def health(self) -> VaultAnswer:
        """Ask how the server is: `sys/health`, which needs no token."""
        return self._memo.of("sys/health", lambda: self._call("get", "sys/health", token=None))

    def _read(self, path: str, method: str = "get") -> VaultAnswer:
        if not self._token:
            raise CannotLookError(
                "no Vault token, so nothing can be read in Vault",
                "set VAULT_TOKEN, or log in with `vault login`",
            )
        return self._call(method, path, token=self._token)

    # --- tries -------------------------------------------------------------------------------------------

    def login(self, mount: str, role: str, jwt: str) -> Login:
        """Log in with a ServiceAccount's token as a store does, and give the token back at once."""
        if mount in self._silent:
            return self._silent[mount]  # whom it lets wait once, it lets wait again
        path = f"auth/{mount}/login"
        try:
            answer = self._call("post", path, token=None, waits=True, json={"role": role, "jwt": jwt})
        except CannotLookError as error:
            if self._dead is not None:
                raise
            return self._silent.setdefault(mount, Login((), error.sentence))
        auth = answer.document.get("auth")
        if not auth:
            return Login((), f"HTTP {answer.status}: {answer.errors}")
        self._call("post", "auth/token/revoke-self", token=auth["client_token"])
        return Login(tuple(auth.get("token_policies") or ()))

    def lookup(self, token: str) -> VaultAnswer:
        """Ask what a token is: `auth/token/lookup-self`."""
        return self._call("get", "auth/token/lookup-self", token=token)

    def root_tokens(self, most: int) -> tuple[list[str], int, int]:
        """Look for living tokens that may do everything: `auth/token/accessors`, `lookup-accessor`.

        Returns
        -------
        tuple
            The accessors of root tokens, how many tokens were looked at, and how many there are.

        Raises
        ------
        CannotLookError
            If there is no token, or if it may not.
        """
        path = "auth/token/accessors"
        answer = self._read(path, "list")
        if answer.status != HTTPStatus.OK:
            raise self._refused(path)
        accessors = [str(accessor) for accessor in answer.data.get("keys") or []]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = list(pool.map(self._policies, accessors[:most]))
        roots = [accessor for accessor, policies in zip(accessors, found, strict=False) if "root" in policies]
        return roots, len(found), len(accessors)

    def _policies(self, accessor: str) -> list[str]:
        answer = self._call(
            "post", "auth/token/lookup-accessor", token=self._token, json={"accessor": accessor}
        )
        return list(answer.data.get("policies") or [])  # one that has ended meanwhile has none

    # --- the border --------------------------------------------------------------------------------------

    def _call(
        self, method: str, path: str, *, token: str | None, waits: bool = False, **content: Any
    ) -> VaultAnswer:
        """Make a call; one that lets Vault wait for somebody else says nothing about Vault itself."""
        if self._dead is not None:
            raise self._dead  # whoever asked before has waited for an answer long enough
        self._record(f"{method.upper()} /v1/{path}")
        # A client of its own for each call: hvac's session isn't made for several threads.
        client = hvac.Client(
            self.address,
            token or "",
            verify=self.authority_file or True,
            timeout=_TIMEOUT_SECONDS,
            namespace=self._namespace,
            adapter=hvac.adapters.RawAdapter,
            strict_http=True,
        )
        client.adapter.session.trust_env = False
        try:
            response = getattr(client.adapter, method)(f"/v1/{path}", raise_exception=False, **content)
        except requests.exceptions.RequestException as error:
            dead = CannotLookError(
                f"Vault at {self.address} doesn't answer ({_cause(error)})",
                "check VAULT_ADDR and VAULT_CACERT, and that the server runs",
            )
            if not waits:
                self._dead = dead
            raise dead from None
        finally:
            client.adapter.close()
        try:
            document = response.json() if response.content else {}
        except ValueError:
            raise CannotLookError(f"what answers at {self.address} isn't Vault", "check VAULT_ADDR") from None
        return VaultAnswer(response.status_code, document if isinstance(document, dict) else {})


def _unusable(address: str, authority_file: str | None) -> CannotLookError | None:
    """Say why nothing can be asked with these settings; None if something can."""
    if not address:
        return CannotLookError("no Vault: its address isn't known", "set VAULT_ADDR, or say --vault-addr")
    if not address.startswith(("http://", "https://")):
        return CannotLookError(
            f"no Vault: its address {address!r} doesn't begin with http:// or https://",
            "correct VAULT_ADDR or --vault-addr",
        )
    if authority_file and not Path(authority_file).is_file():
        return CannotLookError(
            f"no Vault: the CA {authority_file} isn't there", "correct or unset VAULT_CACERT"
        )
    return None


def _cause(error: Exception) -> str:
    text = str(error)
    for words in (
        "Connection refused",
        "No route to host",
        "Name or service not known",
        "timed out",
        "CERTIFICATE_VERIFY_FAILED",
        "wrong version number",
    ):
        if words.lower() in text.lower():
            return words.lower().replace("_", " ")
    return type(error).__name__
