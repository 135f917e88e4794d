"""What several things wait for is waited for together, and told in their order."""

import threading
from collections.abc import Iterator

import pytest

from doctor.at_once import look_at_each
from doctor.model import CannotLookError, Finding, whole


def test_each_waits_beside_the_others() -> None:
    together = threading.Barrier(5, timeout=30)

    def look(name: str) -> Iterator[Finding]:
        together.wait()  # breaks unless all five are here
        yield whole(name, "holds")

    assert [finding.subject for finding in look_at_each("abcde", look)] == list("abcde")


def test_no_more_than_eight_at_a_time() -> None:
    running, most, lock = 0, 0, threading.Lock()
    full = threading.Event()

    def look(name: int) -> Iterator[Finding]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            if running == 8:
                full.set()
        full.wait(30)
        with lock:
            running -= 1
        yield whole(str(name), "holds")

    assert len(list(look_at_each(range(40), look))) == 40
    assert most == 8


def test_what_cannot_be_looked_at_is_said_after_the_rest() -> None:
    def look(name: str) -> Iterator[Finding]:
        if name == "b":
            raise CannotLookError("no permission")
        yield whole(name, "holds")

    findings = look_at_each("abc", look)
    assert [next(findings).subject, next(findings).subject] == ["a", "c"]
    with pytest.raises(CannotLookError, match="no permission"):
        next(findings)


def test_nothing_to_look_at_is_no_finding() -> None:
    assert list(look_at_each((), lambda _: [whole("it", "holds")])) == []
