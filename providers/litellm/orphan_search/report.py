"""What was found, as a table for people or as JSON for programs. Neither shows a secret."""

import json
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from providers.litellm.orphan_search.findings import Finding, Verdict
from providers.litellm.orphan_search.search import Report

__all__ = ["as_json", "print_tables"]

_TITLES = {
    Verdict.ORPHAN: "Orphans: in no state",
    Verdict.EXPIRING: "Expiring: predecessors, which end by themselves",
    Verdict.ADOPTED: "Adopted: in no state, and to be given back to who made them",
    Verdict.DEAD: "Dead: in the state and in Vault, and at no gateway",
}


def print_tables(console: Console, report: Report) -> None:
    """Print a table for each verdict that was given."""
    for verdict, title in _TITLES.items():
        if findings := report.those(verdict):
            console.print(_table(title, findings))


def _table(title: str, findings: list[Finding]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in ("what", "where", "alias", "hash", "used", "spend", "created", "why"):
        table.add_column(column, overflow="fold", no_wrap=column in ("hash", "created"))
    for finding in findings:
        cells = (
            "key" if finding.gateway else "value in Vault",
            "\n".join(_places(finding)),
            finding.alias or "-",
            f"{finding.token_id[:12]}…",
            "yes" if finding.used else "no",
            f"{finding.spend:g} USD",
            (finding.created or "-")[:10],
            finding.why,
        )
        table.add_row(*map(escape, cells))
    return table


def _places(finding: Finding) -> Iterator[str]:
    if finding.gateway:
        yield finding.gateway
    if finding.place:
        yield f"{finding.place.path} in Vault"


def as_json(report: Report, done: list[Finding]) -> str:
    """Write everything as one document, with what has been removed or given back."""
    return json.dumps(
        {
            "project": report.project,
            "stack": report.stack,
            "findings": [_document(finding, finding in done) for finding in report.findings],
            "unchecked": report.unchecked,
        },
        indent=2,
        ensure_ascii=False,
    )


def _document(finding: Finding, is_done: bool) -> dict[str, Any]:
    return {
        "verdict": str(finding.verdict),
        "alias": finding.alias,
        "token_id": finding.token_id,
        "gateway": finding.gateway,
        "vault_path": str(finding.place.path) if finding.place else None,
        "used": finding.used,
        "spend": finding.spend,
        "created": finding.created,
        "why": finding.why,
        "removed": is_done and finding.verdict is Verdict.ORPHAN,
        "given_back": is_done and finding.verdict is Verdict.ADOPTED,
    }
