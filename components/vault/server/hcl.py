"""Writes HCL, as far as the configuration of a server needs it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["block"]

INDENT = "  "


def block(kind: str, *labels: str, body: Mapping[str, Any] | None = None, inner: str = "") -> str:
    """Write one block.

    Parameters
    ----------
    kind, labels
        `storage` and `raft` of `storage "raft" {`.
    body
        Its attributes: texts, numbers, truth values, lists and maps of them.
    inner
        Blocks inside it.
    """
    head = " ".join([kind, *(json.dumps(label) for label in labels)])
    lines = [*_attributes(body or {}), *inner.splitlines()]
    return "".join(f"{line}\n" for line in (f"{head} {{", *(_indented(line) for line in lines), "}"))


def _attributes(body: Mapping[str, Any]) -> Iterator[str]:
    for name, value in body.items():
        if isinstance(value, Mapping):
            yield f"{name} = {{"
            yield from (_indented(line) for line in _attributes(value))
            yield "}"
        else:
            yield f"{name} = {json.dumps(value, ensure_ascii=False)}"


def _indented(line: str) -> str:
    return f"{INDENT}{line}" if line else line
