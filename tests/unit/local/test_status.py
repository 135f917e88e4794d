"""The table of `status`, its exit codes, and what is read of a Pod."""

from typing import Any

import pytest

from local.cluster.pods import PodState
from local.status import PartStatus, PlatformState, State, summary, table_lines

STARTED = "2026-01-01T10:00:00Z"


def pod(*, ready: bool = True, waiting: dict[str, str] | None = None, **metadata: Any) -> dict[str, Any]:
    state = {"waiting": waiting} if waiting else {"running": {"startedAt": STARTED}}
    return {
        "metadata": {"namespace": "vault", "name": "openbao-0", "uid": "u-1", **metadata},
        "spec": {"containers": [{"name": "openbao"}]},
        "status": {
            "phase": "Running",
            "podIP": "10.242.0.2",
            "conditions": [{"type": "Ready", "status": str(ready), "message": "containers are unready"}],
            "containerStatuses": [{"restartCount": 2, "state": state}],
        },
    }


def test_a_ready_pod() -> None:
    state = PodState.of(pod(labels={"app": "openbao"}, annotations={"llm-gateway/checksum": "abc"}))
    assert (state.ready, state.part, state.restarts, state.reason) == (True, "openbao", 2, "")
    assert (state.checksum, state.started_at) == ("abc", 1767261600.0)


def test_the_recommended_label_names_a_part_too() -> None:
    assert PodState.of(pod(labels={"app.kubernetes.io/name": "litellm"})).part == "litellm"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (pod(ready=False, waiting={"reason": "ErrImagePull", "message": "no host"}), "ErrImagePull: no host"),
        (pod(ready=False), "containers are unready"),
        (pod(deletionTimestamp=STARTED), "Terminating"),
    ],
)
def test_why_a_pod_is_not_ready(document: dict[str, Any], reason: str) -> None:
    state = PodState.of(document)
    assert not state.ready
    assert state.reason == reason


@pytest.mark.parametrize(
    ("states", "expected", "exit_code"),
    [
        ([State.UP, State.UP], PlatformState.UP, 0),
        ([State.UP, State.STARTING], PlatformState.DEGRADED, 1),
        ([State.UP, State.DOWN], PlatformState.DEGRADED, 1),
        ([State.DOWN, State.DOWN], PlatformState.DOWN, 3),
        ([], PlatformState.DOWN, 3),
    ],
)
def test_the_exit_code_sums_up(states: list[State], expected: PlatformState, exit_code: int) -> None:
    state = summary([PartStatus(str(number), each) for number, each in enumerate(states)])
    assert state is expected
    assert state.exit_code == exit_code


def test_columns_are_aligned_and_memory_is_added_up() -> None:
    lines = table_lines(
        [
            PartStatus("etcd", State.UP, "", 100 * 1024 * 1024, 1767261600.0),
            PartStatus("kube-apiserver", State.STARTING, "https://10.210.2.2:6443", 28 * 1024 * 1024),
            PartStatus("openbao", State.DOWN, note="no Pod"),
        ]
    )
    assert (
        len({line.index(word) for line, word in zip(lines, ("STATE", "up", "star", "down"), strict=False)})
        == 1
    )
    assert lines[-1].split() == ["all", "128", "MiB"]
    assert lines[3].endswith("no Pod")


def test_json_names_the_moment() -> None:
    assert PartStatus("etcd", State.UP, since=1767261600.0).as_json()["since"] == "2026-01-01T10:00:00+00:00"
