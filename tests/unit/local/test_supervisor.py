"""The node's processes are started, reaped and due again."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.node.control_plane import Part
from local.node.supervisor import Supervisor, read_table

RUN = """
import sys
from pathlib import Path
from local.node.control_plane import Part
from local.node.supervisor import Supervisor
folder = Path(sys.argv[1])
parts = [
    Part("early", ("sh", "-c", "echo started; exec sleep 60")),
    Part("late", ("sleep", "60"), needs_api=True),
]
supervisor = Supervisor(parts, {"PATH": "/usr/bin:/bin"}, folder, folder / "processes.json")
supervisor.run(lambda: (folder / "ready").exists(), lambda: None)
"""
REPOSITORY = Path(__file__).parents[3]


def wait_for(table: Path, name: str, restarts: int = 0) -> int:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        state = read_table(table).get(name)
        if state and state.pid and state.restarts == restarts:
            return state.pid
        time.sleep(0.02)
    pytest.fail(f"{name} never ran with {restarts} restarts")


def test_parts_start_in_their_time_and_again_when_they_die(tmp_path: Path) -> None:
    table = tmp_path / "processes.json"
    with subprocess.Popen((sys.executable, "-c", RUN, str(tmp_path)), cwd=REPOSITORY) as supervisor:
        try:
            early = wait_for(table, "early")
            assert read_table(table)["late"].pid == 0
            (tmp_path / "ready").touch()
            late = wait_for(table, "late")
            os.kill(early, 9)
            again = wait_for(table, "early", restarts=1)
            assert again != early
            os.kill(again, 9)
            os.kill(late, 9)
        finally:
            supervisor.terminate()
        assert supervisor.wait(10) == 0
    assert (tmp_path / "early.log").read_text() == "started\n" * 2


def test_nothing_runs_before_the_start(tmp_path: Path) -> None:
    supervisor = Supervisor([Part("etcd", ("etcd",))], {}, tmp_path, tmp_path / "processes.json")
    assert supervisor.pid_of("etcd") == 0
    assert read_table(tmp_path / "processes.json") == {}
