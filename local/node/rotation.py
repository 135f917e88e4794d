"""Bounds for the node's log files and for OpenBao's audit log."""

import contextlib
import os
import shutil
import signal
from pathlib import Path

from local.processes import processes

__all__ = ["rotate_audit_log", "rotate_logs"]

LIMIT_BYTES = 16 * 1024 * 1024
AUDIT_LOGS_KEPT = 5


def rotate_logs(folder: Path, limit_bytes: int = LIMIT_BYTES) -> None:
    """Move a log that has grown too large aside; its writer, who appends, goes on with an empty file."""
    for file in folder.glob("*.log"):
        if file.stat().st_size > limit_bytes:
            shutil.copyfile(file, file.with_name(f"{file.name}.1"))
            os.truncate(file, 0)


def rotate_audit_log(file: Path, limit_bytes: int = LIMIT_BYTES, kept: int = AUDIT_LOGS_KEPT) -> None:
    """Rename an audit log that has grown too large and have OpenBao open a new one; no entry is lost."""
    if not file.exists() or file.stat().st_size <= limit_bytes:
        return
    generations = [file, *(file.with_name(f"{file.name}.{number}") for number in range(1, kept + 1))]
    for older, younger in zip(reversed(generations), list(reversed(generations))[1:], strict=False):
        if younger.exists():
            younger.replace(older)
    for process in processes():
        if Path(process.arguments[0]).name == "bao" and "server" in process.arguments:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGHUP)
