"""An empty value is a value: it is refused, or no diff whatever the gateway makes of it."""

from typing import Any

import httpx
import pytest

from providers.litellm.checks import check_inputs
from tests.support.empty_values import DECLARABLE, REFUSED, WAYS
from tests.support.field_samples import Sample, samples
from tests.unit.providers.engine import GATEWAY, KeyEngine, urn
from tests.unit.providers.fake_gateway import FakeGateway

SAMPLES = samples("of-the-tests")
NO_OTHER = Sample(None, None)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("name", "empty"), DECLARABLE)
def test_a_declared_empty_value_is_no_diff(name: str, empty: Any, way: str) -> None:
    WAYS[way](FakeGateway().client(), KeyEngine("app"), name, empty, SAMPLES.get(name, NO_OTHER))


@pytest.mark.parametrize(("name", "empty"), REFUSED)
def test_an_empty_value_of_another_kind_is_refused(name: str, empty: Any) -> None:
    declared = {"gateway": GATEWAY, "owner": urn("app"), "team_id": "t", **SAMPLES.get(name, NO_OTHER).beside}
    [problem] = check_inputs({}, {**declared, name: empty})[1]
    assert problem.field == name
    assert problem.reason.startswith(("expected ", "'' is not a duration that LiteLLM knows; expected "))


def test_an_interval_that_a_new_key_forgets_comes_back_when_it_is_wanted() -> None:
    gateway, engine = FakeGateway(), KeyEngine("app")
    client = gateway.client()
    engine.up(client, auto_rotate=False, rotation_interval="30d")
    assert gateway.rows[engine.token_id]["rotation_interval"] is None
    engine.refresh(client)
    assert engine.preview(auto_rotate=True, rotation_interval="30d") == ["auto_rotate"]
    engine.up(client, auto_rotate=True, rotation_interval="30d")
    assert gateway.rows[engine.token_id]["rotation_interval"] == "30d"


def test_windows_that_are_emptied_have_landed_though_the_answer_is_lost() -> None:
    gateway, engine = FakeGateway(), KeyEngine("app")
    engine.up(gateway.client(), budget_limits=SAMPLES["budget_limits"].first)
    served = gateway.transport

    def lose(request: httpx.Request) -> httpx.Response:
        answer = served.handle_request(request)
        if request.url.path == "/key/update":
            raise httpx.ReadError("lost", request=request)
        return answer

    gateway.transport = httpx.MockTransport(lose)
    assert engine.up(gateway.client(), budget_limits=[]) == "update"
    assert gateway.calls["/key/update"] == 1
