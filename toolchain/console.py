"""What the user sees on standard error: progress with elapsed time, and errors as sentences."""

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.markup import escape

from toolchain.errors import UserError

__all__ = ["Step", "console", "readable_duration", "shown_errors", "step"]

console = Console(stderr=True, highlight=False, soft_wrap=True)

SHOWN_AFTER_SECONDS = 2.0
LINE_EVERY_SECONDS = 15.0
LIVE_EVERY_SECONDS = 0.5
TENTHS_BELOW_SECONDS = 10.0
DETAIL_MAX_LENGTH = 60
EXIT_INTERRUPTED = 130


class Step:
    """One piece of work that is under way."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._detail = ""
        self._started = time.monotonic()

    def note(self, detail: str) -> None:
        """Show `detail` behind the title from now on: what the step is at."""
        self._detail = detail if len(detail) <= DETAIL_MAX_LENGTH else f"{detail[: DETAIL_MAX_LENGTH - 1]}…"

    @property
    def progress(self) -> str:
        line = f"{escape(self.title)} … {self.elapsed}"
        return f"{line}  [dim]{escape(self._detail)}[/]" if self._detail else line

    @property
    def elapsed(self) -> str:
        return readable_duration(time.monotonic() - self._started)


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Show `title` with the elapsed time while the block runs, and how it ended.

    A terminal gets one live line; anything else gets a line when the work turns out to be slow, one every
    15 s, and one at the end.
    """
    current = Step(title)
    finished = threading.Event()
    ticker = threading.Thread(target=_show_progress, args=(current, finished), daemon=True)
    ticker.start()
    outcome = "failed after"
    try:
        yield current
        outcome = "done in"
    except KeyboardInterrupt:
        outcome = "stopped after"
        raise
    finally:
        finished.set()
        ticker.join()
        console.print(f"{escape(title)} … {outcome} {current.elapsed}")


def _show_progress(current: Step, finished: threading.Event) -> None:
    if finished.wait(SHOWN_AFTER_SECONDS):
        return
    if console.is_terminal:
        with console.status(current.progress) as live:
            while not finished.wait(LIVE_EVERY_SECONDS):
                live.update(current.progress)
        return
    console.print(f"{escape(current.title)} …")
    while not finished.wait(LINE_EVERY_SECONDS):
        console.print(current.progress)


@contextmanager
def shown_errors() -> Iterator[None]:
    """End the program with a sentence, not a traceback, on a `UserError` and when the user stops it."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    except UserError as error:
        console.print(f"[bold red]Error:[/] {escape(str(error))}")
        sys.exit(1)
    except (KeyboardInterrupt, SystemExit) as ending:
        # typer makes the one out of the other.
        if isinstance(ending, SystemExit) and ending.code != EXIT_INTERRUPTED:
            raise
        console.print("Stopped. The same command goes on where this one was.")
        sys.exit(EXIT_INTERRUPTED)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def readable_duration(seconds: float) -> str:
    """Return a duration as people say it: ``0.4 s``, ``12 s``, ``3 min 05 s``."""
    if seconds < TENTHS_BELOW_SECONDS:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
