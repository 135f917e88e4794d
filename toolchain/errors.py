"""Errors that a user sees as one sentence.

UserError
├── UnknownArtefactError
├── UnsupportedMachineError
├── UnusableCacheError
├── ToolMissingError
├── ChecksumError
└── CommandFailedError
"""

from collections.abc import Iterable
from pathlib import Path

__all__ = [
    "ChecksumError",
    "CommandFailedError",
    "ToolMissingError",
    "UnknownArtefactError",
    "UnsupportedMachineError",
    "UnusableCacheError",
    "UserError",
]


class UserError(Exception):
    """What went wrong, with which part, and what to do: shown to the user without a traceback."""


class UnknownArtefactError(UserError):
    """No artefact has the name that was asked for."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no artefact called {name!r}; there are: {', '.join(known)}.")


class UnsupportedMachineError(UserError):
    """The artefact can't be made or run on a machine of this kind."""

    def __init__(self, what: str, expected: str, found: str) -> None:
        super().__init__(
            f"{what} needs {expected}, and this machine runs {found}: use a cluster that you have already, "
            "with --kubeconfig FILE."
        )


class UnusableCacheError(UserError):
    """The cache folder can't be written."""

    def __init__(self, artefact: str, error: OSError) -> None:
        where = f" ({error.filename})" if error.filename else ""
        super().__init__(
            f"{artefact} can't be made in the cache: {error.strerror}{where}. "
            "Make room or set LLM_GATEWAY_CACHE to a folder that you may write."
        )


class ToolMissingError(UserError):
    """A program is neither there nor something that the toolchain could provide."""

    def __init__(self, program: str, remedy: str) -> None:
        super().__init__(f"The program {program!r} is needed and isn't on PATH: {remedy}.")


class ChecksumError(UserError):
    """A download isn't what was pinned."""

    def __init__(self, what: str, expected: str, found: str) -> None:
        super().__init__(
            f"{what} has the checksum {found}, expected {expected}: don't use it, check the mirror."
        )


class CommandFailedError(UserError):
    """A command ended with an error; its whole output stands in the log."""

    def __init__(self, program: str, reason: str, log: Path, last_lines: Iterable[str]) -> None:
        self.log = log
        tail = "".join(f"\n    {line}" for line in last_lines) or " nothing."
        super().__init__(f"`{program}` {reason}. Its whole output is in {log}; it ends with:{tail}")
