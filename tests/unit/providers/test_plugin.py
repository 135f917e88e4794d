"""The real plugin process of Pulumi with our providers in it, spoken to as the engine does."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc  # type: ignore[import-untyped]
import httpx
import pytest
from pulumi.dynamic.dynamic import serialize_provider

from providers.inputs import UNKNOWN
from providers.vault.kv_secret import KvSecretProvider
from tests.support.plugin import KEY, Plugin, plugin_process
from tests.unit.providers.engine import urn
from tests.unit.providers.fake_gateway import ADMIN_KEY, FakeGateway
from tests.unit.providers.http_server import serving

ROOT = Path(__file__).parents[3]
SECRET = serialize_provider(KvSecretProvider())


@pytest.fixture(scope="module")
def plugin() -> Iterator[Plugin]:
    with plugin_process({"ADMIN_KEY": ADMIN_KEY}) as plugin:
        yield plugin


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def url(gateway: FakeGateway) -> Iterator[str]:
    with serving(gateway.transport.handler) as address:  # type: ignore[arg-type]
        yield address


@pytest.mark.parametrize("pickle", [KEY, SECRET])
def test_the_pickle_is_a_name(pickle: str) -> None:
    assert len(pickle) < 120


def test_a_key_lives_in_the_plugin(plugin: Plugin, gateway: FakeGateway, url: str) -> None:
    declared = {
        "gateway": {"url": url, "admin_key": {"env": "ADMIN_KEY"}},
        "owner": urn("app"),
        "models": ["gpt-4o"],
        "max_budget": 5,
    }
    inputs, failures = plugin.check({}, declared)
    assert failures == []
    id_, state = plugin.create(inputs)
    assert gateway.rows.keys() == {id_}
    assert plugin.diff(id_, state, inputs) == (False, [])
    gateway.rows[id_]["max_budget"] = 7
    _, state, live = plugin.read(id_, state)
    assert live["max_budget"] == 7
    assert "key" not in live
    assert plugin.diff(id_, state, inputs) == (True, [])
    state = plugin.update(id_, state, inputs)
    assert gateway.rows[id_]["max_budget"] == 5
    assert plugin.diff(id_, state, inputs | {"key_type": "llm_api"}) == (True, ["key_type"])
    plugin.delete(id_, state)
    assert plugin.read(id_, state)[0] == ""


def test_more_keys_are_made_at_once_than_pulumis_plugin_has_threads(gateway: FakeGateway) -> None:
    """Also if they are the first calls, as in a destroy: all but one wait then for the provider."""
    many = 8
    together = threading.Barrier(many, timeout=60)

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/key/generate":
            together.wait()
        return gateway.transport.handler(request)  # type: ignore[return-value]

    with (
        serving(handler) as url,
        plugin_process({"ADMIN_KEY": ADMIN_KEY}) as plugin,
        ThreadPoolExecutor(many) as pool,
    ):
        reached = {"url": url, "admin_key": {"env": "ADMIN_KEY"}}
        inputs = [{"gateway": reached, "owner": urn(f"app-{number}")} for number in range(many)]
        made = {id_ for id_, _ in pool.map(plugin.create, inputs)}
    assert len(made) == many


def test_the_plugin_ends_with_the_engine_that_started_it() -> None:
    with plugin_process({}) as plugin:
        plugin.check({}, {"owner": urn("app")})
        plugin.engine_ends()
        assert plugin.exit_code() == 1


def test_a_failure_is_a_sentence_and_no_traceback(plugin: Plugin) -> None:
    unreachable = {"url": "http://127.0.0.1:1", "admin_key": {"env": "ADMIN_KEY"}, "ready_timeout_seconds": 0}
    inputs, _ = plugin.check({}, {"gateway": unreachable, "owner": urn("app")})
    with pytest.raises(grpc.RpcError) as raised:
        plugin.create(inputs)
    assert raised.value.details().startswith("the gateway at http://127.0.0.1:1 isn't ready after 0 s: ")


def test_a_bug_still_shows_where_it_is(plugin: Plugin) -> None:
    inputs, _ = plugin.check(
        {}, {"gateway": {"url": "http://127.0.0.1:1", "admin_key": {"env": "ADMIN_KEY"}}}
    )
    del inputs["gateway"]
    with pytest.raises(grpc.RpcError) as raised:
        plugin.create(inputs)
    assert "Traceback" in raised.value.details()


def test_unknown_inputs_pass_the_check(plugin: Plugin) -> None:
    inputs, failures = plugin.check(
        {},
        {"gateway": {"url": UNKNOWN, "admin_key": {"env": "A"}}, "owner": urn("app"), "max_budget": UNKNOWN},
    )
    assert failures == []
    assert (inputs["gateway"]["url"], inputs["max_budget"]) == (UNKNOWN, UNKNOWN)
    assert plugin.diff("x", inputs | {"max_budget": 5}, inputs) == (True, [])
    inputs, failures = plugin.check(
        {},
        {
            "__provider": SECRET,
            "mount": UNKNOWN,
            "path": "p",
            "properties": {"a": {"value": UNKNOWN}},
            "vault": {},
        },
    )
    assert failures == []


def test_a_check_names_the_field(plugin: Plugin) -> None:
    gateway = {"url": "http://x", "admin_key": {"env": "A"}}
    _, failures = plugin.check({}, {"gateway": gateway, "owner": urn("app"), "max_budget": -1, "modles": []})
    assert sorted(failures) == [
        "max_budget: expected a number of 0 or more, got -1",
        "modles: 'modles' is not a field of a virtual key; did you mean 'models'?",
    ]
    _, failures = plugin.check(
        {}, {"__provider": SECRET, "mount": "m", "path": "p", "properties": {"a": {"env": 1}}}
    )
    assert failures == ["properties.a: expected env to be the name of an environment variable"]


def test_a_preview_imports_no_client() -> None:
    program = (
        "import sys; import providers.litellm, providers.vault, providers.litellm.checks; "
        "print({'httpx', 'hvac', 'pydantic', 'tenacity', 'requests'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
