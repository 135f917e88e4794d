"""Which admin key a request bears, and what becomes of one that was rotated meanwhile."""

import httpx
import pytest
from pydantic import SecretStr

from providers.litellm.client import GatewayClient
from providers.litellm.errors import AdminKeyRefusedError
from tests.unit.providers.fake_gateway import ADMIN_KEY, FakeGateway

TOKEN_ID = "0" * 64


def client_of(gateway: FakeGateway, remembered: str, fresh: str | None) -> GatewayClient:
    return GatewayClient(
        "http://gateway.test",
        httpx.Client(base_url="http://gateway.test", transport=gateway.transport),
        lambda: SecretStr(remembered),
        admin_key_place="the tests",
        fresh_admin_key=None if fresh is None else lambda: SecretStr(fresh),
        ready_timeout_seconds=0,
        patience_seconds=0,
    )


def test_a_rotated_admin_key_is_fetched_and_the_request_sent_again() -> None:
    gateway = FakeGateway()
    client_of(gateway, "sk-of-yesterday", ADMIN_KEY).generate(
        {"key": "sk-1", "key_alias": "a", "metadata": {}}
    )
    assert len(gateway.rows) == 1
    assert gateway.calls["/key/generate"] == 2


@pytest.mark.parametrize("fresh", [None, "sk-of-yesterday"])
def test_a_key_that_is_still_the_same_is_refused_once(fresh: str | None) -> None:
    gateway = FakeGateway()
    with pytest.raises(AdminKeyRefusedError, match="refuses the admin key from the tests"):
        client_of(gateway, "sk-of-yesterday", fresh).info(TOKEN_ID)
    assert gateway.calls["/key/info"] == 1


def test_another_key_that_is_wrong_too_is_refused() -> None:
    gateway = FakeGateway()
    with pytest.raises(AdminKeyRefusedError):
        client_of(gateway, "sk-of-yesterday", "sk-of-tomorrow").info(TOKEN_ID)
    assert gateway.calls["/key/info"] == 2
