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
    """How keys are kept, and how often the engine saves its state.

    Those of which nothing is made have the inputs of keys, and a provider that does nothing: they are what
    Pulumi takes by itself.
    """

    STATE = "in-state"
    STATE_SAVED_ONCE = "in-state-saved-once"
    VAULT = "in-vault"
    VAULT_SAVED_ONCE = "in-vault-saved-once"
    NOTHING = "nothing-made"
    NOTHING_SAVED_ONCE = "nothing-made-saved-once"

    def variables(self) -> dict[str, str]:
        """Give what program and engine take; older CLIs take the first switch with the other only."""
        once = {"PULUMI_SKIP_CHECKPOINTS": "true", "PULUMI_EXPERIMENTAL": "true"}
        folder = "" if self in {Way.STATE, Way.STATE_SAVED_ONCE} else f"bench/{secrets.token_hex(4)}"
        nothing = {"BENCH_NOTHING": "1"} if self in {Way.NOTHING, Way.NOTHING_SAVED_ONCE} else {}
        return {"BENCH_PATH": folder, **nothing, **(once if self.value.endswith("saved-once") else {})}


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
            **way.variables(),
        }
        for package in ("providers", "bench"):
            (folder / package).symlink_to(ROOT / package)
        super().__init__(folder, _PROGRAM, {**variables, **own})

    def change(self, budget: float) -> Cost:
        """Give every key another budget."""
        self.variables["BENCH_BUDGET"] = str(budget)
        return self.up()
