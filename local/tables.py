"""Plain tables that a terminal, a pipe and a log show alike."""

from collections.abc import Iterable, Sequence

__all__ = ["aligned"]


def aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return rows as lines of text with aligned columns."""
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
