"""Modules that only a run needs, imported by one thread at a time."""

import importlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["load"]

_LOADING = threading.Lock()
_COMMAND_OF_HTTPX = "httpx._main"


def load(*modules: str) -> None:
    """Import modules before their users do.

    Pulumi's plugin calls in several threads. Where two of them import packages that import each other, Python
    gives one of them a half-made module rather than let both wait forever.
    """
    with _LOADING, _without_commands():
        for module in modules:
            importlib.import_module(module)


@contextmanager
def _without_commands() -> Iterator[None]:
    """Import httpx as where its command line isn't installed: that takes more time than httpx itself."""
    if _COMMAND_OF_HTTPX in sys.modules:
        yield
        return
    sys.modules[_COMMAND_OF_HTTPX] = None  # type: ignore[assignment]  # Python's own mark: can't be imported
    try:
        yield
    finally:
        sys.modules.pop(_COMMAND_OF_HTTPX, None)
