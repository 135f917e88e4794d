"""What can be said of a CA without asking a server."""

import ssl
import time

__all__ = ["ca_problem"]

BEGIN = "-----BEGIN CERTIFICATE-----"


def ca_problem(pem: str) -> str | None:
    """Say what is wrong with a bundle of CA certificates in PEM, or nothing.

    A bundle may keep an old CA beside its successor: it has expired when all of them have.
    """
    if BEGIN not in pem:
        return f"is not PEM: expected {BEGIN}"
    store = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        store.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        return "is damaged: it begins like PEM, but no certificate can be read from it"
    ends = [str(certificate["notAfter"]) for certificate in store.get_ca_certs()]
    if ends and all(ssl.cert_time_to_seconds(end) < time.time() for end in ends):
        return f"has expired: it was valid until {max(ends, key=ssl.cert_time_to_seconds)}"
    return None
