"""Certificate authorities and the certificates they issue, as PEM files in one folder."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local.files import write_private

__all__ = ["Authority", "Identity", "ensure_signing_key"]

AUTHORITY_LIFETIME = dt.timedelta(days=3650)
CERTIFICATE_LIFETIME = dt.timedelta(days=365)
RENEW_BEFORE_EXPIRY = dt.timedelta(days=30)
CLOCK_SKEW = dt.timedelta(minutes=5)


@dataclass(frozen=True)
class Identity:
    """Whom a certificate speaks for.

    Parameters
    ----------
    common_name
        To Kubernetes, the user's name.
    organization
        To Kubernetes, the user's group.
    server_names
        DNS names and IP addresses under which it serves; none: it is no server.
    client
        Whether it may log in somewhere.
    """

    common_name: str
    organization: str | None = None
    server_names: tuple[str, ...] = ()
    client: bool = False

    @property
    def subject(self) -> x509.Name:
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, self.common_name)]
        if self.organization:
            attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, self.organization))
        return x509.Name(attributes)

    @property
    def usages(self) -> x509.ExtendedKeyUsage:
        server = [ExtendedKeyUsageOID.SERVER_AUTH] if self.server_names else []
        client = [ExtendedKeyUsageOID.CLIENT_AUTH] if self.client else []
        return x509.ExtendedKeyUsage(server + client)

    @property
    def alternative_names(self) -> x509.SubjectAlternativeName:
        return x509.SubjectAlternativeName([_general_name(name) for name in self.server_names])


class Authority:
    """A certificate authority kept as ``NAME.crt`` and ``NAME.key`` in a folder.

    It is made once and kept: whoever trusts it goes on doing so. What it issues is renewed.
    """

    def __init__(self, folder: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self.folder = folder
        self.certificate = certificate
        self._key = key

    @classmethod
    def ensure(cls, folder: Path, name: str, common_name: str) -> Self:
        """Load the authority, or make it when there is none yet."""
        certificate_file, key_file = folder / f"{name}.crt", folder / f"{name}.key"
        # The key is written first: an interrupted run leaves no certificate, and the next one starts anew.
        if certificate_file.exists():
            return cls(
                folder, x509.load_pem_x509_certificate(certificate_file.read_bytes()), _load_key(key_file)
            )
        key = ec.generate_private_key(ec.SECP256R1())
        subject = Identity(common_name).subject
        certificate = (
            _builder(subject, subject, key, AUTHORITY_LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_key_usage(authority=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        write_private(key_file, _key_pem(key))
        write_private(certificate_file, certificate.public_bytes(serialization.Encoding.PEM))
        return cls(folder, certificate, key)

    def issue(self, name: str, identity: Identity, now: dt.datetime | None = None) -> bool:
        """Make ``NAME.crt`` and ``NAME.key`` unless good ones are there.

        Parameters
        ----------
        name
            File name without its ending.
        identity
            Whom the certificate speaks for.
        now
            The present moment; a test may move it.

        Returns
        -------
        bool
            Whether a new certificate was issued: none was there, it names somebody else, another authority
            signed it, or it ends within 30 days.
        """
        moment = now or dt.datetime.now(dt.UTC)
        certificate_file, key_file = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        if certificate_file.exists() and key_file.exists():
            certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
            if self._still_good(certificate, identity, moment):
                return False
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            _builder(identity.subject, self.certificate.subject, key, CERTIFICATE_LIFETIME, moment)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(authority=False), critical=True)
            .add_extension(identity.usages, critical=False)
            .add_extension(self._key_identifier, critical=False)
        )
        if identity.server_names:
            builder = builder.add_extension(identity.alternative_names, critical=False)
        certificate_file.unlink(missing_ok=True)
        write_private(key_file, _key_pem(key))
        certificate = builder.sign(self._key, hashes.SHA256())
        write_private(certificate_file, certificate.public_bytes(serialization.Encoding.PEM))
        return True

    @property
    def _key_identifier(self) -> x509.AuthorityKeyIdentifier:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())

    def _still_good(self, certificate: x509.Certificate, identity: Identity, moment: dt.datetime) -> bool:
        expected_names = identity.alternative_names if identity.server_names else None
        return (
            certificate.subject == identity.subject
            and _extension(certificate, x509.ExtendedKeyUsage) == identity.usages
            and _extension(certificate, x509.SubjectAlternativeName) == expected_names
            and _extension(certificate, x509.AuthorityKeyIdentifier) == self._key_identifier
            and certificate.not_valid_after_utc - moment > RENEW_BEFORE_EXPIRY
        )


def ensure_signing_key(folder: Path, name: str) -> None:
    """Make the key pair ``NAME.key``/``NAME.pub`` once, for ServiceAccount tokens."""
    if (folder / f"{name}.pub").exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    write_private(folder / f"{name}.key", _key_pem(key))
    write_private(folder / f"{name}.pub", public)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    lifetime: dt.timedelta,
    moment: dt.datetime | None = None,
) -> x509.CertificateBuilder:
    start = moment or dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - CLOCK_SKEW)
        .not_valid_after(start + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _extension(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> x509.ExtensionType | None:
    return next((each.value for each in certificate.extensions if isinstance(each.value, kind)), None)


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _load_key(file: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{file} holds no elliptic-curve key")
    return key
