"""Every kind of answer of the real gateway, and the sentence it becomes."""

import httpx
import pytest

from providers.litellm.answers import failure, is_not_found
from providers.litellm.errors import (
    AdminKeyRefusedError,
    AliasTakenError,
    GatewayError,
    GatewayRefusedError,
    GatewayUnavailableError,
    LicenceNeededError,
    NotAGatewayError,
)

ENTERPRISE = (
    "{'error': 'This feature is only available for LiteLLM Enterprise users: tags. You must be a LiteLLM "
    "Enterprise user to use this feature. If you have a license please set `LITELLM_LICENSE` in your env.'}"
)
MODEL_BUDGET = "Invalid model_max_budget: You must have an enterprise license to set model_max_budget. You"
WRONG_KEY = (
    "Authentication Error, Invalid proxy server token passed. Received API Key = sk-...0000, Key Hash "
    "(Token) =5314e6. Unable to find token in cache or `LiteLLM_VerificationTokenTable`"
)
NO_DATABASE = "Authentication Error, Can't reach database server at `127.0.0.1`:`5544`\n\nPlease make sure"
NO_ORGANIZATION = (
    "Organization doesn't exist in db. Organization=o. Create organization via `/organization/new`"
)
MISSING = "{'error': 'Project not found, project_id=p1'}"


def answer(status: int, **content: object) -> httpx.Response:
    return httpx.Response(status, request=httpx.Request("POST", "http://gw/key/generate"), **content)  # type: ignore[arg-type]


def error(status: int, message: str) -> httpx.Response:
    return answer(status, json={"error": {"message": message, "type": "any", "code": str(status)}})


def mute(body: dict[str, str]) -> httpx.Response:
    """Answer as LiteLLM does when its database refuses a row."""
    response = error(500, "{'error': 'Internal Server Error.'}")
    response.request = httpx.Request("POST", "http://gw/key/generate", json=body)
    return response


@pytest.mark.parametrize(
    ("response", "kind", "says"),
    [
        (error(403, ENTERPRISE), LicenceNeededError, "takes tags only with a LiteLLM Enterprise licence"),
        (error(500, MODEL_BUDGET), LicenceNeededError, "takes model_max_budget only with"),
        (
            error(401, WRONG_KEY),
            AdminKeyRefusedError,
            "the admin key from the environment variable K: Invalid",
        ),
        (error(403, "Only proxy admins"), AdminKeyRefusedError, "Only proxy admins; expected its master key"),
        (
            error(400, NO_DATABASE),
            GatewayUnavailableError,
            "has lost its database (Can't reach database server",
        ),
        (
            error(500, "{'error': 'Internal Server Error.'}"),
            GatewayUnavailableError,
            "(Internal Server Error)",
        ),
        (error(429, "slow down"), GatewayUnavailableError, "with HTTP 429 (slow down)"),
        (answer(502, text="<html>"), GatewayUnavailableError, "with HTTP 502 (no reason given)"),
        (
            error(400, "Key with alias 'a' already exists. U"),
            AliasTakenError,
            "another key with the alias 'a'",
        ),
        (
            error(404, MISSING),
            GatewayRefusedError,
            "(HTTP 404): project_id: Project not found, project_id=p1",
        ),
        (
            error(500, NO_ORGANIZATION),
            GatewayRefusedError,
            "(HTTP 500): organization_id: Organization doesn't",
        ),
        (
            mute({"key": "sk-1", "budget_id": "b"}),
            GatewayUnavailableError,
            "; a budget_id that doesn't exist gives this answer too",
        ),
        (
            answer(
                422, json={"detail": [{"loc": ["body", "max_budget"], "msg": "Input should be a number"}]}
            ),
            GatewayRefusedError,
            "refuses /key/generate (HTTP 422): max_budget: Input should be a number",
        ),
        (answer(404, text="default backend - 404"), NotAGatewayError, "but not as LiteLLM does"),
        (answer(308, headers={"Location": "https://gw"}), NotAGatewayError, "http://gw/key/generate answers"),
        (answer(400, json=["?"]), NotAGatewayError, "see that the URL leads to the gateway"),
    ],
)
def test_an_answer_becomes_one_sentence(
    response: httpx.Response, kind: type[GatewayError], says: str
) -> None:
    found = failure(response, url="http://gw", admin_key="the environment variable K")
    assert type(found) is kind
    assert says in str(found)
    assert "\n" not in str(found)


def test_no_key_gets_into_a_sentence() -> None:
    found = failure(error(400, "Received: 'sk-abcdef1234567890', \"sk-zzz\""), url="http://gw", admin_key="K")
    assert "sk-…" in str(found)
    assert "abcdef" not in str(found)
    assert "zzz" not in str(found)


def test_only_litellm_can_say_that_a_key_is_not_there() -> None:
    assert is_not_found(error(404, "Key not found in database"))
    assert not is_not_found(answer(404, text="default backend - 404"))
    assert not is_not_found(answer(404, json={"detail": "Not Found"}))
    assert not is_not_found(error(400, "Key not found in database"))
