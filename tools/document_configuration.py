"""Writes docs/configuration.md from the schema: `python -m tools.document_configuration`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic.fields import FieldInfo

from schema import NAMESPACE, Section, Settings, SharedKeySettings, TokenAuth

PAGE = Path(__file__).parents[1] / "docs" / "configuration.md"
HEAD = f"""# Configuration

Every key of a stack's configuration, below `{NAMESPACE}:`. An unknown key is an error.
Durations of Kubernetes and Vault are written `15s`, `5m`, `1h`; those of LiteLLM `30s`, `15m`, `24h`, `7d`,
`2w`, `1mo`. Budgets are in USD.
"""


SHARED = "fields of keys and templates"


def sections(annotation: Any) -> Iterator[type[Section]]:
    """Find the section classes inside an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for argument in get_args(annotation):
        yield from sections(argument)


def default_of(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is None:
        return ""
    if isinstance(field.default, Section):
        return "see below"
    return f"`{json.dumps(field.default)}`"


def table(section: type[Section], path: str) -> Iterator[str]:
    """Write one section, then the sections inside it."""
    yield f"\n## {path}\n\n{(section.__doc__ or '').strip()}\n\n"
    yield "| key | default | what it is |\n|---|---|---|\n"
    inner: list[tuple[type[Section], str]] = []
    shared = issubclass(section, SharedKeySettings) and section is not SharedKeySettings
    for name, field in section.model_fields.items():
        if shared and name in SharedKeySettings.model_fields:
            continue
        key = field.alias or name
        yield f"| `{key}` | {default_of(field)} | {field.description or ''} |\n"
        inner += [(kind, f"{path}.{key}") for kind in sections(field.annotation)]
    if shared:
        yield f"\nBesides: the [{SHARED}](#{SHARED.replace(' ', '-')}).\n"
    for kind, where in inner:
        suffix = suffix_of(kind)
        yield from table(kind, where + suffix)


def suffix_of(kind: type[Section]) -> str:
    """Tell sections apart that may stand in the same place."""
    if kind is TokenAuth:
        return " (method: token)"
    mode = kind.model_fields.get("mode")
    return f" (mode: {get_args(mode.annotation)[0]})" if mode else ""


def page() -> str:
    body: list[str] = []
    for name, field in Settings.model_fields.items():
        for kind in sections(field.annotation):
            body += table(kind, field.alias or name)
    body += table(SharedKeySettings, SHARED)
    return HEAD + "".join(body)


if __name__ == "__main__":
    PAGE.write_text(page())
