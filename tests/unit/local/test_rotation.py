"""Logs stay bounded."""

from pathlib import Path

import pytest

from local.node import rotation
from local.node.rotation import rotate_audit_log, rotate_logs


def test_a_large_log_is_moved_aside_and_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "etcd.log"
    with log.open("a") as writer:
        writer.write("x" * 100)
        writer.flush()
        rotate_logs(tmp_path, limit_bytes=50)
        writer.write("next")
    assert log.read_text() == "next"
    assert (tmp_path / "etcd.log.1").read_text() == "x" * 100


def test_a_small_log_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "etcd.log").write_text("x")
    rotate_logs(tmp_path, limit_bytes=50)
    assert [file.name for file in tmp_path.iterdir()] == ["etcd.log"]


def test_audit_logs_are_kept_in_generations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "processes", list)
    log = tmp_path / "audit.log"
    for generation in "abcd":
        log.write_text(generation * 100)
        rotate_audit_log(log, limit_bytes=50, kept=2)
    assert not log.exists()
    assert (tmp_path / "audit.log.1").read_text() == "d" * 100
    assert (tmp_path / "audit.log.2").read_text() == "c" * 100
    assert not (tmp_path / "audit.log.3").exists()


def test_without_an_audit_log_there_is_nothing_to_do(tmp_path: Path) -> None:
    rotate_audit_log(tmp_path / "audit.log")
    assert list(tmp_path.iterdir()) == []
