"""Running other programs: sentences for failures, and no process left behind."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from toolchain.command import answer_of, run
from toolchain.errors import CommandFailedError, ToolMissingError


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "it.log"


def test_the_log_keeps_the_command_and_its_whole_output(log: Path) -> None:
    run(["sh", "-c", "echo out; echo err >&2"], log=log)

    assert log.read_text() == "$ sh -c 'echo out; echo err >&2'\nout\nerr\n"


def test_each_line_of_output_is_noted(log: Path) -> None:
    notes: list[str] = []

    run(["printf", "one\\n\\n  two\\n"], log=log, note=notes.append)

    assert notes == ["one", "two"]


def test_variables_come_on_top_of_the_own_ones(log: Path) -> None:
    run(["sh", "-c", 'echo "$ADDED $HOME"'], log=log, env={"ADDED": "yes"})

    assert f"yes {os.environ['HOME']}" in log.read_text()


def test_a_failure_tells_the_end_of_the_output_and_where_the_rest_is(log: Path) -> None:
    with pytest.raises(CommandFailedError) as caught:
        run(["sh", "-c", "seq 40; exit 3"], log=log)

    text = str(caught.value)
    assert text.startswith(f"`sh` ended with code 3. Its whole output is in {log}; it ends with:")
    assert "\n    26\n" in text
    assert "\n    25\n" not in text


def test_a_silent_failure_says_that_there_was_no_output(log: Path) -> None:
    with pytest.raises(CommandFailedError, match=r"ended with code 1.*it ends with: nothing\.$"):
        run(["false"], log=log)


def test_a_command_that_was_killed_is_told_by_its_signal(log: Path) -> None:
    with pytest.raises(CommandFailedError, match="was ended by SIGKILL"):
        run(["sh", "-c", "kill -9 $$"], log=log)


def test_a_missing_program_is_told_by_its_name(log: Path) -> None:
    with pytest.raises(ToolMissingError, match="'no-such-program' is needed"):
        run(["no-such-program"], log=log)


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_ends_the_command_and_its_children(log: Path, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"sleep 60 & echo $$ $! >{pids}; wait"
    own_thread = threading.get_ident()
    threading.Timer(0.5, lambda: signal.pthread_kill(own_thread, signal.SIGINT)).start()

    with pytest.raises(KeyboardInterrupt):
        run(["sh", "-c", script], log=log)

    deadline = time.monotonic() + 10
    while any(is_running(pid) for pid in pids.read_text().split()):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_an_answer_is_what_the_command_prints() -> None:
    assert answer_of(["echo", "yes"]) == "yes"


@pytest.mark.parametrize("command", [["false"], ["no-such-program"]])
def test_there_is_no_answer_from_a_command_that_fails(command: list[str]) -> None:
    assert answer_of(command) is None
