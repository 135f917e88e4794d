"""Authorities are kept, certificates are renewed in time."""

import datetime as dt
import ipaddress
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import verification

from local.pki import Authority, Identity, ensure_signing_key

SERVER = Identity("openbao", server_names=("openbao.vault.svc", "10.98.0.82"), client=True)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.ensure(tmp_path, "ca", "internal-ca")


def load(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())


@pytest.mark.parametrize(
    "subject",
    [
        x509.DNSName("openbao.vault.svc"),
        x509.IPAddress(ipaddress.ip_address("10.98.0.82")),
    ],
)
def test_a_server_certificate_verifies_for_each_of_its_names(
    authority: Authority, subject: x509.verification.Subject
) -> None:
    authority.issue("server", SERVER)
    store = verification.Store([authority.certificate])
    verifier = verification.PolicyBuilder().store(store).build_server_verifier(subject)
    chain = verifier.verify(load(authority.folder, "server"), [])
    assert chain[-1] == authority.certificate


def test_a_server_certificate_does_not_verify_for_another_name(authority: Authority) -> None:
    authority.issue("server", SERVER)
    store = verification.Store([authority.certificate])
    verifier = verification.PolicyBuilder().store(store).build_server_verifier(x509.DNSName("example.test"))
    with pytest.raises(verification.VerificationError):
        verifier.verify(load(authority.folder, "server"), [])


def test_a_user_and_its_group_stand_in_the_subject(authority: Authority) -> None:
    authority.issue("kubelet", Identity("system:node:node1", "system:nodes", client=True))
    assert load(authority.folder, "kubelet").subject.rfc4514_string() == "CN=system:node:node1,O=system:nodes"


def test_the_authority_is_kept(authority: Authority) -> None:
    again = Authority.ensure(authority.folder, "ca", "internal-ca")
    assert again.certificate == authority.certificate


def test_an_authority_whose_making_was_interrupted_is_made_anew(tmp_path: Path) -> None:
    first = Authority.ensure(tmp_path, "ca", "internal-ca")
    (tmp_path / "ca.crt").unlink()
    assert Authority.ensure(tmp_path, "ca", "internal-ca").certificate != first.certificate


def test_a_good_certificate_is_kept(authority: Authority) -> None:
    assert authority.issue("server", SERVER)
    assert not authority.issue("server", SERVER)


@pytest.mark.parametrize(("days", "renewed"), [(334, False), (336, True), (400, True)])
def test_a_certificate_is_renewed_when_under_30_days_are_left(
    authority: Authority, days: int, renewed: bool
) -> None:
    authority.issue("server", SERVER)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    assert authority.issue("server", SERVER, later) is renewed


@pytest.mark.parametrize(
    "identity",
    [
        Identity("openbao", server_names=("openbao.vault.svc",), client=True),
        Identity("openbao", server_names=("openbao.vault.svc", "10.98.0.82")),
        Identity("somebody", server_names=("openbao.vault.svc", "10.98.0.82"), client=True),
        Identity("openbao", client=True),
    ],
)
def test_a_certificate_that_says_something_else_is_replaced(authority: Authority, identity: Identity) -> None:
    authority.issue("server", SERVER)
    assert authority.issue("server", identity)
    assert authority.issue("server", SERVER)


def test_a_certificate_of_another_authority_is_replaced(authority: Authority) -> None:
    authority.issue("server", SERVER)
    other = Authority.ensure(authority.folder, "other-ca", "internal-ca")
    assert other.issue("server", SERVER)


def test_a_certificate_without_its_key_is_replaced(authority: Authority) -> None:
    authority.issue("server", SERVER)
    (authority.folder / "server.key").unlink()
    assert authority.issue("server", SERVER)


def test_only_the_owner_reads_keys(authority: Authority) -> None:
    authority.issue("server", SERVER)
    ensure_signing_key(authority.folder, "sa")
    modes = {stat.S_IMODE(file.stat().st_mode) for file in authority.folder.glob("*.key")}
    assert modes == {0o600}
    assert stat.S_IMODE(authority.folder.stat().st_mode) == 0o700


def test_the_signing_key_is_kept(tmp_path: Path) -> None:
    ensure_signing_key(tmp_path, "sa")
    before = (tmp_path / "sa.key").read_bytes()
    ensure_signing_key(tmp_path, "sa")
    assert (tmp_path / "sa.key").read_bytes() == before
