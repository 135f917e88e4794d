"""What is to be known of a key's field; `fields` is the table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from providers.litellm.kinds import Kind

__all__ = ["Clearing", "Field", "Stored", "in_metadata"]


class Stored(Enum):
    """Where /key/info gives the value back."""

    ROW = auto()  # info[<api>]
    METADATA = auto()  # info.metadata[<api>]; /key/update merges it, a whole `metadata` wipes it
    USER_METADATA = auto()  # info.metadata, without ours and the gateway's
    BUDGET_ROW = auto()  # info.litellm_budget_table[<api>]
    EXPIRES = auto()  # only as the instant info.expires
    NOWHERE = auto()  # taken once, never given back


class Clearing(Enum):
    """How /key/update is told that a value is no longer wanted."""

    NULL = auto()
    EMPTY = auto()  # null is refused; the empty value of its kind
    MEMBERS = auto()  # null and {} change nothing; each member has to be emptied
    METADATA = auto()  # null changes nothing; a whole `metadata` without it
    REPLACE = auto()  # a new key
    NEVER = auto()  # it was only a start value


@dataclass(frozen=True)
class Field:
    """One field of a key.

    Attributes
    ----------
    name
        In Python, in the inputs and in the state.
    renamed
        The API's name, where it is another.
    unit
        What a number counts.
    replaces
        A change to another value makes a new key.
    licensed
        The open-source gateway refuses it.
    nothing_at_zero
        0 means that nothing is allowed, not that there is no limit.
    left_out
        What the gateway makes of a key without it.
    about
        What it is for, where the name doesn't say it.
    secret
        May hold secrets: always encrypted in the state.
    by_metadata
        Sent inside of `metadata`: as a parameter /key/generate overlooks it, and /key/update wants its twin.
    fills
        Another field, which the gateway makes of this one or keeps it in.
    filled_with
        A value -> what the gateway makes of it there. It can be changed by itself, and is what holds.
    only_with
        While that field is false, a new key forgets this one: it is sent again with each change of that.
    """

    name: str
    kind: Kind
    clearing: Clearing = Clearing.NULL
    stored: Stored = Stored.ROW
    renamed: str = ""
    unit: str = ""
    replaces: bool = False
    licensed: bool = False
    nothing_at_zero: bool = False
    left_out: str = ""
    about: str = ""
    secret: bool = False
    by_metadata: bool = False
    fills: str = ""
    filled_with: Mapping[Any, Any] = field(default_factory=dict, hash=False)
    only_with: str = ""

    @property
    def api(self) -> str:
        return self.renamed or self.name


def in_metadata(name: str, kind: Kind, *, clearing: Clearing = Clearing.METADATA, **columns: Any) -> Field:
    """Make a row of a field that the gateway keeps inside of `metadata`."""
    return Field(name, kind, clearing, Stored.METADATA, **columns)
