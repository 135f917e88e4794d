"""The verdict as a person reads it, and as a program does."""

import json
from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from doctor.model import Finding, Link, State
from doctor.verdict import Verdict

__all__ = ["as_json", "print_advice", "print_table", "print_verdict"]

_NARROW = 100  # columns, below which a table with four of them is hard to read
_COLOURS = {State.WHOLE: "green", State.WEAK: "yellow", State.BROKEN: "red", State.UNKNOWN: "cyan"}


def print_verdict(console: Console, verdict: Verdict, looked_at: int, seconds: float) -> None:
    """Print the cause first, then what follows from it."""
    for root in verdict.roots:
        _print_finding(console, ("BROKEN ", "bold red"), root.finding)
        if root.followers:
            _print_below(console, "what follows from it:")
        for follower in root.followers:
            _print_below(console, f"{follower.subject}: {follower.cause}", indent=4)
    for finding in verdict.weak:
        _print_finding(console, ("WEAK ", "bold yellow"), finding)
    for cure, lacks in _grouped(verdict.unknown).items():
        for evidence, subjects in lacks.items():
            console.print(Text.assemble(("UNKNOWN ", "bold cyan"), evidence))
            _print_below(console, f"not looked at: {', '.join(subjects)}")
        if cure:
            _print_below(console, f"cure: {cure}")
    if not (verdict.roots or verdict.weak or verdict.unknown):
        console.print(
            Text.assemble(("WHOLE ", "bold green"), f"every link holds ({looked_at} checks, {seconds:.1f} s)")
        )


def print_advice(console: Console, advice: Sequence[Finding]) -> None:
    """Print what could hold better, after the verdict and apart from it."""
    for finding in advice:
        if finding.state is State.WEAK:
            _print_finding(console, ("ADVICE ", "bold blue"), finding)
        elif finding.state is State.UNKNOWN:
            console.print(Text.assemble(("ADVICE ", "bold blue"), f"not looked at: {finding.evidence}"))


def _print_finding(console: Console, word: tuple[str, str], finding: Finding) -> None:
    console.print(Text.assemble(word, f"{finding.subject}: {finding.cause}"))
    _print_below(console, f"seen: {finding.evidence}")
    _print_below(console, f"cure: {finding.cure}")


def _print_below(console: Console, line: str, indent: int = 2) -> None:
    """Print a line that belongs to the one above, also where it is too long for the terminal."""
    console.print(Padding(Text(line), (0, 0, 0, indent), expand=False))


def print_table(console: Console, findings: Sequence[Finding], links: Sequence[Link]) -> None:
    """Print everything that was looked at, in the order of the chain."""
    titles = {link.name: link.title for link in links}
    console.print()
    if console.width < _NARROW:
        for finding in findings:
            state = (str(finding.state), _COLOURS[finding.state])
            console.print(Text.assemble(state, f" {titles[finding.link]}"))
            _print_below(console, f"{finding.subject}: {_seen(finding)}")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("link", "state", "object", "evidence"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        table.add_row(
            titles[finding.link],
            Text(str(finding.state), style=_COLOURS[finding.state]),
            Text(finding.subject),
            Text(_seen(finding)),
        )
    with console.capture() as captured:
        console.print(table)
    # The last column is padded, which is nothing that a pipe should get.
    for line in captured.get().splitlines():
        console.out(line.rstrip(), highlight=False)


def _seen(finding: Finding) -> str:
    """Say what was seen; why something couldn't be looked at stands above the table."""
    return "not looked at, see above" if finding.state is State.UNKNOWN else finding.evidence


def _grouped(findings: Sequence[Finding]) -> dict[str, dict[str, list[str]]]:
    """Say once what several links lack: cure -> what couldn't be done -> what wasn't looked at."""
    grouped: dict[str, dict[str, list[str]]] = {}
    for finding in findings:
        grouped.setdefault(finding.cure, {}).setdefault(finding.evidence, []).append(finding.subject)
    return grouped


def as_json(
    verdict: Verdict, findings: Sequence[Finding], seconds: float, advice: Sequence[Finding] | None = None
) -> str:
    """Write the same for a program; `hardening` stands in it where advice was asked for."""
    hardening = {} if advice is None else {"hardening": [_document(finding) for finding in advice]}
    return json.dumps(
        {
            "state": {0: "whole", 1: "broken", 2: "unknown"}[verdict.exit_code],
            "roots": [
                {**_document(root.finding), "followers": [_document(item) for item in root.followers]}
                for root in verdict.roots
            ],
            "findings": [_document(finding) for finding in findings],
            **hardening,
            "seconds": round(seconds, 2),
        },
        indent=2,
    )


def _document(finding: Finding) -> dict[str, str]:
    return {
        "link": finding.link,
        "state": str(finding.state),
        "subject": finding.subject,
        "evidence": finding.evidence,
        "cause": finding.cause,
        "cure": finding.cure,
    }
