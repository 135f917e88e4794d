from typing import Any

import pytest

from toolchain.plugins.kubernetes.conditions import WaitForError, parse_wait_for
from toolchain.plugins.kubernetes.verdicts import Outcome

LIVE: dict[str, Any] = {
    "metadata": {"annotations": {"example.com/step": "3"}},
    "spec": {"replicas": 2, "paused": False, "items": [{"name": "a", "n": 1}, {"name": "b", "n": 2}]},
    "status": {
        "phase": "Bound",
        "conditions": [
            {"type": "Synced", "status": "True"},
            {
                "type": "Ready",
                "status": "False",
                "reason": "SecretSyncedError",
                "message": "could not get secret",
            },
        ],
    },
}


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("condition=Synced", True),
        ("condition=Synced=True", True),
        ("condition=Ready", False),
        ("condition=Ready=False", True),
        ("condition=Ready=false", True),
        ("condition=Missing", False),
        ("jsonpath={.status.phase}", True),
        ("jsonpath={.status.phase}=Bound", True),
        ("jsonpath={.status.phase}=Pending", False),
        ("jsonpath={$.status.phase}=Bound", True),
        ("jsonpath={.status.nothing}", False),
        ("jsonpath={.spec.replicas}=2", True),
        ("jsonpath={.spec.paused}=false", True),
        ("jsonpath={.spec.items[1].name}=b", True),
        ("jsonpath={.spec.items[5].name}", False),
        ("jsonpath={.spec.items[*].name}=a", True),
        ("jsonpath={['status']['phase']}=Bound", True),
        ("jsonpath={.metadata.annotations['example.com/step']}=3", True),
        (r"jsonpath={.metadata.annotations.example\.com/step}=3", True),
        ('jsonpath={.status.conditions[?(@.type=="Ready")].status}=False', True),
        ("jsonpath={.status.conditions[?(@.type=='Ready')].reason}=SecretSyncedError", True),
        ('jsonpath={.spec.items[?@.name=="b"].n}=2', True),
    ],
)
def test_conditions(text: str, met: bool) -> None:
    [condition] = parse_wait_for(text)
    verdict = condition.look(LIVE)
    assert (verdict.outcome is Outcome.READY) is met
    assert bool(verdict.reason) is not met


def test_a_list_has_all_its_conditions() -> None:
    assert len(parse_wait_for('["condition=Synced", "jsonpath={.status.phase}=Bound"]')) == 2


def test_the_reason_is_the_objects_own() -> None:
    [condition] = parse_wait_for("condition=Ready")
    assert condition.look(LIVE).reason == (
        "its condition Ready is False (SecretSyncedError: could not get secret)"
    )


def test_an_object_without_status_is_waited_for() -> None:
    [condition] = parse_wait_for("condition=Ready")
    assert condition.look({}).outcome is Outcome.WAITING


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Ready", "begins neither"),
        ("condition=", "begins neither"),
        ("[]", "names no condition"),
        ('["condition=A", "x"]', "begins neither"),
        ("jsonpath=.status.phase", "not of the form"),
        ("jsonpath={.status.phase}=", "not of the form"),
        ("jsonpath='{.status.phase}'", "not of the form"),
        ("jsonpath={.a[?(@.b>1)]}", "can't be understood from"),
        ("jsonpath={status}", "can't be understood from"),
    ],
)
def test_what_cannot_be_understood(text: str, said: str) -> None:
    with pytest.raises(WaitForError, match=said):
        parse_wait_for(text)
