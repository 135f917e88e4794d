"""Errors that a user sees as one sentence.

UserError
├── UnknownArtefactError
├── UnsupportedMachineError
├── ToolMissingError
└── CommandFailedError
"""

from collections.abc import Iterable
from pathlib import Path

__all__ = [
    "CommandFailedError",
    "ToolMissingError",
    "UnknownArtefactError",
    "UnsupportedMachineError",
    "UserError",
]


class UserError(Exception):
    """What went wrong, with which part, and what to do: shown to the user without a traceback."""


class UnknownArtefactError(UserError):
    """No artefact has this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no artefact called {name!r}; there are: {', '.join(known)}.")


class UnsupportedMachineError(UserError):
    """This machine can't make or run the artefact."""

    def __init__(self, what: str, expected: str, found: str) -> None:
        super().__init__(
            f"{what} needs {expected}, and this machine is {found}: use a cluster that you have already, "
            "with --kubeconfig FILE."
        )


class ToolMissingError(UserError):
    """A program that the toolchain can neither find nor install."""

    def __init__(self, program: str, purpose: str, remedy: str) -> None:
        super().__init__(f"The program {program!r}, which is needed {purpose}, is not on PATH: {remedy}.")


class CommandFailedError(UserError):
    """A command ended with an error; its whole output stands in the log."""

    def __init__(self, program: str, reason: str, log: Path, last_lines: Iterable[str]) -> None:
        self.log = log
        tail = "".join(f"\n    {line}" for line in last_lines)
        super().__init__(f"`{program}` {reason}. Its whole output is in {log}; it ends with:{tail}")
