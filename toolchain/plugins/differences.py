"""What differs between two documents, path by path."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from toolchain.plugins.values import Document

__all__ = ["Change", "Difference", "Path", "differences", "dotted", "is_ignored"]

Path = tuple[str | int, ...]
"""The steps from a document to a value in it: keys of objects, positions in lists."""

_PLAIN_KEY = re.compile(r"[A-Za-z_$][\w$]*")


class Change(StrEnum):
    """How a value changed; the names are those of the protocol."""

    ADD = "ADD"
    DELETE = "DELETE"
    UPDATE = "UPDATE"


@dataclass(frozen=True)
class Difference:
    """One value that is not the same in both documents."""

    path: Path
    change: Change


def differences(old: Document, new: Document) -> list[Difference]:
    """List the leaves that differ; a missing value and None are the same."""
    return list(_differences(old, new, ()))


def _differences(old: Any, new: Any, path: Path) -> Iterator[Difference]:
    match old, new:
        case Mapping(), Mapping():
            for key in sorted({*old, *new}):
                yield from _differences(old.get(key), new.get(key), (*path, key))
        case list(), list():
            for position in range(max(len(old), len(new))):
                yield from _differences(_at(old, position), _at(new, position), (*path, position))
        case None, None:
            return
        case None, _:
            yield Difference(path, Change.ADD)
        case _, None:
            yield Difference(path, Change.DELETE)
        case _ if old != new:
            yield Difference(path, Change.UPDATE)


def _at(items: Sequence[Any], position: int) -> Any:
    return items[position] if position < len(items) else None


def dotted(path: Path) -> str:
    """Write a path as the engine does: ``spec.template.containers[0]["odd.key"]``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            escaped = step.replace('"', '\\"')
            text += f'["{escaped}"]'
    return text


def is_ignored(path: Path, ignored: Sequence[str]) -> bool:
    """Tell whether `path` is one of the `ignored` property paths (``ignoreChanges``) or lies below one."""
    text = dotted(path)
    return any(text == prefix or text.startswith((f"{prefix}.", f"{prefix}[")) for prefix in ignored)
