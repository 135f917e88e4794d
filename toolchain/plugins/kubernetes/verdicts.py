"""What a look at a live object says: ready, not yet, or never."""

from dataclasses import dataclass
from enum import Enum

__all__ = ["READY", "Outcome", "Verdict", "failed", "waiting"]


class Outcome(Enum):
    READY = "ready"
    WAITING = "waiting"
    FAILED = "failed"


@dataclass(frozen=True)
class Verdict:
    """The outcome, and why it isn't `READY`."""

    outcome: Outcome
    reason: str = ""


READY = Verdict(Outcome.READY)


def waiting(reason: str) -> Verdict:
    return Verdict(Outcome.WAITING, reason)


def failed(reason: str) -> Verdict:
    return Verdict(Outcome.FAILED, reason)
