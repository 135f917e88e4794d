"""A Pulumi project of the benchmark's own, with the real CLI, in a folder that goes away with it."""

import secrets
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from bench.cost import Cost, measure

__all__ = ["KeyStack", "Way"]

ROOT = Path(__file__).parents[1]
_PROGRAM = ROOT / "bench" / "program"
_STACK = "bench"


class Way(Enum):
    """How keys are kept, and how often the engine saves its state."""

    STATE = "in-state"
    VAULT = "in-vault"
    VAULT_SAVED_ONCE = "in-vault-saved-once"

    @property
    def delivers(self) -> bool:
        return self is not Way.STATE

    def variables(self) -> dict[str, str]:
        """Give the engine's own switches; older CLIs take the first only together with the second."""
        once = {"PULUMI_SKIP_CHECKPOINTS": "true", "PULUMI_EXPERIMENTAL": "true"}
        return once if self is Way.VAULT_SAVED_ONCE else {}


class KeyStack:
    """Keys that are all alike.

    Parameters
    ----------
    folder
        An empty one, for the project and its state.
    variables
        The environment of the platform.
    url
        Of the gateway.
    count
        Number of keys.
    way
        Where they go.
    """

    def __init__(self, folder: Path, variables: Mapping[str, str], *, url: str, count: int, way: Way) -> None:
        self._folder, self._count = folder, count
        for name in ("Pulumi.yaml", "__main__.py"):
            (folder / name).symlink_to(_PROGRAM / name)
        for name in (".venv", "providers"):
            (folder / name).symlink_to(ROOT / name)
        (folder / "state").mkdir()
        own = {
            "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
            "PULUMI_STACK": _STACK,
            "BENCH_URL": url,
            "BENCH_BUDGET": "5",
            "BENCH_PATH": f"bench/{secrets.token_hex(4)}" if way.delivers else "",
            **way.variables(),
        }
        self._variables = {**variables, **own}
        self._run("stack", "init", _STACK)

    def up(self, budget: float = 5) -> Cost:
        """Make the keys, or change them."""
        self._variables["BENCH_BUDGET"] = str(budget)
        return self._run("up", "--yes", "--skip-preview")

    def preview(self) -> Cost:
        return self._run("preview")

    def refresh(self) -> Cost:
        return self._run("refresh", "--yes", "--skip-preview")

    def destroy(self) -> Cost:
        return self._run("destroy", "--yes", "--skip-preview")

    def state_bytes(self) -> int:
        """Give the size of the state's file."""
        return (
            (self._folder / "state" / ".pulumi" / "stacks" / "bench-keys" / f"{_STACK}.json").stat().st_size
        )

    def _run(self, *arguments: str) -> Cost:
        variables = {**self._variables, "BENCH_KEYS": str(self._count)}
        return measure(["pulumi", *arguments, "--non-interactive"], self._folder, variables)
