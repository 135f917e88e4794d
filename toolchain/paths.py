"""Folders that the toolchain reads and writes."""

import os
from pathlib import Path

__all__ = [
    "SOURCES",
    "apt_folder",
    "cache_folder",
    "locks_folder",
    "logs_folder",
    "pulumi_home",
    "state_folder",
]

SOURCES = Path(__file__).resolve().parent
"""The folder that holds the pinned modules, the lock files and what goes into images."""


def cache_folder() -> Path:
    """Return the folder of all artefacts; whatever is below can be deleted and is then made again."""
    return _user_folder("LLM_GATEWAY_CACHE", "XDG_CACHE_HOME", ".cache")


def state_folder() -> Path:
    """Return the folder of all instances of the local platform; it holds their data."""
    return _user_folder("LLM_GATEWAY_STATE", "XDG_STATE_HOME", ".local/state")


def locks_folder() -> Path:
    return cache_folder() / "locks"


def logs_folder() -> Path:
    return cache_folder() / "logs"


def apt_folder() -> Path:
    return cache_folder() / "apt"


def pulumi_home() -> Path:
    """Return this checkout's own PULUMI_HOME: its substitute plugins run from here, and go with it."""
    return SOURCES.parent / ".pulumi-home"


def _user_folder(own_variable: str, xdg_variable: str, below_home: str) -> Path:
    if own := os.environ.get(own_variable):
        return Path(own).expanduser().absolute()
    # The XDG specification has relative paths ignored.
    xdg = Path(os.environ.get(xdg_variable, ""))
    base = xdg if xdg.is_absolute() else Path.home() / below_home
    return base / "llm-gateway"
