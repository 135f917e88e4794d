"""Modules that only a run needs, imported by one thread at a time."""

import importlib
import threading

__all__ = ["load"]

_LOADING = threading.Lock()


def load(*modules: str) -> None:
    """Import modules before their users do.

    Pulumi's plugin calls in several threads. Where two of them import packages that import each other, Python
    gives one of them a half-made module rather than let both wait forever.
    """
    with _LOADING:
        for module in modules:
            importlib.import_module(module)
