"""A CA is looked at before anything relies on it: a real handshake, on loopback."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.pki import Authority, Identity
from providers.errors import ProviderError
from providers.inputs import UNKNOWN
from providers.tls import handshake
from providers.tls.handshake import AddressError, ServerSilentError, ServerUntrustedError
from providers.tls.server_trust import ServerTrustProvider
from tests.support.certificates import made_up_ca
from tests.unit.providers.http_server import serving

PROVIDER = ServerTrustProvider()


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    authority = Authority.ensure(folder, "ca", "a CA")
    authority.issue("server", Identity("server", server_names=("api.example.com", "127.0.0.1")))
    return folder / "ca.crt"


@pytest.fixture(scope="module")
def address(ca: Path) -> Iterator[str]:
    """Serve with that CA's certificate, and let nobody in."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(ca.parent / "server.crt", ca.parent / "server.key")
    with serving(lambda _: httpx.Response(401), context) as url:
        yield url


def inputs(address: str, ca: Path | str, server_name: str = "127.0.0.1") -> dict[str, str]:
    pem = ca.read_text() if isinstance(ca, Path) else ca
    return {"address": address, "ca": pem, "server_name": server_name}


@pytest.mark.parametrize("server_name", ["127.0.0.1", "api.example.com"])
def test_the_ca_that_signed_the_certificate_is_right_whatever_the_server_answers(
    address: str, ca: Path, server_name: str
) -> None:
    assert PROVIDER.create(inputs(address, ca, server_name)).id == server_name
    assert PROVIDER.update(address, {}, inputs(address, ca, server_name)).outs


def test_another_ca_is_wrong(address: str) -> None:
    with pytest.raises(ServerUntrustedError, match=r"doesn't vouch for as 127\.0\.0\.1 \(.*certificate"):
        PROVIDER.create(inputs(address, made_up_ca()))


def test_a_failure_says_where_it_is_configured_too(address: str) -> None:
    with pytest.raises(ProviderError, match=r"doesn't vouch for .*; see vault\.caCert$"):
        PROVIDER.create(inputs(address, made_up_ca()) | {"hint": "see vault.caCert"})
    with pytest.raises(ProviderError, match=r"no https address.*; see vault\.caCert$"):
        PROVIDER.create(inputs("http://vault", made_up_ca()) | {"hint": "see vault.caCert"})


def test_a_name_that_the_certificate_does_not_carry_is_wrong(address: str, ca: Path) -> None:
    with pytest.raises(ServerUntrustedError, match=r"as other\.example\.com \(Hostname mismatch"):
        PROVIDER.create(inputs(address, ca, "other.example.com"))


def test_a_server_that_is_away_is_no_proof(ca: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "_PATIENCE_SECONDS", 0.5)
    with serving(lambda _: httpx.Response(200)) as gone:
        pass
    with pytest.raises(ServerSilentError, match="can't be reached to see whether the CA"):
        PROVIDER.create(inputs(gone.replace("http:", "https:"), ca))


def test_a_changed_ca_is_looked_at_again_and_nothing_else_is(address: str, ca: Path) -> None:
    before = inputs(address, ca)
    assert not PROVIDER.diff(address, before, before).changes
    assert PROVIDER.diff(address, before, before | {"ca": made_up_ca()}).changes


def test_a_preview_may_not_know_the_server_yet() -> None:
    unknown = {"address": UNKNOWN, "ca": UNKNOWN, "server_name": UNKNOWN}
    assert PROVIDER.check({}, unknown).failures == []
    wrong = unknown | {"ca": None, "address_env": "VAULT_ADDR"}
    assert [failure.property for failure in PROVIDER.check({}, wrong).failures] == ["address", "ca"]


def test_the_address_may_be_the_environments_own_affair(
    address: str, ca: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_environment = {"address_env": "VAULT_ADDR", "ca": ca.read_text(), "server_name": "api.example.com"}
    monkeypatch.setenv("VAULT_ADDR", address)
    assert "address" not in (PROVIDER.create(by_environment).outs or {})
    for value, why in (("", "is not set"), ("http://127.0.0.1:8200", "is no https address")):
        monkeypatch.setenv("VAULT_ADDR", value)
        with pytest.raises(AddressError, match=f"the environment variable VAULT_ADDR {why}"):
            PROVIDER.create(by_environment)
