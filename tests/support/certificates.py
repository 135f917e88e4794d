"""Certificates made up for tests."""

import datetime as dt
import ipaddress
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["made_up_ca", "made_up_certificate"]

_A_DAY = dt.timedelta(days=1)


def made_up_ca(valid_for: dt.timedelta = _A_DAY) -> str:
    """Give a CA in PEM that ends that long from now, or that long ago."""
    return made_up_certificate(["a made-up CA"], valid_for)[0]


def made_up_certificate(names: Sequence[str], valid_for: dt.timedelta = _A_DAY) -> tuple[str, str]:
    """Give a certificate that has signed itself, and its key, in PEM; it ends that long from now, or ago."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    end = dt.datetime.now(dt.UTC) + valid_for
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - dt.timedelta(days=30))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([_general(name) for name in names if " " not in name]),
            critical=False,
        )
    )
    certificate = builder.sign(key, hashes.SHA256())
    return (
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
