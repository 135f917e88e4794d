"""What the doctor says: findings about links. What it is made of: a table of links."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from doctor.scene import Scene

__all__ = [
    "CannotLookError",
    "Finding",
    "Link",
    "NotAllowedError",
    "State",
    "broken",
    "unknown",
    "weak",
    "whole",
]


class State(StrEnum):
    """How a link is."""

    WHOLE = "whole"
    WEAK = "weak"  # it holds, but not as it should
    BROKEN = "broken"
    UNKNOWN = "unknown"  # the doctor couldn't look


class CannotLookError(Exception):
    """What a probe needs isn't to be had: no permission, no credential, nobody answers.

    Parameters
    ----------
    sentence
        What was asked, and why there is no answer.
    cure
        What the user does so that the doctor can look.
    """

    def __init__(self, sentence: str, cure: str = "") -> None:
        self.sentence = sentence
        self.cure = cure
        super().__init__(sentence)


class NotAllowedError(CannotLookError):
    """The server answers, but this user may not ask that."""


@dataclass(frozen=True)
class Finding:
    """What was seen at one object of one link.

    Attributes
    ----------
    subject
        The object, as a person would name it: `SecretStore litellm/vault`.
    evidence
        What was seen.
    cause
        Of what is broken or weak, in one sentence.
    cure
        What to do about it, in one sentence.
    scope
        The stores that the finding speaks of; nothing means all. Two findings with no store in common have
        nothing to do with one another.
    link
        Filled in by whoever ran the probe.
    seen_by
        Of what somebody else has complained of: the links that look at the same. If they hold, the complaint
        is of before.
    """

    subject: str
    state: State
    evidence: str
    cause: str = ""
    cure: str = ""
    scope: frozenset[str] = frozenset()
    link: str = ""
    seen_by: tuple[str, ...] = ()


def whole(subject: str, evidence: str, scope: Iterable[str] = ()) -> Finding:
    return Finding(subject, State.WHOLE, evidence, scope=frozenset(scope))


def weak(subject: str, evidence: str, *, cause: str, cure: str, scope: Iterable[str] = ()) -> Finding:
    return Finding(subject, State.WEAK, evidence, cause, cure, frozenset(scope))


def broken(subject: str, evidence: str, *, cause: str, cure: str, scope: Iterable[str] = ()) -> Finding:
    return Finding(subject, State.BROKEN, evidence, cause, cure, frozenset(scope))


def unknown(subject: str, evidence: str, *, cure: str = "", scope: Iterable[str] = ()) -> Finding:
    return Finding(subject, State.UNKNOWN, evidence, cure=cure, scope=frozenset(scope))


@dataclass(frozen=True)
class Link:
    """One link of the chain.

    Attributes
    ----------
    needs
        The links without which this one can't hold: what is broken there explains what is broken here.
    explanation
        What the link is and how it is checked; shown by `--explain`.
    probe
        Looks, and changes nothing. What it can't see it says by `CannotLookError`.
    """

    name: str
    title: str
    explanation: str
    probe: "Callable[[Scene], Iterable[Finding]]"
    needs: tuple[str, ...] = field(default=())
