"""The annotation ``pulumi.com/waitFor``: conditions that a program names itself.

It holds one expression, or a JSON list of expressions which all have to be met:

- ``condition=Ready`` or ``condition=Ready=False``: a condition in the object's status;
- ``jsonpath={.status.phase}`` or ``jsonpath={.status.phase}=Bound``: a field that is there, or has a value.
"""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from toolchain.plugins.kubernetes.verdicts import READY, Verdict, waiting
from toolchain.plugins.values import Document

__all__ = ["Condition", "WaitForError", "parse_wait_for"]

_STEP = re.compile(
    r"""
      \.(?P<name>(?:\\.|[^.\[\\])+)                       # .name, with \. for a dot in it
    | \[\s*(?P<quote>['"])(?P<key>.+?)(?P=quote)\s*\]     # ['key']
    | \[\s*(?P<position>\d+)\s*\]                         # [0]
    | \[\s*(?P<all>\*)\s*\]                               # [*]
    | \[\s*\?\(?\s*@\.(?P<field>[\w-]+)\s*==\s*           # [?(@.field=="value")]
        (?P<mark>['"])(?P<value>.*?)(?P=mark)\s*\)?\s*\]
    """,
    re.VERBOSE,
)


class WaitForError(ValueError):
    """The annotation can't be understood; its text says why."""


class Condition(ABC):
    """Something that a live object has to show."""

    @abstractmethod
    def look(self, live: Document) -> Verdict:
        """Tell whether `live` shows it."""


@dataclass(frozen=True)
class StatusCondition(Condition):
    """A condition in the object's status."""

    type: str
    status: str = "True"

    def look(self, live: Document) -> Verdict:
        found = next((each for each in _conditions(live) if each.get("type") == self.type), None)
        if found is None:
            return waiting(f"it has no condition {self.type}")
        if str(found.get("status")).lower() == self.status.lower():
            return READY
        said = ": ".join(text for text in (found.get("reason"), found.get("message")) if text)
        return waiting(f"its condition {self.type} is {found.get('status')}" + (f" ({said})" if said else ""))


@dataclass(frozen=True)
class FieldCondition(Condition):
    """A field that is there, or that holds a value."""

    path: str
    steps: tuple[dict[str, str], ...]
    value: str | None

    def look(self, live: Document) -> Verdict:
        found = list(_select([live], self.steps))
        if not found:
            return waiting(f"it has no {self.path}")
        if self.value is None or _text(found[0]) == self.value:
            return READY
        return waiting(f"its {self.path} is {_text(found[0])}")


def parse_wait_for(text: str) -> list[Condition]:
    """Return the conditions of the annotation's text.

    Raises
    ------
    WaitForError
        It isn't of the form that the module describes.
    """
    try:
        expressions = json.loads(text)
    except ValueError:
        expressions = text
    if not isinstance(expressions, list):
        expressions = [text]
    if not expressions:
        raise WaitForError("the list names no condition")
    return [_parse(str(expression)) for expression in expressions]


def _parse(expression: str) -> Condition:
    kind, _, rest = expression.partition("=")
    match kind:
        case "condition" if rest:
            name, _, status = rest.partition("=")
            return StatusCondition(name, status or "True")
        case "jsonpath":
            return _parse_path(rest)
        case _:
            raise WaitForError(f'{expression!r} begins neither with "condition=" nor with "jsonpath="')


def _parse_path(text: str) -> FieldCondition:
    found = re.fullmatch(r"(\{(?:[^{}'\"]|'[^']*'|\"[^\"]*\")*\})(?:=(.+))?", text)
    if found is None:
        raise WaitForError(f"{text!r} is not of the form {{.path}} or {{.path}}=value")
    path = found[1].strip("{} ").removeprefix("$")
    steps, end = [], 0
    while end < len(path):
        step = _STEP.match(path, end)
        if step is None:
            raise WaitForError(f"{path!r} can't be understood from {path[end:]!r} on")
        steps.append({name: part for name, part in step.groupdict().items() if part is not None})
        end = step.end()
    return FieldCondition(found[1], tuple(steps), found[2])


def _select(values: list[Any], steps: tuple[dict[str, str], ...]) -> Iterator[Any]:
    for step in steps:
        values = [selected for value in values for selected in _step(value, step)]
    yield from values


def _step(value: Any, step: dict[str, str]) -> Iterator[Any]:
    match value, step:
        case dict(), {"name": name}:
            key = name.replace("\\.", ".")
            yield from [value[key]] if key in value else []
        case dict(), {"key": key}:
            yield from [value[key]] if key in value else []
        case list(), {"position": position}:
            yield from value[int(position) : int(position) + 1]
        case list(), {"all": _}:
            yield from value
        case list(), {"field": field, "value": wanted}:
            yield from (each for each in value if isinstance(each, dict) and _text(each.get(field)) == wanted)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _conditions(live: Document) -> list[Document]:
    return (live.get("status") or {}).get("conditions") or []
