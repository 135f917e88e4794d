"""A dead address costs seconds, not the examination."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from doctor.examine import examine
from doctor.kubernetes import Kubernetes
from doctor.model import CannotLookError, Finding, Link, State, whole
from doctor.scene import Scene
from doctor.vault import Vault

SCENE = Scene(
    Kubernetes(None, None, lambda _: None), Vault(None, None, None, None, lambda _: None), namespaces=[]
)


def fine(_: Scene) -> Iterator[Finding]:
    yield whole("it", "holds")


def half(_: Scene) -> Iterator[Finding]:
    yield whole("one", "holds")
    raise CannotLookError("no permission", "ask for it")


def test_a_fault_of_the_doctor_itself_takes_no_other_link_away() -> None:
    def wrong(_: Scene) -> Iterator[Finding]:
        raise KeyError("what a server answered")
        yield

    faulty, good = examine(SCENE, [link("faulty", wrong), link("good", fine)])
    assert (faulty.link, faulty.state, good.state) == ("faulty", State.UNKNOWN, State.WHOLE)
    assert faulty.evidence.startswith("a fault of the doctor itself: KeyError at test_examine.py:")


def link(name: str, probe: object) -> Link:
    return Link(name, name.title(), "", probe)  # type: ignore[arg-type]


def test_what_does_not_answer_in_time_is_said_and_the_rest_is_there() -> None:
    never = threading.Event()

    def stuck(_: Scene) -> Iterator[Finding]:
        never.wait(60)
        yield whole("late", "holds")

    try:
        late, good = examine(SCENE, [link("late", stuck), link("good", fine)], limit_seconds=0.1)
    finally:
        never.set()
    assert (late.link, late.state) == ("late", State.UNKNOWN)
    assert late.evidence.startswith("no answer within ")
    assert (good.link, good.state) == ("good", State.WHOLE)


def test_what_was_seen_before_a_refusal_counts() -> None:
    one, refused = examine(SCENE, [link("half", half)])
    assert (one.subject, one.state) == ("one", State.WHOLE)
    assert (refused.state, refused.evidence, refused.cure) == (State.UNKNOWN, "no permission", "ask for it")


def test_a_node_that_gives_no_log_is_waited_for_once() -> None:
    class Silent(Kubernetes):
        def text(self, path: str, query: Mapping[str, str]) -> str | None:
            asked.append(path)
            return None if "/lost" in path else query["container"]

    def pod(name: str, node: str) -> dict[str, Any]:
        return {"metadata": {"namespace": "n", "name": name}, "spec": {"nodeName": node}}

    asked: list[str] = []
    scene = Scene(Silent(None, None, asked.append), SCENE.vault, namespaces=["n"])
    logs = [
        scene.log(pod(name, node), "c") for name, node in (("lost-1", "a"), ("lost-2", "a"), ("fine", "b"))
    ]
    assert logs == ["", "", "c"]
    assert asked == ["/api/v1/namespaces/n/pods/lost-1/log", "/api/v1/namespaces/n/pods/fine/log"]


def test_a_server_that_does_not_answer_is_waited_for_once() -> None:
    made: list[str] = []
    vault = Vault("http://127.0.0.1:9", "token", None, None, made.append)
    for path in ("sys/mounts", "sys/auth", "sys/audit"):
        with pytest.raises(CannotLookError, match=r"Vault at .* doesn't answer \(connection refused\)"):
            vault.get(path)
    assert made == ["GET /v1/sys/mounts"]
