"""What a server's certificate says to somebody who trusts one CA."""

import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

__all__ = ["Handshake", "Outcome", "certificates", "shake_hands"]

_TIMEOUT_SECONDS = 3


class Outcome(Enum):
    """How a handshake ended."""

    TRUSTED = auto()
    UNREACHABLE = auto()
    PLAIN = auto()  # nothing there speaks TLS
    UNTRUSTED = auto()  # another CA has signed it
    OTHER_NAME = auto()
    EXPIRED = auto()


@dataclass(frozen=True)
class Handshake:
    """A try, and what came of it in words; how long a trusted certificate is still valid."""

    outcome: Outcome
    detail: str
    days_left: float | None = None


def certificates(pem: str) -> frozenset[bytes]:
    """Take the certificates of a bundle, each as DER.

    Raises
    ------
    ValueError
        If it isn't PEM.
    """
    end = "-----END CERTIFICATE-----"
    blocks = [block.strip() + end for block in pem.split(end)[:-1]]
    found = frozenset(ssl.PEM_cert_to_DER_cert(block[block.index("-----BEGIN") :]) for block in blocks)
    if not found:
        raise ValueError("holds no certificate in PEM")
    return found


def shake_hands(
    address: tuple[str, int], name: str, authority: str | None, record: Callable[[str], None]
) -> Handshake:
    """Open a TLS connection and close it again.

    Parameters
    ----------
    address
        Host and port that are connected to.
    name
        That the certificate has to carry.
    authority
        PEM of the CA that is trusted; None for the system's.
    record
        Is told of the call.
    """
    record(f"TLS {address[0]}:{address[1]} as {name}")
    try:
        context = ssl.create_default_context(cadata=authority)
    except ssl.SSLError:
        return Handshake(Outcome.UNTRUSTED, "the CA isn't PEM")
    try:
        with (
            socket.create_connection(address, timeout=_TIMEOUT_SECONDS) as connection,
            context.wrap_socket(connection, server_hostname=name) as secured,
        ):
            return _trusted(secured)
    except ssl.SSLCertVerificationError as error:
        return Handshake(_why_untrusted(error), error.verify_message)
    except ssl.SSLError:
        return Handshake(Outcome.PLAIN, "nothing there speaks TLS")
    except OSError as error:
        return Handshake(Outcome.UNREACHABLE, error.strerror or "no answer in time")


def _trusted(connection: ssl.SSLSocket) -> Handshake:
    end = str((connection.getpeercert() or {}).get("notAfter") or "")
    if not end:
        return Handshake(Outcome.TRUSTED, "its certificate is valid")
    left = (ssl.cert_time_to_seconds(end) - time.time()) / 86400
    return Handshake(Outcome.TRUSTED, f"its certificate is valid until {end}", left)


def _why_untrusted(error: ssl.SSLCertVerificationError) -> Outcome:
    if "expired" in error.verify_message or "not yet valid" in error.verify_message:
        return Outcome.EXPIRED
    return Outcome.OTHER_NAME if "mismatch" in error.verify_message else Outcome.UNTRUSTED
