"""One cause first, and what follows from it after it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from doctor.model import Finding, Link, State

__all__ = ["Root", "Verdict", "judge"]


@dataclass(frozen=True)
class Root:
    """A cause, and the broken things that it explains."""

    finding: Finding
    followers: tuple[Finding, ...]


@dataclass(frozen=True)
class Verdict:
    """What the findings come to.

    Attributes
    ----------
    roots
        The causes, the first in the chain first.
    weak
        What holds, but not as it should, and follows from no cause.
    unknown
        What couldn't be looked at.
    """

    roots: tuple[Root, ...]
    weak: tuple[Finding, ...]
    unknown: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """0 when whole, 1 when broken, 2 when the doctor couldn't look."""
        if self.roots:
            return 1
        return 2 if self.unknown else 0


def judge(findings: Sequence[Finding], links: Sequence[Link]) -> Verdict:
    """Sort the broken ones into causes and what follows from them."""
    explains = _explaining(links)
    roots: list[Finding] = []
    weak: list[Finding] = []
    followers: dict[int, list[Finding]] = {}
    for finding in findings:
        if finding.state not in (State.BROKEN, State.WEAK):
            continue
        causes = [
            number
            for number, root in enumerate(roots)
            if root.link in explains[finding.link] and _related(root, finding)
        ]
        if causes:
            followers[causes[0]].append(finding)
        elif finding.state is State.WEAK:
            weak.append(finding)
        else:
            root = _of_before(finding) if _has_passed(finding, findings) else finding
            # An object that several stores lean on is one cause.
            same = [number for number, other in enumerate(roots) if replace(other, scope=root.scope) == root]
            if same:
                roots[same[0]] = replace(root, scope=_joined(root.scope, roots[same[0]].scope))
            else:
                followers[len(roots)] = []
                roots.append(root)
    return Verdict(
        tuple(Root(root, tuple(followers[number])) for number, root in enumerate(roots)),
        tuple(weak),
        tuple(finding for finding in findings if finding.state is State.UNKNOWN),
    )


def _explaining(links: Sequence[Link]) -> dict[str, set[str]]:
    """Link -> all links that it needs, over any number of steps. Links stand after what they need."""
    reach: dict[str, set[str]] = {}
    for link in links:
        reach[link.name] = {*link.needs, *(far for near in link.needs for far in reach[near])}
    return reach


def _has_passed(complaint: Finding, findings: Sequence[Finding]) -> bool:
    """Whether every link that looks at what the operator has complained of holds by now."""
    states = {
        link: {other.state for other in findings if other.link == link and _related(other, complaint)}
        for link in complaint.seen_by
    }
    return bool(states) and all(seen == {State.WHOLE} for seen in states.values())


def _of_before(complaint: Finding) -> Finding:
    return replace(
        complaint,
        cause="the operator waits before it tries again: what it failed for holds now, as far as can be seen "
        f"from here (it was: {complaint.cause})",
        cure=f"python -m doctor --fix lets it try at once; if it fails again: {complaint.cure}",
    )


def _joined(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    """Join two scopes, of which an empty one means all stores."""
    return one | other if one and other else frozenset()


def _related(one: Finding, other: Finding) -> bool:
    return not one.scope or not other.scope or bool(one.scope & other.scope)
