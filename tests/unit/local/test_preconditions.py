"""Each precondition that fails is one sentence with the way out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local import preconditions
from local.instance import Instance
from local.node import cgroups, network
from local.preconditions import PreconditionError, check_machine
from local.processes import Process


@pytest.fixture(autouse=True)
def _good_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LLM_GATEWAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(preconditions, "_has_namespaces", lambda _: None)
    monkeypatch.setattr(cgroups, "missing_controllers", set)
    monkeypatch.setattr(cgroups, "hierarchies", list)
    monkeypatch.setattr(network, "foreign_routes", lambda _: [])
    monkeypatch.setattr(network, "link_exists", lambda _: False)
    monkeypatch.setattr(preconditions, "find", lambda _: None)
    monkeypatch.setattr(preconditions, "find_module", lambda *_: [])


def test_a_good_machine_passes(instance: Instance) -> None:
    check_machine(instance)


def one_other_node(*_: str) -> list[Process]:
    return [Process(4711, 1, ("python", "-m", "local.node.init", "spare", "/other/state/spare"))]


@pytest.mark.parametrize(
    ("target", "value", "sentence"),
    [
        ("sys.platform", "darwin", "it needs Linux, and this is darwin"),
        ("os.geteuid", lambda: 1000, "it needs root, and this is user 1000"),
        ("shutil.which", lambda _: None, "'unshare' is not on PATH. Install the package util-linux"),
        (
            "local.node.cgroups.missing_controllers",
            lambda: {"pids", "memory"},
            "control group controllers memory, pids are missing",
        ),
        (
            "local.node.network.foreign_routes",
            lambda _: [("10.98.0.0/16", "tun0")],
            "route to 10.98.0.0/16 by device tun0 overlaps the addresses of instance spare",
        ),
    ],
)
def test_what_is_missing_is_named(
    instance: Instance, monkeypatch: pytest.MonkeyPatch, target: str, value: Any, sentence: str
) -> None:
    monkeypatch.setattr(target, value)
    with pytest.raises(PreconditionError, match="python -m local up --kubeconfig FILE") as raised:
        check_machine(instance)
    assert sentence in str(raised.value)


def test_who_holds_the_addresses_is_named(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "link_exists", lambda _: True)
    monkeypatch.setattr(preconditions, "find_module", one_other_node)
    with pytest.raises(PreconditionError, match=r"held by process 4711.* in /other/state/spare") as raised:
        check_machine(instance)
    assert "LLM_GATEWAY_STATE=/other/state python -m local down" in str(raised.value)


def test_a_link_without_a_node_is_no_obstacle(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "link_exists", lambda _: True)
    check_machine(instance)


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ([{"dst": "default", "dev": "eth0"}, {"dst": "192.0.2.0/24", "dev": "eth0"}], []),
        ([{"dst": "10.98.0.0/16", "dev": "llmgw2"}], []),
        ([{"dst": "10.0.0.0/8", "dev": "tun0"}], []),
        ([{"dst": "10.242.7.0/24", "dev": "tun0"}], [("10.242.7.0/24", "tun0")]),
        ([{"dst": "10.210.2.2", "dev": "tun0"}], [("10.210.2.2", "tun0")]),
    ],
)
def test_only_a_route_that_would_win_is_an_obstacle(
    instance: Instance,
    monkeypatch: pytest.MonkeyPatch,
    routes: list[dict[str, str]],
    expected: list[tuple[str, str]],
    real_foreign_routes: Callable[[Instance], list[tuple[str, str]]],
) -> None:
    monkeypatch.setattr(network, "_listing", lambda *_: routes)
    assert real_foreign_routes(instance) == expected


@pytest.fixture
def real_foreign_routes() -> Callable[[Instance], list[tuple[str, str]]]:
    return REAL_FOREIGN_ROUTES


REAL_FOREIGN_ROUTES = network.foreign_routes


def test_a_folder_that_the_node_would_cover_is_refused() -> None:
    hidden = Instance("spare", 2, Path("/var/lib/llm-gateway/spare"))
    with pytest.raises(PreconditionError, match="lies below /var/lib"):
        check_machine(hidden)
