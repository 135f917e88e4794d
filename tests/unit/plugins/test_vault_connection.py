"""The border to Vault, against a small HTTP server that answers as OpenBao does."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.plugins.http_fake import Fake, serving
from toolchain.plugins.vault import errors
from toolchain.plugins.vault.connection import Settings, Vault

TOKEN = "hvs.made-up"
LOOK_UP = ("GET", "/v1/auth/token/lookup-self")


@pytest.fixture
def server() -> Iterator[Fake]:
    with serving() as fake:
        fake.answers[LOOK_UP] = (200, {"data": {}})
        yield fake


def vault(address: str, **settings: str) -> Vault:
    configuration = {"address": address, "token": TOKEN, **settings}
    return Vault(Settings.read(configuration, {}), threading.Event())


def test_a_call_carries_token_namespace_and_body(server: Fake) -> None:
    server.answers["POST", "/v1/a/b"] = (200, {"data": {"x": 1}})
    assert vault(server.address, namespace="team/").within("/app").write("/a/b", {"y": 2}) == {
        "data": {"x": 1}
    }
    [request] = server.requests
    assert request.body == {"y": 2}
    assert request.headers["X-Vault-Token"] == TOKEN
    assert request.headers["X-Vault-Namespace"] == "team/app"


def test_an_empty_answer_is_an_empty_document(server: Fake) -> None:
    server.answers["POST", "/v1/a"] = (204, b"")
    assert vault(server.address).within("").write("a", {}) == {}


def test_nothing_there_is_none(server: Fake) -> None:
    root = vault(server.address).within("")
    assert root.get("nothing") is None
    root.delete("nothing")
    with pytest.raises(errors.VaultRefusedError, match="404"):
        root.write("nothing", {})


@pytest.mark.parametrize(
    ("status", "reasons", "kind", "said"),
    [
        (503, ["Vault is sealed"], errors.VaultSealedError, "is sealed: unseal it"),
        (503, ["standby"], errors.VaultRefusedError, r"with 503 \(standby\)"),
        (403, ["permission denied"], errors.VaultRefusedError, "token's policies don't allow it"),
        (
            400,
            ["failed to parse\n  policy"],
            errors.VaultRefusedError,
            r"POST a with 400 \(failed to parse policy\)",
        ),
        (500, [], errors.VaultRefusedError, "no reason given"),
    ],
)
def test_refusals_are_sentences(
    server: Fake, status: int, reasons: list[str], kind: type[Exception], said: str
) -> None:
    server.answers["POST", "/v1/a"] = (status, {"errors": reasons})
    with pytest.raises(kind, match=said) as raised:
        vault(server.address).within("").write("a", {"password": "hunter2"})
    assert server.address in str(raised.value)
    assert "hunter2" not in str(raised.value)
    assert TOKEN not in str(raised.value)


def test_an_expired_token_is_told_from_a_missing_right(server: Fake) -> None:
    denied = (403, {"errors": ["permission denied"]})
    server.answers = {("GET", "/v1/a"): denied, LOOK_UP: denied}
    with pytest.raises(errors.VaultTokenError, match="wrong, expired or revoked; log in again"):
        vault(server.address).within("").get("a")


def test_nobody_answers() -> None:
    with pytest.raises(errors.VaultUnreachableError, match=r"127\.0\.0\.1:9 \(Connection refused\)"):
        vault("http://127.0.0.1:9").within("").get("a")


def test_a_certificate_authority_that_is_no_file(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere.pem"
    with pytest.raises(errors.VaultUnreachableError, match="nowhere"):
        vault("https://127.0.0.1:9", caCertFile=str(nowhere)).within("").get("a")


@pytest.mark.parametrize("missing", ["address", "token"])
def test_nothing_is_configured(missing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(errors.VaultNotNamedError, match=f"No Vault {missing} is configured"):
        vault(**{"address": "http://127.0.0.1:9", missing: ""}).within("").get("a")


def test_settings_come_from_the_provider_then_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    environment = {
        "VAULT_ADDR": "https://env:8200/",
        "VAULT_TOKEN": "env",
        "VAULT_NAMESPACE": "ns/",
        "VAULT_CACERT": "/ca.pem",
    }
    given = Settings.read({"address": "https://given", "token": ""}, environment)
    assert given == Settings("https://given", "env", "ns", "/ca.pem", verify=True)
    assert Settings.read({"skipTlsVerify": "true"}, environment).verify is False
    (tmp_path / ".vault-token").write_text("from-login\n")
    assert Settings.read({}, {}).token == "from-login"
