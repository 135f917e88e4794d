"""Progress and errors as the user sees them."""

import os
import re
import signal
import time

import pytest

from toolchain import console
from toolchain.console import Step, readable_duration, shown_errors, step
from toolchain.errors import UserError


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (10, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (3725, "62 min 05 s"),
    ],
)
def test_durations_are_readable(seconds: float, text: str) -> None:
    assert readable_duration(seconds) == text


def test_a_step_tells_that_it_is_done(capfd: pytest.CaptureFixture[str]) -> None:
    with step("Cooking [tea]"):
        pass

    assert re.fullmatch(r"Cooking \[tea\] … done in \d+\.\d s\n", capfd.readouterr().err)


def test_a_step_tells_that_it_failed(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="cold"), step("Cooking"):
        raise ValueError("cold")

    assert re.fullmatch(r"Cooking … failed after \d+\.\d s\n", capfd.readouterr().err)


def test_a_slow_step_tells_what_it_is_at(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "SHOWN_AFTER_SECONDS", 0.01)
    monkeypatch.setattr(console, "LINE_EVERY_SECONDS", 0.05)

    with step("Cooking") as current:
        current.note("water")
        time.sleep(0.2)

    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "Cooking …"
    assert any(line.endswith(" s  water") for line in lines)
    assert lines[-1].startswith("Cooking … done in")


def test_a_long_detail_is_cut() -> None:
    current = Step("Cooking")
    current.note("x" * 200)

    assert len(current.progress) < 100


def test_a_user_error_is_a_sentence_without_a_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught, shown_errors():
        raise UserError("There is no [tea].")

    assert caught.value.code == 1
    assert capfd.readouterr().err == "Error: There is no [tea].\n"


def test_other_errors_are_not_hidden() -> None:
    with pytest.raises(ValueError, match="a bug"), shown_errors():
        raise ValueError("a bug")


@pytest.mark.parametrize("ending", [KeyboardInterrupt(), SystemExit(130)])
def test_an_interruption_says_how_to_go_on(ending: BaseException, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught, shown_errors():
        raise ending

    assert caught.value.code == 130
    assert "Stopped." in capfd.readouterr().err


def test_a_termination_ends_like_an_interruption() -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as caught, shown_errors():
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)

    assert caught.value.code == 130
