"""Keys by the number, in a stack of the benchmark's own."""

import secrets
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from bench.cost import Cost
from bench.stack import ROOT, BenchStack

__all__ = ["KeyStack", "Way"]

_PROGRAM = ROOT / "bench" / "program"


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


class KeyStack(BenchStack):
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
        own = {
            "BENCH_KEYS": str(count),
            "BENCH_URL": url,
            "BENCH_BUDGET": "5",
            "BENCH_PATH": f"bench/{secrets.token_hex(4)}" if way.delivers else "",
            **way.variables(),
        }
        (folder / "providers").symlink_to(ROOT / "providers")
        super().__init__(folder, _PROGRAM, {**variables, **own})

    def change(self, budget: float) -> Cost:
        """Give every key another budget."""
        self.variables["BENCH_BUDGET"] = str(budget)
        return self.up()
