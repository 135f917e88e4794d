"""What the real clients log of the real servers, at their loudest: no key, no token."""

import logging
import os
import secrets
from collections.abc import Iterator
from typing import Any

import hvac
import pytest
from pydantic import SecretStr

from providers.litellm import connection
from providers.litellm.minted_key import MintedKey
from tests.contract.conftest import MOUNT
from tests.unit.providers.engine import KeyEngine

pytestmark = pytest.mark.usefixtures("vault_environment")


@pytest.fixture
def gateway_input(
    gateway_url: str, master_key: SecretStr, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    monkeypatch.setenv("CONTRACT_ADMIN_KEY", master_key.get_secret_value())
    yield {"url": gateway_url, "admin_key": {"env": "CONTRACT_ADMIN_KEY"}}
    for client in connection._clients.values():
        client._http.close()
    connection._clients.clear()


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
    engine: KeyEngine,
    client: hvac.Client,
    minted: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    gateway = connection.connect(gateway_input)
    declared = {"gateway": gateway_input, "deliver": {"mount": MOUNT, "path": f"keys/{secrets.token_hex(4)}"}}
    engine.up(gateway, max_budget=5, **declared)
    engine.up(gateway, max_budget=6, duration="1d", **declared)
    engine.refresh(gateway)
    engine.up(gateway, key_type="llm_api", **declared)
    engine.destroy(gateway)
    assert {"httpx", "httpcore.http11", "urllib3.connectionpool"} <= {r.name for r in caplog.records}
    assert len(minted) == 2
    for secret in (*minted, os.environ["CONTRACT_ADMIN_KEY"], client.token):
        assert secret not in caplog.text
