"""Runs the program as `python -m gitops` does: without an engine, and with what depends on what."""

import json
from typing import Any

from gitops.program import Declaration, Program, run_program
from gitops.stack_file import StackFile

__all__ = ["Order", "program_of", "stack_of"]


def stack_of(document: dict[str, Any], stack: str = "dev") -> StackFile:
    """Make a configuration a stack's, without a file."""
    config = {
        f"llm-gateway:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in document.items()
    }
    return StackFile(stack, config, [])


def program_of(document: dict[str, Any]) -> Program:
    return run_program(stack_of(document))


class Order:
    """What is deleted before what: whatever needs something goes before it."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._by_name = {
            each.name: each
            for each in program.declarations
            if not each.type.startswith(("llm-gateway:", "pulumi:"))
        }

    def names(self) -> list[str]:
        return sorted(self._by_name)

    def named(self, name: str) -> Declaration:
        return self._by_name[name]

    def goes_before(self, name: str, other: str) -> bool:
        """Tell whether a destroy deletes one, and waits until it is gone, before the other."""
        return self._by_name[other].urn in self._program.before(self._by_name[name].urn)
