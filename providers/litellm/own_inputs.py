"""The inputs of a key that its gateway never sees: one row each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from providers.inputs import UNKNOWN, has_unknown
from providers.kubernetes.consumer_input import consumer_problems
from providers.litellm.destination import deliver_problems
from providers.litellm.gateway_input import gateway_problems
from providers.litellm.kinds import DURATION, FLAG, INSTANT, Kind
from providers.litellm.ownership import is_urn

__all__ = ["OWN_BY_NAME", "OWN_INPUTS", "OnChange", "OwnInput"]


class OnChange(Enum):
    """What follows from another value."""

    RECORD = auto()  # the state takes it over
    REPLACE = auto()  # a new key


@dataclass(frozen=True)
class OwnInput:
    """One of them.

    Attributes
    ----------
    problems
        Says what is wrong with a declared value, in which parts may be unknown.
    ours
        Completed by us, and nothing that a program says.
    """

    name: str
    problems: Callable[[Any], Iterator[str]]
    on_change: OnChange = OnChange.RECORD
    ours: bool = False


def _owner_problems(owner: Any) -> Iterator[str]:
    if not isinstance(owner, str) or (owner != UNKNOWN and not is_urn(owner)):
        yield "is the URN of the resource, which it sets by itself; leave it out"


def _of(kind: Kind) -> Callable[[Any], Iterator[str]]:
    """Want a value of one of the kinds that fields have."""

    def problems(value: Any) -> Iterator[str]:
        if not has_unknown(value) and (reason := kind.problem(value)):
            yield reason

    return problems


OWN_INPUTS = (
    OwnInput("gateway", gateway_problems),
    OwnInput("owner", _owner_problems, ours=True),
    # The value is in Vault alone or in the state alone: what was delivered elsewhere can't be moved.
    OwnInput("deliver", deliver_problems, OnChange.REPLACE),
    OwnInput("consumer", consumer_problems),
    OwnInput("max_ttl", _of(DURATION)),
    OwnInput("renew", _of(FLAG)),
    OwnInput("minted", _of(INSTANT), ours=True),
    OwnInput("renewed", _of(INSTANT), ours=True),
)

OWN_BY_NAME = {own.name: own for own in OWN_INPUTS}
