"""The border to other programs: their failures become sentences, and none outlives its caller."""

import contextlib
import os
import shlex
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from toolchain.errors import CommandFailedError, ToolMissingError

__all__ = ["Word", "answer_of", "run"]

Word = str | Path

TAIL_LINES = 15
GRACE_SECONDS = 10
QUERY_TIMEOUT_SECONDS = 30


def run(
    command: Sequence[Word],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    note: Callable[[str], None] | None = None,
    lock: int | None = None,
) -> None:
    """Run a command to its end, with its output in a log file.

    Parameters
    ----------
    command
        The program and its arguments.
    log
        File to which the command and its output are appended.
    cwd
        Folder to run in.
    env
        Variables on top of this process's own.
    note
        Called with each line of output, to show what the command is at.
    lock
        Descriptor of a lock that is to be held for as long as the command lives.

    Raises
    ------
    CommandFailedError
        It ended with another code than 0.
    ToolMissingError
        There is no such program.
    """
    words = [str(word) for word in command]
    log.parent.mkdir(parents=True, exist_ok=True)
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    with log.open("a", encoding="utf-8") as sink, _started(words, cwd, env, lock) as process:
        sink.write(f"$ {shlex.join(words)}\n")
        try:
            for line in process.stdout or ():
                sink.write(line)
                if text := line.strip():
                    tail.append(text)
                    if note:
                        note(text)
            code = process.wait()
        except BaseException:
            _end_group(process)
            raise
    if code != 0:
        raise CommandFailedError(Path(words[0]).name, _ending(code), log, tail)


def answer_of(command: Sequence[Word], *, cwd: Path | None = None) -> str | None:
    """Return what a short command prints, or None where it doesn't exist or fails."""
    try:
        finished = subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=QUERY_TIMEOUT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return finished.stdout.strip()


def _started(
    words: list[str], cwd: Path | None, env: Mapping[str, str] | None, lock: int | None
) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            words,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            pass_fds=() if lock is None else (lock,),
            # A group of its own, so that a compiler's children end with it, and Ctrl-C reaches this process
            # alone.
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise ToolMissingError(words[0], "install it, and start again") from error


def _end_group(process: subprocess.Popen[str]) -> None:
    for ending in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, ending)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
            return


def _ending(code: int) -> str:
    return f"ended with code {code}" if code > 0 else f"was ended by {signal.Signals(-code).name}"
