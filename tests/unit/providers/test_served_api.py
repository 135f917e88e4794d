"""An operator is looked for before its API is used, and guarded against being taken from others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from providers.inputs import UNKNOWN
from providers.kubernetes.connection import close_all
from providers.kubernetes.errors import ApiInUseError, ApiMissingError
from providers.kubernetes.served_api import ServedApiProvider
from tests.unit.providers.fake_api_server import ApiServer, api_server, definition

PROVIDER = ServedApiProvider()
Props = dict[str, Any]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ApiServer]:
    with api_server(tmp_path) as server:
        yield server
    close_all()


def inputs(server: ApiServer, **others: Any) -> Props:
    given = {"api": "example.com/v1", "advice": "install it", "timeout_seconds": 0.0, "guarded": []}
    return {"cluster": server.cluster, **given, **others}


def test_an_api_that_is_served_is_enough(server: ApiServer) -> None:
    server.has(definition("things", "Thing"), "somebody")
    assert PROVIDER.create(inputs(server)).id == "example.com/v1"


def test_one_that_is_not_is_missed_in_one_sentence(server: ApiServer) -> None:
    with pytest.raises(ApiMissingError) as caught:
        PROVIDER.create(inputs(server))
    assert str(caught.value).endswith("doesn't serve example.com/v1: install it")


def test_other_versions_of_it_are_named(server: ApiServer) -> None:
    server.has(definition("things", "Thing"), "somebody")
    with pytest.raises(
        ApiMissingError, match=r"serve example\.com/v2; of example\.com it serves v1: install"
    ):
        PROVIDER.create(inputs(server, api="example.com/v2"))


def test_it_is_waited_for_where_somebody_brings_it(server: ApiServer) -> None:
    with pytest.raises(ApiMissingError, match=r"also after [01] s"):
        PROVIDER.create(inputs(server, timeout_seconds=0.5))


def test_a_refresh_sees_that_it_is_gone(server: ApiServer) -> None:
    server.has(definition("things", "Thing"), "somebody")
    state = inputs(server)
    assert PROVIDER.read("example.com/v1", state).id == "example.com/v1"
    server.definitions.clear()
    assert PROVIDER.read("example.com/v1", state).id == ""


def test_a_destroy_stops_at_objects_of_others_and_names_them(server: ApiServer) -> None:
    server.has(definition("things", "Thing"), "llm-gateway")
    server.has(definition("generatorstates", "GeneratorState"), "llm-gateway")
    server.objects["generatorstates"] = [{"metadata": {"name": "of-the-operator", "namespace": "a"}}]
    state = inputs(server, guarded=["example.com", "unknown.example.com"])
    PROVIDER.delete("", state)
    names = [f"t{number}" for number in range(7)]
    server.objects["things"] = [{"metadata": {"name": name, "namespace": "team"}} for name in names]
    with pytest.raises(ApiInUseError) as caught:
        PROVIDER.delete("", state)
    assert "(Thing team/t0, Thing team/t1, Thing team/t2, Thing team/t3, Thing team/t4, ...)" in str(
        caught.value
    )


def test_an_operator_of_somebody_else_is_nothing_to_guard(server: ApiServer) -> None:
    server.has(definition("things", "Thing"), "somebody")
    server.objects["things"] = [{"metadata": {"name": "theirs", "namespace": "team"}}]
    PROVIDER.delete("", inputs(server))


def test_only_another_api_is_a_change(server: ApiServer) -> None:
    olds = inputs(server)
    assert not PROVIDER.diff("", olds, olds | {"cluster": {}, "advice": "x", "timeout_seconds": 9.0}).changes
    assert PROVIDER.diff("", olds, olds | {"api": "example.com/v2"}).changes
    assert PROVIDER.diff("", olds, olds | {"guarded": ["example.com"]}).changes


@pytest.mark.parametrize(
    ("wrong", "field"), [({"api": "v1"}, "api"), ({"cluster": {"host": "x"}}, "cluster")]
)
def test_inputs_are_checked_without_a_cluster(server: ApiServer, wrong: Props, field: str) -> None:
    assert PROVIDER.check({}, inputs(server, api=UNKNOWN)).failures == []
    assert [failure.property for failure in PROVIDER.check({}, inputs(server) | wrong).failures] == [field]
