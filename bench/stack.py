"""A Pulumi project of a benchmark's own, with the real CLI, in a folder that goes away with it."""

from collections.abc import Mapping
from pathlib import Path

from bench.cost import Cost, measure

__all__ = ["ROOT", "BenchStack"]

ROOT = Path(__file__).parents[1]
_STACK = "bench"


class BenchStack:
    """A program in an empty folder, with a state of its own.

    Parameters
    ----------
    folder
        An empty one, for the project and its state.
    program
        The folder of the program that is run.
    variables
        The environment of the platform, and what the program takes beside.

    Attributes
    ----------
    folder, variables
        Where, and with which environment, the CLI finds the stack.
    """

    def __init__(self, folder: Path, program: Path, variables: Mapping[str, str]) -> None:
        self.folder = folder
        for file in program.iterdir():
            if not file.name.startswith("__pycache__"):
                (folder / file.name).symlink_to(file.resolve())
        (folder / ".venv").symlink_to(ROOT / ".venv")
        (folder / "state").mkdir()
        own = {"PULUMI_BACKEND_URL": (folder / "state").as_uri(), "PULUMI_STACK": _STACK}
        self.variables = {**variables, **own}
        self._run("stack", "init", _STACK)

    def up(self) -> Cost:
        return self._run("up", "--yes", "--skip-preview")

    def preview(self) -> Cost:
        return self._run("preview")

    def refresh(self) -> Cost:
        return self._run("refresh", "--yes", "--skip-preview")

    def destroy(self) -> Cost:
        return self._run("destroy", "--yes", "--skip-preview")

    def state_bytes(self) -> int:
        """Give the size of the state's file."""
        stacks = self.folder / "state" / ".pulumi" / "stacks"
        return next(stacks.glob(f"*/{_STACK}.json")).stat().st_size

    def _run(self, *arguments: str) -> Cost:
        return measure(["pulumi", *arguments, "--non-interactive"], self.folder, self.variables)
