"""Pulumi's plugin process for Python, in which our providers run: what it lacks for them.

It has no setting for any of this. What is changed is its own and looked for before: elsewhere, as in a test
that calls a provider itself, nothing is touched.
"""

import asyncio
import functools
import os
import stat
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from types import FrameType, ModuleType, SimpleNamespace

from providers.errors import ProviderError

__all__ = ["AT_ONCE", "adapt_plugin"]

AT_ONCE = 16
"""Calls that are worked on at once, if `--parallel` asks for so many; clients keep as many connections."""


def adapt_plugin() -> None:
    """Let the plugin fail in sentences, work on more at once with less, and end with its engine."""
    plugin = sys.modules["__main__"]
    if hasattr(plugin, "DynamicResourceProviderServicer"):
        _speak_in_sentences(plugin)
        _work_on_more_at_once(sys._getframe())  # noqa: SLF001 - the documented way to the caller
        _keep_event_loops(plugin)
        _end_with_the_engine()


def _speak_in_sentences(plugin: ModuleType) -> None:
    """Let the plugin report a `ProviderError` by its sentence instead of a traceback.

    Pulumi's plugin answers the engine with `traceback.format_exc()` of whatever a provider raised, and offers
    no other way to fail. Only the name in the plugin's own module is replaced, and only what our errors
    look like.
    """
    plugin.traceback = SimpleNamespace(format_exc=_format_error)  # type: ignore[attr-defined]


def _format_error() -> str:
    error = sys.exc_info()[1]
    return str(error) if isinstance(error, ProviderError) else traceback.format_exc()


def _work_on_more_at_once(frame: FrameType | None) -> None:
    """Let the plugin take as many calls at once as the engine makes.

    It has four threads, which four keys keep that wait for their consumers. The pool of those is found at the
    bottom of the stack, whose threads belong to it.
    """
    while frame is not None:
        reference = frame.f_locals.get("executor_reference")
        pool = reference() if reference else None
        if isinstance(pool, ThreadPoolExecutor):
            _widen(pool)
            return
        frame = frame.f_back


def _widen(pool: ThreadPoolExecutor) -> None:
    with pool._shutdown_lock:  # noqa: SLF001 - as `submit` holds it
        pool._max_workers = max(pool._max_workers, AT_ONCE)  # noqa: SLF001 - there is no other way
        # Python 3.11 counts a thread as idle for each call that has waited, and would start no other.
        while len(pool._threads) < AT_ONCE:  # noqa: SLF001 - the same
            pool._adjust_thread_count()  # noqa: SLF001 - the same


class _Kept(threading.local):
    """An event loop for each thread, which stays when it is closed."""

    def __init__(self) -> None:
        self.run_until_complete = asyncio.new_event_loop().run_until_complete

    def close(self) -> None:
        """Do nothing: the next call uses it again."""


@functools.cache
def _keep_event_loops(plugin: ModuleType) -> None:
    """Let the plugin write its answers with one event loop a thread, instead of one an answer."""
    kept = _Kept()
    own = SimpleNamespace(**{**vars(asyncio), "new_event_loop": lambda: kept})
    plugin.asyncio = own  # type: ignore[attr-defined]


@functools.cache
def _end_with_the_engine() -> None:
    """Let the plugin end when the engine that has started it is gone.

    Pulumi's plugin outlives an engine that is killed: it would go on minting a key that no state will know,
    while the next `up` is under way already. The engine holds the other end of the standard input.
    """
    stdin = sys.__stdin__
    if stdin is None or not stat.S_ISFIFO(os.fstat(stdin.fileno()).st_mode):
        return

    def wait() -> None:
        while os.read(stdin.fileno(), 1):
            pass
        os._exit(1)

    threading.Thread(target=wait, name="end with the engine", daemon=True).start()
