"""Writes the tables of docs/virtual-key.md: `python -m tools.document_virtual_key`. The rest is by hand."""

from collections.abc import Callable, Iterator
from pathlib import Path

from providers.litellm.fields import GROUPS, SEEN_WITH, Clearing, Field, Stored
from providers.litellm.own_inputs import OWN_INPUTS, OnChange
from providers.litellm.ownership import OWN_METADATA

PAGE = Path(__file__).parents[1] / "docs" / "virtual-key.md"

_RETURNED = {
    Stored.ROW: "`info.{api}`",
    Stored.METADATA: "`info.metadata.{api}`",
    Stored.USER_METADATA: "`info.metadata`, without our marks and the gateway's own",
    Stored.BUDGET_ROW: "`info.litellm_budget_table.{api}`",
    Stored.EXPIRES: "`info.expires` alone",
    Stored.NOWHERE: "nowhere",
}
_CLEARED = {
    Clearing.NULL: "`null`",
    Clearing.EMPTY: "`{empty}`",
    Clearing.MEMBERS: "each member emptied",
    Clearing.METADATA: "the whole `metadata` without it",
    Clearing.REPLACE: "a new key",
    Clearing.NEVER: "never: only a start value",
}


def versions() -> Iterator[str]:
    yield f"Seen with LiteLLM {', '.join(SEEN_WITH)}, without a licence.\n"


def marks() -> Iterator[str]:
    yield f"`{'`, `'.join(sorted(OWN_METADATA))}`\n"


def own_inputs() -> Iterator[str]:
    yield "| name | takes | left out | a change is | what it is for |\n|---|---|---|---|---|\n"
    for own in OWN_INPUTS:
        if not own.ours:
            change = "a new key" if own.on_change is OnChange.REPLACE else "no new key"
            yield f"| `{own.name}` | {own.takes} | {own.left_out} | {change} | {own.about} |\n"


def fields() -> Iterator[str]:
    for title, group in GROUPS.items():
        yield f"\n### {title}\n\n"
        yield "| name | type, unit | left out | cleared by | returned in | compared | notes |\n"
        yield "|---|---|---|---|---|---|---|\n"
        for field in group:
            yield f"| {' | '.join(_row(field))} |\n"


def _row(field: Field) -> Iterator[str]:
    yield f"`{field.name}`" + (f" (API: `{field.renamed}`)" if field.renamed else "")
    yield field.kind.expected + (f"; {field.unit}" if field.unit else "")
    yield field.left_out or "not set"
    yield _CLEARED[field.clearing].format(empty=field.kind.empty)
    yield _RETURNED[field.stored].format(api=field.api)
    yield _compared(field)
    yield "; ".join(_notes(field))


def _compared(field: Field) -> str:
    if field.stored is Stored.NOWHERE:
        return "not at all"
    if field.stored is Stored.EXPIRES:
        return "by its text; drift is an expiry that moved"
    return field.kind.compared


def _notes(field: Field) -> Iterator[str]:
    if field.about:
        yield field.about
    if field.nothing_at_zero:
        yield "0 allows nothing"
    if field.replaces:
        yield "a change is a new key"
    if field.by_metadata:
        yield "sent inside of `metadata`"
    if field.licensed:
        yield "**licensed gateways only**"


TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "versions": versions,
    "marks": marks,
    "own inputs": own_inputs,
    "fields": fields,
}


def page(text: str) -> str:
    """Put the tables of now into the text of a page, each between its two marks."""
    for name, table in TABLES.items():
        begin, end = f"<!-- generated: {name} -->", "<!-- end -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"the page has no {begin} with its {end}")
        text = f"{before}{begin}\n\n{''.join(table()).strip()}\n\n{end}{after}"
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
