"""The border to the platform's OpenBao: its certificate, its health, and the administrator's login."""

from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

import hvac
import hvac.exceptions
import requests

from local.credentials import Credentials
from local.files import write_private
from local.instance import Instance
from local.pki import Authority, Identity
from toolchain.errors import UserError

__all__ = [
    "AUTHORITY_FILE_STEM",
    "CERTIFICATE_FILE_STEM",
    "Health",
    "OpenBao",
    "OpenBaoError",
    "admin_token",
    "ensure_openbao_certificate",
]

AUTHORITY_FILE_STEM = "internal-ca"
CERTIFICATE_FILE_STEM = "openbao"
ADMINISTRATOR = "admin"
TIMEOUT_SECONDS = 3
FRESH_TOKEN_SECONDS = 3600


class OpenBaoError(UserError):
    """OpenBao doesn't serve."""

    def __init__(self, address: str, state: str) -> None:
        super().__init__(
            f"OpenBao at {address} {state}: see `python -m local status` and `python -m local logs openbao`, "
            "or start the platform with `python -m local up`."
        )


class Health(Enum):
    """What OpenBao says of itself."""

    UNREACHABLE = auto()
    NOT_INITIALISED = auto()
    SEALED = auto()
    ACTIVE = auto()


@dataclass(frozen=True)
class OpenBao:
    """The platform's OpenBao at one address."""

    address: str
    authority_file: Path

    def health(self) -> Health:
        """Ask once; whatever goes wrong on the way counts as unreachable."""
        try:
            answer = self._client().sys.read_health_status(method="GET")
            # The client hands out a document for status 200 and the bare response for every other.
            state = answer if isinstance(answer, dict) else answer.json()
        except (requests.RequestException, hvac.exceptions.VaultError, ValueError):
            return Health.UNREACHABLE
        if not state.get("initialized"):
            return Health.NOT_INITIALISED
        if state.get("sealed"):
            return Health.SEALED
        return Health.UNREACHABLE if state.get("standby") else Health.ACTIVE

    def login(self, password: str) -> str | None:
        """Return a token of the administrator, or None when OpenBao knows no such user and password."""
        try:
            answer = self._client().auth.userpass.login(ADMINISTRATOR, password, use_token=False)
        except (hvac.exceptions.InvalidRequest, hvac.exceptions.Forbidden):
            return None
        except (requests.RequestException, hvac.exceptions.VaultError) as error:
            raise OpenBaoError(self.address, f"doesn't answer a login ({type(error).__name__})") from None
        return str(answer["auth"]["client_token"])

    def accepts(self, token: str) -> bool:
        """Tell whether a token is valid for at least another hour."""
        try:
            answer = self._client(token).auth.token.lookup_self()
        except hvac.exceptions.Forbidden:
            return False
        except (requests.RequestException, hvac.exceptions.VaultError) as error:
            raise OpenBaoError(self.address, f"doesn't answer ({type(error).__name__})") from None
        return int(answer["data"]["ttl"]) > FRESH_TOKEN_SECONDS

    def _client(self, token: str = "") -> hvac.Client:
        # Given None, the client would take the caller's VAULT_TOKEN or ~/.vault-token.
        return hvac.Client(
            self.address, token=token, verify=str(self.authority_file), timeout=TIMEOUT_SECONDS
        )


def ensure_openbao_certificate(instance: Instance) -> None:
    """Make or renew the certificate of OpenBao, valid within the cluster and from this host."""
    names = ("openbao", "openbao.vault", "openbao.vault.svc", "openbao.vault.svc.cluster.local", "localhost")
    addresses = ("127.0.0.1", instance.openbao_address)
    authority = Authority.ensure(instance.pki_folder, AUTHORITY_FILE_STEM, "llm-gateway internal CA")
    authority.issue(CERTIFICATE_FILE_STEM, Identity("openbao", server_names=names + addresses))


def admin_token(openbao: OpenBao, credentials: Credentials) -> str:
    """Return a token of the administrator: the kept one while it is valid for an hour, else a new one.

    Raises
    ------
    OpenBaoError
        OpenBao doesn't answer, or refuses the login.
    """
    file = credentials.vault_token_file
    if file.exists() and openbao.accepts(kept := file.read_text()):
        return kept
    token = openbao.login(credentials.openbao_admin_password)
    if token is None:
        raise OpenBaoError(openbao.address, "refuses the administrator's login")
    write_private(file, token)
    return token
