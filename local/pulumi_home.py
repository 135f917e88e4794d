"""The local platform's PULUMI_HOME: plugins, and none of the engine's debug logs."""

import shutil
from pathlib import Path

from local.files import private_folder

__all__ = ["prepared"]

_LOGS = "logs"


def prepared(home: Path) -> Path:
    """Make it, and give it back.

    The engine writes a debug log of every command into its `logs`, for which it has no switch: a third of its
    CPU and up to 500 MB. With a file in the folder's place it goes without.
    """
    logs = private_folder(home) / _LOGS
    if not logs.is_file():
        shutil.rmtree(logs, ignore_errors=True)
        logs.touch()
    return home
