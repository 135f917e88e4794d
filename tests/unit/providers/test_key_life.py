"""A key's life against the gateway in memory; the faults are the contract tests' part."""

import copy
import hashlib
import logging
from collections.abc import Callable, Mapping
from typing import Any, cast

import httpx
import pytest
from pydantic import SecretStr

from providers.litellm.client import GatewayClient
from providers.litellm.errors import (
    AdminKeyRefusedError,
    GatewayNotReadyError,
    GatewaySetupError,
    GatewayUnavailableError,
    KeyStillAliveError,
    NotAGatewayError,
)
from providers.litellm.minted_key import MintedKey
from tests.unit.providers.engine import KeyEngine, urn
from tests.unit.providers.fake_gateway import ADMIN_KEY, FakeGateway

Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def engine() -> KeyEngine:
    return KeyEngine("app")


def client_of(handler: Handler, **options: Any) -> GatewayClient:
    http = httpx.Client(base_url="http://gateway.test", transport=httpx.MockTransport(handler))
    options = {"ready_timeout_seconds": 0, "patience_seconds": 0} | options
    admin_key = SecretStr(ADMIN_KEY)
    return GatewayClient(
        "http://gateway.test", http, lambda: admin_key, admin_key_place="the tests", **options
    )


def test_a_minted_key_has_256_bits_and_its_hash() -> None:
    minted = MintedKey.mint()
    value = minted.value.get_secret_value()
    assert value.startswith("sk-")
    assert len(value) == len("sk-") + 43
    assert minted.token_id == hashlib.sha256(value.encode()).hexdigest()
    assert value not in repr(minted)


def test_a_key_carries_who_manages_it(gateway: FakeGateway, engine: KeyEngine) -> None:
    engine.up(gateway.client(), metadata={"team": "x"})
    assert gateway.rows[engine.token_id]["metadata"] == {
        "team": "x",
        "managed-by": "pulumi",
        "pulumi-project": "llm-gateway",
        "pulumi-stack": "dev",
        "pulumi-urn": urn("app"),
    }


def test_marks_that_somebody_wiped_are_drift(gateway: FakeGateway, engine: KeyEngine) -> None:
    client = gateway.client()
    engine.up(client, metadata={"team": "x"})
    gateway.rows[engine.token_id]["metadata"] = {"team": "x"}
    engine.refresh(client)
    engine.refresh(client)
    assert engine.preview(metadata={"team": "x"}) == ["owner"]
    assert engine.state is not None
    assert engine.state["owner"] == f"unmarked {urn('app')}"
    engine.up(client, metadata={"team": "x"})
    assert gateway.rows[engine.token_id]["metadata"]["pulumi-urn"] == urn("app")


def test_a_key_whose_marks_were_wiped_passes_its_alias_on(gateway: FakeGateway, engine: KeyEngine) -> None:
    engine.up(gateway.client(), alias="mine")
    predecessor = engine.token_id
    gateway.rows[predecessor]["metadata"] = {}
    assert engine.refresh(gateway.client())
    assert engine.up(gateway.client(), alias="mine", rotation={"a": 1}) == "replace"
    assert gateway.living == {engine.token_id}
    assert gateway.rows[engine.token_id]["key_alias"] == "mine"
    assert gateway.rows[predecessor]["key_alias"] == f"mine-{predecessor[:7]}"


def test_a_moved_resource_marks_its_key_anew(gateway: FakeGateway, engine: KeyEngine) -> None:
    client = gateway.client()
    engine.up(client, model_rpm_limit={"gpt-4o": 1})
    engine.up(client, model_rpm_limit={"gpt-4o": 1}, owner=urn("moved"), alias="app")
    metadata = gateway.rows[engine.token_id]["metadata"]
    assert metadata["pulumi-urn"] == urn("moved")
    assert metadata["model_rpm_limit"] == {"gpt-4o": 1}


def test_undeclared_fields_are_nobody_s_business(gateway: FakeGateway, engine: KeyEngine) -> None:
    client = gateway.client()
    engine.up(client, max_budget=5)
    gateway.rows[engine.token_id] |= {"rpm_limit": 7, "models": ["gpt-4o"]}
    engine.refresh(client)
    assert engine.preview(max_budget=5) == []
    engine.up(client, max_budget=6)
    assert gateway.rows[engine.token_id]["rpm_limit"] == 7


