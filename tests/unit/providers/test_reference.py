"""References: what they accept, what they give, and that nothing of the secret is told when they fail."""

from pathlib import Path
from typing import Any

import pytest

from providers.litellm.connection import AdminKey, connect
from providers.litellm.errors import GatewaySetupError
from providers.reference import SecretMissingError, SecretReference
from providers.vault.connection import VaultConnection
from providers.vault.errors import VaultSetupError

VAULT = VaultConnection()


def test_the_environment_gives_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_KEY", "sk-1")
    secret = SecretReference.parse({"env": "ADMIN_KEY"}).resolve(VAULT)
    assert secret.get_secret_value() == "sk-1"
    assert "sk-1" not in repr(secret)


@pytest.mark.parametrize("content", ["sk-1", "sk-1\n", "sk-1\r\n"])
def test_a_file_gives_a_secret_without_its_last_newline(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_text(content, newline="")
    secret = SecretReference.parse({"file": str(tmp_path / "key")}).resolve(VAULT)
    assert secret.get_secret_value() == "sk-1"


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"env": "NO_SUCH"}, "the environment variable NO_SUCH is not set; set it to the secret"),
        ({"file": "/no/such"}, "the file /no/such is empty or can't be read; expected the secret in it"),
    ],
)
def test_a_reference_to_nothing_says_so(value: dict[str, str], sentence: str) -> None:
    with pytest.raises(SecretMissingError, match=sentence):
        SecretReference.parse(value).resolve(VAULT)


@pytest.mark.parametrize("value", [None, "sk-1", {}, {"env": ""}, {"env": 1}, {"file": None}, {"vault": "x"}])
def test_what_is_no_reference_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="expected") as refused:
        SecretReference.parse(value)
    assert "sk-1" not in str(refused.value)


def test_a_vault_reference_without_address_or_token_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("VAULT_ADDR", raising=False)
    monkeypatch.delenv("VAULT_TOKEN", raising=False)
    reference = SecretReference.parse({"vault": {"mount": "m", "path": "p", "property": "q"}})
    with pytest.raises(VaultSetupError, match="set VAULT_ADDR"):
        reference.resolve(VAULT)
    with pytest.raises(VaultSetupError, match="there is no token for Vault"):
        reference.resolve(VaultConnection(address="http://127.0.0.1:1"))
    monkeypatch.setenv("VAULT_TOKEN", "s.x")
    with pytest.raises(VaultSetupError, match="the CA file /no/ca of Vault isn't there"):
        reference.resolve(VaultConnection(address="http://127.0.0.1:1", ca_cert_file="/no/ca"))


def test_the_token_comes_from_the_home_folder_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("VAULT_TOKEN", raising=False)
    (tmp_path / ".vault-token").write_text("s.home\n")
    assert VaultConnection(address="http://vault").client().token == "s.home"


def test_the_admin_key_is_fetched_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_KEY", "sk-1")
    admin_key = AdminKey(SecretReference(env="ADMIN_KEY"), VAULT)
    assert admin_key().get_secret_value() == "sk-1"
    monkeypatch.setenv("ADMIN_KEY", "sk-2")
    assert admin_key().get_secret_value() == "sk-1"
    monkeypatch.setattr("providers.litellm.connection._REMEMBERED_SECONDS", -1)
    assert admin_key().get_secret_value() == "sk-2"


def test_one_gateway_has_one_client() -> None:
    gateway = {"url": "http://gateway.test/", "admin_key": {"env": "ADMIN_KEY"}}
    client = connect(gateway)
    assert connect(dict(reversed(gateway.items()))) is client
    assert client.url == "http://gateway.test"
    assert connect(gateway | {"admin_key": {"env": "OTHER"}}) is not client


def test_a_missing_ca_file_is_named() -> None:
    gateway = {"url": "https://gateway.test", "admin_key": {"env": "A"}, "ca_cert_file": "/no/ca"}
    with pytest.raises(GatewaySetupError, match="the CA file /no/ca of the gateway"):
        connect(gateway)


def test_a_ca_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca").write_text("no PEM")
    gateway = {"url": "https://gateway.test", "admin_key": {"env": "A"}, "ca_cert_file": str(tmp_path / "ca")}
    with pytest.raises(GatewaySetupError, match=r"the CA file .*/ca of the gateway .* holds no certificate"):
        connect(gateway)
