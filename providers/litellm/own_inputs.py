"""The inputs of a key that its gateway never sees: one row each."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from providers.inputs import UNKNOWN, has_unknown, without_none
from providers.kubernetes.consumer_input import consumer_problems
from providers.litellm.adopt_input import adopt_problems, names_another
from providers.litellm.compounds import DOCUMENT
from providers.litellm.destination import deliver_problems, is_moved
from providers.litellm.gateway_input import gateway_problems
from providers.litellm.kinds import DURATION, FLAG, INSTANT, Kind
from providers.litellm.ownership import is_urn
from providers.litellm.rotation import grace_problems

__all__ = ["OWN_BY_NAME", "OWN_INPUTS", "OnChange", "OwnInput"]


class OnChange(Enum):
    """What follows from another value."""

    RECORD = auto()  # the state takes it over
    REPLACE = auto()  # a new key
    REPLACE_FURTHER = auto()  # a new key, where there was a value before; the first one is recorded


@dataclass(frozen=True)
class OwnInput:
    """One of them.

    Attributes
    ----------
    problems
        Says what is wrong with a declared value, in which parts may be unknown.
    ours
        Completed by us, and nothing that a program says.
    takes
        The type, in the words of docs/virtual-key.md.
    left_out
        What it is without it.
    about
        What it is for.
    differs_by
        Whether the state and the inputs differ in it, where that isn't told by the values alone.
    has_parts
        A mapping of names that are ours, of which one that is None is left out.
    """

    name: str
    problems: Callable[[Any], Iterator[str]]
    on_change: OnChange = OnChange.RECORD
    ours: bool = False
    takes: str = ""
    left_out: str = ""
    about: str = ""
    differs_by: Callable[[Mapping[str, Any], Mapping[str, Any]], bool] | None = None
    has_parts: bool = False

    def differs(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
        """Whether the state and the inputs differ in it."""
        if self.differs_by:
            return self.differs_by(olds, news)
        return (self.said(olds.get(self.name)) or None) != (self.said(news.get(self.name)) or None)

    def said(self, value: Any) -> Any:
        """Take of a value what it says."""
        return without_none(value) if self.has_parts else value


def _owner_problems(owner: Any) -> Iterator[str]:
    if not isinstance(owner, str) or (owner != UNKNOWN and not is_urn(owner)):
        yield "is the URN of the resource, which it sets by itself; leave it out"


def _found_problems(_: Any) -> Iterator[str]:
    yield "is what a refresh has found beside the key in Vault; leave it out"


def _of(kind: Kind) -> Callable[[Any], Iterator[str]]:
    """Want a value of one of the kinds that fields have."""

    def problems(value: Any) -> Iterator[str]:
        if not has_unknown(value) and (reason := kind.problem(value)):
            yield reason

    return problems


OWN_INPUTS = (
    OwnInput(
        "gateway",
        gateway_problems,
        takes="a mapping, see below",
        left_out="required",
        about="where the gateway is, and with which key it is administered",
        has_parts=True,
    ),
    OwnInput("owner", _owner_problems, ours=True),
    # The value is in Vault alone or in the state alone: what was delivered elsewhere can't be moved.
    OwnInput(
        "deliver",
        deliver_problems,
        OnChange.REPLACE,
        takes="`mount`, `path`, `property`",
        left_out="the key is an output; `property`: `api-key`",
        about="where in Vault the key is put instead",
        differs_by=is_moved,
        has_parts=True,
    ),
    OwnInput(
        "adopt",
        adopt_problems,
        OnChange.REPLACE,
        takes="hash or alias of a key",
        left_out="a key is minted",
        about="an existing key comes under management; its value stays unknown",
        differs_by=names_another,
    ),
    OwnInput(
        "retain_on_delete",
        _of(FLAG),
        takes=FLAG.expected,
        left_out="`false`",
        about="a delete takes our marks off the key, and lets it live",
    ),
    OwnInput(
        "consumer",
        consumer_problems,
        takes="`external_secret`, `deployment`, `timeout_seconds`",
        left_out="nobody is waited for",
        about="who has to have followed a delivered key",
        has_parts=True,
    ),
    OwnInput(
        "rotation",
        _of(DOCUMENT),
        OnChange.REPLACE,
        takes="a mapping of anything",
        left_out="nothing",
        about="whatever it holds: when it changes, the key gets a successor",
    ),
    OwnInput(
        "rotate_every",
        _of(DURATION),
        takes=DURATION.expected,
        left_out="never by its age",
        about="the first `up` after this age gives the key a successor",
    ),
    OwnInput(
        "grace",
        grace_problems,
        takes=f"{DURATION.expected}, or `0s`",
        left_out="`15m`",
        about="how long the old key lives on beside its successor; `0s` deletes it at once",
    ),
    OwnInput(
        "max_ttl",
        _of(DURATION),
        takes=DURATION.expected,
        left_out="no longest life",
        about="how long the key may live, however often it is renewed",
    ),
    OwnInput(
        "renew",
        _of(FLAG),
        takes=FLAG.expected,
        left_out="`false`",
        about="an `up` moves the expiry on when less than a third of `duration` is left",
    ),
    OwnInput("minted", _of(INSTANT), OnChange.REPLACE_FURTHER, ours=True),
    OwnInput("renewed", _of(INSTANT), ours=True),
    OwnInput("drifted", _found_problems, ours=True),
)

OWN_BY_NAME = {own.name: own for own in OWN_INPUTS}