@pytest.mark.parametrize(("routes", "said"), [([], "of every kind"), (["/a", "/b"], "/a, /b")])
def test_other_routes_than_those_of_its_type_are_drift(
    gateway: FakeGateway, engine: KeyEngine, routes: list[str], said: str
) -> None:
    client = gateway.client()
    engine.up(client, key_type="read_only")
    drifted = engine.token_id
    gateway.rows[drifted]["allowed_routes"] = routes
    engine.refresh(client)
    assert engine.state is not None
    assert engine.state["key_type"] == f"read_only, with allowed_routes {said}"
    assert engine.up(client, key_type="read_only") == "replace"
    assert gateway.rows[engine.token_id]["allowed_routes"] == ["info_routes"]


def test_a_deleted_key_is_gone_though_the_archive_answers(gateway: FakeGateway, engine: KeyEngine) -> None:
    client = gateway.client()
    engine.up(client)
    token_id = engine.token_id
    gateway.archive[token_id] = gateway.rows.pop(token_id)
    assert not engine.refresh(client)


def test_a_hundred_keys_list_the_gateway_once(gateway: FakeGateway) -> None:
    client = gateway.client()
    for number in range(150):
        KeyEngine(f"key-{number}").up(client)
    assert gateway.calls["/key/list"] == 1
    gateway.calls.clear()
    KeyEngine("one-more").up(gateway.client())
    assert gateway.calls["/key/list"] == 3  # the first page tells how many there are


def test_an_orphan_on_a_later_page_is_found(gateway: FakeGateway, engine: KeyEngine) -> None:
    client = gateway.client()
    for number in range(120):
        KeyEngine(f"key-{number}").up(client)
    engine.up(client)
    orphan = engine.token_id
    engine.state = None
    engine.up(gateway.client())
    assert orphan not in gateway.living
    assert engine.token_id in gateway.living


