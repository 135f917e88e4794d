"""Processes are found by what they are, not by a recorded number."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.processes import Process, find_module, listening_process, processes, stop

NODE = ("/venv/bin/python", "-m", "local.node.init", "spare", "/state/spare")


def add(proc: Path, pid: int, arguments: tuple[str, ...], state: str = "S", start_ticks: int = 100) -> None:
    folder = proc / str(pid)
    (folder / "fd").mkdir(parents=True, exist_ok=True)
    before_start = " ".join(["0"] * 18)
    (folder / "stat").write_text(f"{pid} (odd ) name) {state} {before_start} {start_ticks} 0 0\n")
    (folder / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in arguments))


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "self").mkdir()
    return tmp_path


def test_a_node_is_found_by_its_command_line(proc: Path) -> None:
    add(proc, 10, ("unshare", *NODE))
    add(proc, 11, NODE)
    add(proc, 12, ("vi", "-m", "local.node.init.txt"))
    assert [each.pid for each in find_module("local.node.init", "spare", "/state/spare", proc=proc)] == [11]
    assert find_module("local.node.init", "spare", "/elsewhere/spare", proc=proc) == []


def test_a_zombie_and_a_kernel_thread_do_not_run(proc: Path) -> None:
    add(proc, 11, NODE, state="Z")
    add(proc, 12, ())
    assert processes(proc) == []


def test_a_reused_number_is_another_process(proc: Path) -> None:
    add(proc, 11, NODE)
    (node,) = processes(proc)
    assert node.is_alive()
    add(proc, 11, NODE, start_ticks=200)
    assert not node.is_alive()


def test_a_process_that_is_gone_holds_no_memory(proc: Path) -> None:
    gone = Process(99, 1, NODE, proc)
    assert not gone.is_alive()
    assert gone.resident_bytes() == 0
    assert gone.namespace() == ""
    assert gone.namespace_pid() == 0


def test_who_listens_on_a_port_is_found(proc: Path) -> None:
    (proc / "net").mkdir()
    (proc / "net" / "tcp").write_text(
        "  sl  local_address rem_address   st\n"
        "   0: 0100007F:4718 00000000:0000 0A 0:0 0:0 0 0 0 4711 1\n"
        "   1: 0100007F:4719 00000000:0000 01 0:0 0:0 0 0 0 4712 1\n"
    )
    add(proc, 11, ("kubectl", "port-forward"))
    (proc / "11" / "fd" / "9").symlink_to("socket:[4711]")
    holder = listening_process(18200, proc)
    assert holder is not None
    assert holder.pid == 11
    assert listening_process(18201, proc) is None


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_process_is_ended_even_when_it_will_not(stubborn: bool) -> None:
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN);" if stubborn else ""
    code = f"import signal, time; {ignore} print(flush=True); time.sleep(60)"
    with subprocess.Popen((sys.executable, "-c", code), stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        process = next(each for each in processes() if each.pid == child.pid)
        stop(process, patience_seconds=0.2)
        assert not process.is_alive()


def test_this_process_is_seen_as_it_is() -> None:
    own = next(each for each in processes() if each.pid == os.getpid())
    assert own.resident_bytes() > 1024 * 1024
    assert own.namespace_pid() == os.getpid()
