"""TLS before the real gateway, with a certificate of an own CA: taken with that CA, refused without it."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from providers.litellm.errors import GatewayNotReadyError
from providers.litellm.virtual_key import VirtualKeyProvider
from tests.support.certificates import made_up_ca, made_up_certificate
from tests.support.recording_proxy import RecordingProxy
from tests.unit.providers.engine import urn
from tests.unit.providers.provider_engine import ProviderEngine, new_process


@pytest.fixture
def gateway(
    gateway_url: str, master_key: SecretStr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    """Give the `gateway` input with the right CA."""
    monkeypatch.setenv("CONTRACT_MASTER_KEY", master_key.get_secret_value())
    ca, both = tmp_path / "ca.pem", tmp_path / "both.pem"
    certificate, key = made_up_certificate(["127.0.0.1"])
    ca.write_text(certificate)
    both.write_text(certificate + key)
    with RecordingProxy(gateway_url, certificate=both) as proxy:
        yield {
            "url": proxy.url,
            "admin_key": {"env": "CONTRACT_MASTER_KEY"},
            "ca_cert_file": str(ca),
            "ready_timeout_seconds": 0,
        }
        new_process()


@pytest.fixture
def key() -> ProviderEngine:
    new_process()
    return ProviderEngine(VirtualKeyProvider(), urn(f"contract-{secrets.token_hex(4)}"))


def test_a_key_lives_behind_a_certificate_of_an_own_ca(
    gateway: dict[str, Any], key: ProviderEngine, admin: httpx.Client
) -> None:
    assert gateway["url"].startswith("https://")
    key.up(gateway=gateway, max_budget=5)
    assert admin.get("/key/info", params={"key": key.id}).json()["info"]["max_budget"] == 5
    assert key.up(gateway=gateway, max_budget=7) == "update"
    assert key.state is not None
    key.provider.delete(key.id, key.state)
    answer = admin.get("/key/info", params={"key": key.id})
    assert answer.status_code == 404 or answer.json()["info"]["status"] == "deleted"


@pytest.mark.parametrize("ca", ["that of the system", "another one"])
def test_without_that_ca_nothing_is_made_and_it_is_said(
    ca: str, gateway: dict[str, Any], key: ProviderEngine, tmp_path: Path
) -> None:
    del gateway["ca_cert_file"]
    if ca == "another one":
        (tmp_path / "other.pem").write_text(made_up_ca())
        gateway["ca_cert_file"] = str(tmp_path / "other.pem")
    with pytest.raises(GatewayNotReadyError) as refused:
        key.up(gateway=gateway)
    assert f"the gateway at {gateway['url']} isn't ready after 0 s: its certificate isn't trusted" in str(
        refused.value
    )
    assert "ca_cert_file, which is gateway.caCertFile" in str(refused.value)