def test_an_orphan_is_found_while_others_delete_keys_of_earlier_pages(
    gateway: FakeGateway, engine: KeyEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = gateway.client()
    others = [KeyEngine(f"key-{number}") for number in range(100)]
    for other in others:
        other.up(client)
    engine.up(client)  # the first of the second page
    orphan, engine.state = engine.token_id, None
    listed = gateway._list

    def list_and_delete(query: Mapping[str, str]) -> dict[str, Any]:
        answer = listed(query)
        gateway.rows.pop(others.pop().token_id)
        return answer

    monkeypatch.setattr(gateway, "_list", list_and_delete)
    engine.up(gateway.client())
    assert orphan not in gateway.living


def test_a_key_in_use_is_left_alone_and_spoken_of(
    gateway: FakeGateway, engine: KeyEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.up(gateway.client())
    somebodys = engine.token_id
    gateway.rows[somebodys]["last_active"] = "2026-01-01T00:00:00Z"
    engine.state = None
    engine.up(gateway.client())
    assert gateway.living == {somebodys, engine.token_id}
    assert f"({somebodys}) that bears the URN of a new one and is in use" in capsys.readouterr().err


def test_a_key_in_use_can_be_replaced_by_force(gateway: FakeGateway, engine: KeyEngine) -> None:
    engine.up(gateway.client())
    predecessor = engine.token_id
    gateway.rows[predecessor]["last_active"] = "2026-01-01T00:00:00Z"
    engine.force_replacement(gateway.client())
    assert gateway.living == {engine.token_id}
    assert gateway.rows[predecessor]["metadata"]["pulumi-superseded-by"] == engine.token_id


def test_a_replacement_that_was_killed_leaves_no_second_key(gateway: FakeGateway, engine: KeyEngine) -> None:
    engine.up(gateway.client(), alias="mine", key_type="llm_api")
    state, inputs, rows = engine.state, engine.inputs, copy.deepcopy(gateway.rows)
    engine.up(gateway.client(), alias="mine", key_type="read_only")
    gateway.rows |= rows  # killed before the successor was saved and the predecessor retired
    engine.state, engine.inputs = state, inputs
    engine.up(gateway.client(), alias="mine", key_type="read_only")
    assert gateway.living == {engine.token_id}
    assert gateway.rows[engine.token_id]["key_alias"] == "mine"


# --- answers that make no sense --------------------------------------------------------------------------


def ready_and(handler: Handler) -> Handler:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/health/readiness":
            return httpx.Response(200, json={"db": "connected"})
        return handler(request)

    return answer


def test_an_ingress_without_a_backend_is_no_deletion(gateway: FakeGateway, engine: KeyEngine) -> None:
    engine.up(gateway.client())
    token_id = engine.token_id
    lost = client_of(ready_and(lambda _: httpx.Response(404, text="default backend - 404")))
    with pytest.raises(NotAGatewayError):
        engine.destroy(lost)
    with pytest.raises(NotAGatewayError):
        engine.refresh(lost)
    assert engine.token_id == token_id


def test_a_page_that_is_no_json_is_no_gateway(engine: KeyEngine) -> None:
    with pytest.raises(NotAGatewayError, match="answers HTTP 200"):
        engine.up(client_of(ready_and(lambda _: httpx.Response(200, text="<html>"))))


def test_a_key_that_is_accepted_but_not_stored_is_an_error(
    gateway: FakeGateway, engine: KeyEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.litellm.settling._ATTEMPTS", 1)
    monkeypatch.setattr(gateway, "_generate", lambda body: body)
    with pytest.raises(GatewayUnavailableError, match="accepts a new key but doesn't store it"):
        engine.up(gateway.client())


def test_a_key_that_survives_its_deletion_is_an_error(
    gateway: FakeGateway, engine: KeyEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.up(gateway.client())
    monkeypatch.setattr(gateway, "_delete", lambda body: {"deleted_keys": body["keys"]})
    with pytest.raises(KeyStillAliveError, match="still knows the key"):
        engine.destroy(gateway.client())
    assert engine.state is not None


@pytest.mark.parametrize("duration", ["2d", None])
def test_an_expiry_that_somebody_moved_is_not_taken_for_ours(
    gateway: FakeGateway, engine: KeyEngine, duration: str | None
) -> None:
    engine.up(gateway.client(), duration="1d")
    gateway.rows[engine.token_id]["expires"] = "2030-01-01T00:00:00+00:00"
    serve = gateway.transport.handler

    def refusing(request: httpx.Request) -> httpx.Response:
        is_update = request.url.path == "/key/update"
        return httpx.Response(500) if is_update else cast("httpx.Response", serve(request))

    gateway.transport.handler = refusing
    with pytest.raises(GatewayUnavailableError):
        engine.up(gateway.client(), duration=duration)
    gateway.transport.handler = serve
    assert engine.up(gateway.client(), duration=duration) == "update"
    assert (gateway.rows[engine.token_id]["expires"] is None) == (duration is None)


def test_a_wrong_admin_key_is_named_by_its_place(gateway: FakeGateway, engine: KeyEngine) -> None:
    http = httpx.Client(base_url="http://gateway.test", transport=gateway.transport)
    client = GatewayClient(
        "http://gateway.test", http, lambda: SecretStr("sk-wrong"), admin_key_place="the file /run/admin"
    )
    with pytest.raises(
        AdminKeyRefusedError, match="refuses the admin key from the file /run/admin"
    ) as refused:
        engine.up(client)
    assert "sk-wrong" not in str(refused.value)


# --- readiness -------------------------------------------------------------------------------------------


def test_a_rollout_is_waited_for_and_said_once(
    gateway: FakeGateway,
    engine: KeyEngine,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("providers.waiting._SILENT_SECONDS", 0)
    answers = [httpx.Response(503, json={"db": "disconnected"}), httpx.Response(503, text="")]

    def rolling(request: httpx.Request) -> httpx.Response:
        return answers.pop() if answers else gateway.transport.handle_request(request)

    engine.up(client_of(rolling, ready_timeout_seconds=10))
    said = capsys.readouterr().err
    assert said == (
        "waiting for the gateway at http://gateway.test to be ready (0 s of at most 10 s): "
        "HTTP 503, database not spoken of\n"
    )


def test_what_the_probe_said_last_is_in_the_sentence(engine: KeyEngine) -> None:
    with pytest.raises(GatewayNotReadyError, match="HTTP 503, database disconnected"):
        engine.up(client_of(lambda _: httpx.Response(503, json={"db": "disconnected"})))


def test_a_gateway_without_a_database_is_not_waited_for(engine: KeyEngine) -> None:
    slow = client_of(lambda _: httpx.Response(200, json={"db": "Not connected"}), ready_timeout_seconds=60)
    with pytest.raises(GatewaySetupError, match="without a database"):
        engine.up(slow)


def test_a_gateway_that_hides_its_probe_is_taken_as_ready(gateway: FakeGateway, engine: KeyEngine) -> None:
    def hiding(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/health/readiness":
            return httpx.Response(403, text="")
        return gateway.transport.handle_request(request)

    assert engine.up(client_of(hiding)) == "create"


# --- secrets ---------------------------------------------------------------------------------------------


def test_no_log_line_holds_a_key(
    gateway: FakeGateway, engine: KeyEngine, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        client = gateway.client()
        engine.up(client, max_budget=5)
        assert engine.state is not None
        value = engine.state["key"]
        engine.up(client, max_budget=6)
        engine.refresh(client)
        engine.destroy(client)
    assert "/key/info?key=" in caplog.text
    assert value not in caplog.text
    assert ADMIN_KEY not in caplog.text
