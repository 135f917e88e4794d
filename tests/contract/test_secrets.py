"""What the real clients log of the real servers, at their loudest: no key, no token."""

import logging
import os
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import hvac
import pytest
from pydantic import SecretStr

from providers.litellm.admin_input import for_keys
from providers.litellm.minted_key import MintedKey
from providers.litellm.platform_admin import PlatformAdminProvider
from providers.litellm.virtual_key import VirtualKeyProvider
from tests.contract.conftest import MOUNT
from tests.unit.providers.engine import urn
from tests.unit.providers.provider_engine import ProviderEngine, new_process

pytestmark = pytest.mark.usefixtures("vault_environment")


@pytest.fixture(params=["url", "port-forward"])
def gateway_input(
    request: pytest.FixtureRequest,
    gateway_url: str,
    master_key: SecretStr,
    platform: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[dict[str, Any]]:
    monkeypatch.setenv("CONTRACT_ADMIN_KEY", master_key.get_secret_value())
    gateway: dict[str, Any] = {"url": gateway_url, "admin_key": {"env": "CONTRACT_ADMIN_KEY"}}
    if request.param == "port-forward":
        gateway["reach"] = {"port_forward": {"namespace": "litellm", "service": "litellm"}}
        gateway["cluster"] = {"kubeconfig": platform["KUBECONFIG"]}
    yield gateway
    new_process()


@pytest.fixture
def minted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect what is minted."""
    values: list[str] = []
    mint = MintedKey.mint

    def remembering() -> MintedKey:
        made = mint()
        values.append(made.value.get_secret_value())
        return made

    monkeypatch.setattr(MintedKey, "mint", remembering)
    return values


def test_the_loudest_log_tells_no_secret(
    gateway_input: dict[str, Any],
    client: hvac.Client,
    minted: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    name = f"contract-{secrets.token_hex(4)}"
    admin_urn = urn(name).replace("VirtualKey", "PlatformAdmin")
    admin = ProviderEngine(PlatformAdminProvider(), admin_urn)
    key = ProviderEngine(VirtualKeyProvider(), urn(name))
    own = {"gateway": gateway_input, "deliver": {"mount": MOUNT, "path": f"admins/{name}"}}
    managed = {
        "gateway": for_keys(gateway_input, own["deliver"], admin_urn),
        "deliver": {"mount": MOUNT, "path": f"keys/{name}"},
    }
    caplog.set_level(logging.DEBUG)
    admin.up(**own)
    key.up(max_budget=5, **managed)
    key.up(max_budget=6, duration="1d", **managed)
    admin.refresh()
    key.refresh()
    assert key.up(key_type="llm_api", **managed) == "replace"
    key.destroy()
    admin.destroy()
    assert {"httpx", "httpcore.http11", "urllib3.connectionpool"} <= {r.name for r in caplog.records}
    assert len(minted) == 3
    for secret in (*minted, os.environ["CONTRACT_ADMIN_KEY"], client.token):
        assert secret not in caplog.text
