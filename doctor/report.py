"""The verdict as a person reads it, and as a program does."""

import json
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from doctor.model import Finding, Link, State
from doctor.verdict import Verdict

__all__ = ["as_json", "print_advice", "print_table", "print_verdict"]

_COLOURS = {State.WHOLE: "green", State.WEAK: "yellow", State.BROKEN: "red", State.UNKNOWN: "cyan"}


def print_verdict(console: Console, verdict: Verdict, looked_at: int, seconds: float) -> None:
    """Print the cause first, then what follows from it."""
    for root in verdict.roots:
        finding = root.finding
        console.print(Text.assemble(("BROKEN ", "bold red"), f"{finding.subject}: {finding.cause}"))
        console.print(Text(f"  seen: {finding.evidence}"))
        console.print(Text(f"  cure: {finding.cure}"))
        if root.followers:
            console.print(Text("  what follows from it:"))
        for follower in root.followers:
            console.print(Text(f"    {follower.subject}: {follower.cause}"))
    for finding in verdict.weak:
        console.print(Text.assemble(("WEAK ", "bold yellow"), f"{finding.subject}: {finding.cause}"))
        console.print(Text(f"  seen: {finding.evidence}"))
        console.print(Text(f"  cure: {finding.cure}"))
    for (evidence, cure), subjects in _grouped(verdict.unknown).items():
        console.print(Text.assemble(("UNKNOWN ", "bold cyan"), evidence))
        console.print(Text(f"  not looked at: {', '.join(subjects)}"))
        if cure:
            console.print(Text(f"  cure: {cure}"))
    if not (verdict.roots or verdict.weak or verdict.unknown):
        console.print(
            Text.assemble(("WHOLE ", "bold green"), f"every link holds ({looked_at} checks, {seconds:.1f} s)")
        )


def print_advice(console: Console, advice: Sequence[Finding]) -> None:
    """Print what could hold better, after the verdict and apart from it."""
    for finding in advice:
        if finding.state is State.WEAK:
            console.print(Text.assemble(("ADVICE ", "bold blue"), f"{finding.subject}: {finding.cause}"))
            console.print(Text(f"  seen: {finding.evidence}"))
            console.print(Text(f"  cure: {finding.cure}"))
        elif finding.state is State.UNKNOWN:
            console.print(Text.assemble(("ADVICE ", "bold blue"), f"not looked at: {finding.evidence}"))


def print_table(console: Console, findings: Sequence[Finding], links: Sequence[Link]) -> None:
    """Print everything that was looked at, in the order of the chain."""
    titles = {link.name: link.title for link in links}
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("link", "state", "object", "evidence"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        table.add_row(
            titles[finding.link],
            Text(str(finding.state), style=_COLOURS[finding.state]),
            Text(finding.subject),
            Text(finding.evidence),
        )
    console.print()
    console.print(table)


def _grouped(findings: Sequence[Finding]) -> dict[tuple[str, str], list[str]]:
    """Say once what several links lack."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        grouped.setdefault((finding.evidence, finding.cure), []).append(finding.subject)
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
