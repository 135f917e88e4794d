"""The objects in a text of YAML, for the SDK's ``ConfigFile`` and ``ConfigGroup``."""

import json
import re
from typing import Any

import yaml

from toolchain.plugins.errors import PluginError
from toolchain.plugins.values import Document

__all__ = ["ManifestError", "objects_in"]


class ManifestError(PluginError):
    """A text that is no YAML, or holds what is no object of a cluster."""


class _Loader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it: a date is a string, and ``22:22`` isn't a number to the base of sixty."""


_INTEGER = re.compile(r"[-+]?(?:0x[0-9a-fA-F_]+|0b[01_]+|0[0-7_]*|[1-9][0-9_]*)$")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$")
_READ_DIFFERENTLY = {f"tag:yaml.org,2002:{name}" for name in ("timestamp", "int", "float")}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _READ_DIFFERENTLY]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _INTEGER, list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))


def objects_in(text: str) -> list[Document]:
    """Return the objects of all documents in the text; those of a ``List`` one by one."""
    try:
        documents = list(yaml.load_all(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        place = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ManifestError(f"The manifest isn't YAML{place}: {error.problem}.") from error
    return [found for document in documents if document for found in _flattened(_as_json(document))]


def _flattened(document: Any) -> list[Document]:
    if not isinstance(document, dict) or "kind" not in document:
        raise ManifestError(
            "The manifest holds a document without a kind: each has to be an object of a cluster."
        )
    if document["kind"].endswith("List") and isinstance(document.get("items"), list):
        return [found for item in document["items"] for found in _flattened(item)]
    return [document]


def _as_json(value: Any) -> Any:
    """Return the value with keys as strings: ``8080: x`` and ``on: x`` are objects too."""
    if isinstance(value, dict):
        return {
            key if isinstance(key, str) else json.dumps(key): _as_json(item) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    return value
