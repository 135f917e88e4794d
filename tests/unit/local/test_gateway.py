"""What is asked of the gateway, and what is made of its answers."""

import httpx
import pytest

from local.gateway import Minted, Outputs, chat_status, status_text
from local.prove import failures

OUTPUTS = {
    "gatewayUrl": "http://10.98.1.2:4000",
    "namespace": "litellm",
    "models": ["gpt-4o", "claude"],
    "keyCacheTtlSeconds": 10.0,
    "keys": {
        "search": {"id": "0" * 64, "alias": "search-1", "models": ["gpt-4o"], "key": "sk-made-up"},
        "free": {"id": "1" * 64, "alias": "free-1", "models": [], "key": "sk-made-up-2"},
    },
}


@pytest.fixture
def outputs() -> Outputs:
    return Outputs.of(OUTPUTS)


def test_a_key_with_models_is_tried_on_one_of_them_and_on_another(outputs: Outputs) -> None:
    search = outputs.keys[0]
    assert outputs.allowed_model(search) == "gpt-4o"
    assert outputs.disallowed_model(search) == "claude"


def test_a_key_without_models_may_use_all(outputs: Outputs) -> None:
    free = outputs.keys[1]
    assert outputs.allowed_model(free) == "gpt-4o"
    assert outputs.disallowed_model(free) is None


def test_a_key_that_was_delivered_is_named_and_not_read() -> None:
    delivered = {"id": "2" * 64, "alias": "vaulted-1", "models": [], "vaultPath": "litellm/keys/vaulted"}
    outputs = Outputs.of(OUTPUTS | {"keys": {"vaulted": delivered}})
    assert outputs.keys == ()
    assert outputs.not_asked() == [
        "vaulted is delivered to litellm/keys/vaulted in Vault and isn't tried here."
    ]


def test_a_stack_without_outputs_has_no_keys() -> None:
    assert Outputs.of({}).keys == ()


def test_a_key_does_not_show_itself(outputs: Outputs) -> None:
    assert "sk-made-up" not in repr(outputs)


def test_the_key_is_sent_as_a_bearer_token() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(403)

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        assert chat_status(client, "http://gateway.test", "sk-made-up", "gpt-4o") == 403
    assert seen[0].url == "http://gateway.test/v1/chat/completions"
    assert seen[0].headers["Authorization"] == "Bearer sk-made-up"


def test_nobody_there_is_no_status() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with httpx.Client(transport=httpx.MockTransport(refuse)) as client:
        assert chat_status(client, "http://gateway.test", "sk-made-up", "gpt-4o") == 0
    assert status_text(0) == "no answer"


def test_a_wrong_answer_is_told_without_the_key() -> None:
    minted = Minted("search", "search-1", ("gpt-4o",), "sk-made-up")
    assert failures(minted, "gpt-4o", 200, 200) == []
    assert failures(minted, "gpt-4o", 401, 200) == [
        "the key search gets 401 Unauthorized for gpt-4o, and 200 OK was expected"
    ]
