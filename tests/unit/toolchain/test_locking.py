"""Locks between runs."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from toolchain import command, locking

HOLD = """
import sys
from toolchain import locking
with locking.exclusive("it"):
    print(flush=True)
    sys.stdin.read()
"""


def test_a_lock_is_free_again_after_its_block() -> None:
    with locking.exclusive("it"), locking.attempt("it") as held:
        assert not held
    with locking.attempt("it") as held:
        assert held


def test_locks_of_different_names_have_nothing_to_do_with_each_other() -> None:
    with locking.exclusive("it"), locking.attempt("other") as held:
        assert held


def test_a_run_waits_for_the_lock_and_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        assert other.stdin
        other.stdout.readline()
        threading.Timer(0.3, other.stdin.close).start()
        started = time.monotonic()
        with locking.exclusive("it"):
            waited_seconds = time.monotonic() - started

    assert waited_seconds > 0.2
    assert "Waiting for another run that works on it" in capfd.readouterr().err


def test_a_killed_run_leaves_no_lock() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout
        other.stdout.readline()
        other.kill()

    with locking.attempt("it") as held:
        assert held


def test_a_command_that_outlives_its_run_holds_the_lock(tmp_path: Path) -> None:
    def run() -> None:
        with locking.exclusive("it") as lock:
            command.run(["sh", "-c", "sleep 5 >/dev/null 2>&1 & echo $!"], log=tmp_path / "log", lock=lock)

    run()
    survivor = int((tmp_path / "log").read_text().splitlines()[-1])
    with locking.attempt("it") as held:
        assert not held

    subprocess.run(["kill", str(survivor)], check=True)
    with locking.exclusive("it"):
        pass
