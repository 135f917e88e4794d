"""Strict templates: every placeholder has a value, and every value has a placeholder.

A placeholder is ``${name}`` in lower case; a shell's ``$NAME`` is left alone.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

__all__ = ["TemplateError", "fill", "load_documents"]

PLACEHOLDER = re.compile(r"\$\{([a-z][a-z0-9_]*)\}")


class TemplateError(Exception):
    """A template and its values don't fit together: a mistake in this program, not of its user."""

    def __init__(self, source: str, problem: str, names: set[str]) -> None:
        super().__init__(f"{source}: {problem}: {', '.join(sorted(names))}")


def fill(source: str, text: str, values: Mapping[str, Any]) -> str:
    """Put values in the place of the placeholders of a text.

    Raises
    ------
    TemplateError
        A placeholder has no value, or a value has no placeholder.
    """
    _compare(source, set(PLACEHOLDER.findall(text)), values)
    return PLACEHOLDER.sub(lambda match: str(values[match[1]]), text)


def load_documents(file: Path, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Read a file of YAML documents and put values in the place of the placeholders in its strings.

    The file is parsed first, so a value can't change its structure. A string that is nothing but one
    placeholder becomes the value itself, of whatever type.

    Raises
    ------
    TemplateError
        A placeholder has no value, or a value has no placeholder.
    """
    documents = [document for document in yaml.load_all(file.read_bytes(), yaml.CSafeLoader) if document]
    names = {
        name for document in documents for text in _strings(document) for name in PLACEHOLDER.findall(text)
    }
    _compare(file.name, names, values)
    return [_filled(document, values) for document in documents]


def _compare(source: str, placeholders: set[str], values: Mapping[str, Any]) -> None:
    if missing := placeholders - values.keys():
        raise TemplateError(source, "no value for", missing)
    if unused := values.keys() - placeholders:
        raise TemplateError(source, "no placeholder for", unused)


def _strings(node: Any) -> Iterator[str]:
    match node:
        case dict():
            for value in node.values():
                yield from _strings(value)
        case list():
            for value in node:
                yield from _strings(value)
        case str():
            yield node


def _filled(node: Any, values: Mapping[str, Any]) -> Any:
    match node:
        case dict():
            return {key: _filled(value, values) for key, value in node.items()}
        case list():
            return [_filled(value, values) for value in node]
        case str():
            if whole := PLACEHOLDER.fullmatch(node):
                return values[whole[1]]
            return PLACEHOLDER.sub(lambda match: str(values[match[1]]), node)
        case _:
            return node
