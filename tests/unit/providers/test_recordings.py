"""The provider before recordings of the real gateway, and the gateway in memory beside them."""

import re
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from providers.litellm.answers import failure
from providers.litellm.drift import live_value
from providers.litellm.fields import BY_NAME, FIELDS, Field, Stored
from tests.support.placeholders import Placeholders
from tests.support.recording import FOLDER, Replay, load
from tests.support.scenarios import SCENARIOS, Stage
from tests.unit.providers.fake_gateway import ADMIN_KEY, FakeGateway


def test_every_scenario_is_recorded() -> None:
    assert {file.stem for file in FOLDER.glob("*.json")} == SCENARIOS.keys()


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_provider_asks_as_recorded_and_understands_the_answers(name: str) -> None:
    replay = Replay(load(name))
    SCENARIOS[name](Stage("http://gateway.test", replay, SecretStr("sk-admin-key"), "run"))
    replay.assert_complete()


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_recording_holds_no_key(name: str) -> None:
    text = (FOLDER / f"{name}.json").read_text()
    assert re.findall(r"sk-[^\s\"']{12,}|[0-9a-f]{32,}", text) == []


# --- the gateway in memory -------------------------------------------------------------------------------


_OF_OTHER_PARTS = ("Organization doesn't exist", "Project not found", "not a member of the team")
"""Refusals that the gateway in memory has no idea of: it has keys alone."""


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_gateway_in_memory_answers_as_recorded(name: str) -> None:
    placeholders, fake = Placeholders(), FakeGateway()
    with httpx.Client(base_url="http://gateway.test", transport=fake.transport) as client:
        for exchange in load(name):
            request, answer = placeholders.reveal([exchange["request"], exchange["answer"]])
            if any(words in str(answer["body"]) for words in _OF_OTHER_PARTS):
                continue
            is_stranger = answer["status"] == httpx.codes.UNAUTHORIZED
            response = client.request(
                request["method"],
                request["path"],
                params=request.get("query"),
                json=request.get("body"),
                headers={"Authorization": f"Bearer {'sk-nobody' if is_stranger else ADMIN_KEY}"},
            )
            recorded = httpx.Response(answer["status"], json=answer["body"], request=response.request)
            assert _meaning(response) == _meaning(recorded), request


def _meaning(response: httpx.Response) -> Any:
    """Take of an answer what the provider makes of it."""
    if not response.is_success:
        return type(failure(response, url="", admin_key=""))
    document = response.json()
    match response.request.url.path:
        case "/key/info":
            return _row(document["info"])
        case "/key/update":
            return _row(document)
        case "/key/list":
            return sorted((row["token"], row["key_alias"]) for row in document["keys"])
    return None


def _row(info: dict[str, Any]) -> dict[str, Any]:
    values = {
        row.name: live_value(row, info, {})
        for row in FIELDS
        if row.stored not in (Stored.NOWHERE, Stored.EXPIRES)
    }
    meant = {name: _comparable(BY_NAME[name], value) for name, value in values.items()}
    return {name: value for name, value in meant.items() if value not in (None, [], {}, False)} | {
        "ends": bool(info.get("expires")),
        "is deleted": info.get("status") == "deleted",
    }


def _comparable(row: Field, value: Any) -> Any:
    """Leave out what the gateway fills a value up with."""
    if row.name == "object_permission":
        return {name: item for name, item in (value or {}).items() if item and name != "object_permission_id"}
    if row.name == "logging":
        return [callback["callback_name"] for callback in value or ()]
    if row.name == "budget_id":
        return bool(value)
    if row.name == "budget_limits":
        return [{**window, "reset_at": ""} for window in value or ()]
    return value
