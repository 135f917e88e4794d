"""Files with CustomResourceDefinitions: a release's bundle, or a folder with a file each."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from providers.errors import ProviderError
from providers.kubernetes.objects import DEFINITION

__all__ = ["DefinitionFileError", "digest", "read_definitions"]

_SUFFIXES = ("*.yaml", "*.yml")
_CONVERTED = {"strategy": "None"}


class DefinitionFileError(ProviderError):
    """A file can't be read, or isn't what it shall be."""


def digest(paths: Iterable[str]) -> str:
    """Give the SHA-256 of the files' contents, which no longer name or other place changes.

    Raises
    ------
    DefinitionFileError
        If one can't be read.
    """
    return hashlib.sha256(b"\n---\n".join(_contents(paths))).hexdigest()


def read_definitions(paths: Sequence[str]) -> list[dict[str, Any]]:
    """Read the CustomResourceDefinitions of some files; whatever else a bundle holds is left out.

    A webhook that converts versions is left out too: nobody answers it where the operator runs without its
    webhook, and the API server would ask it in vain for each object.

    Parameters
    ----------
    paths
        Files, or folders of files that end in `.yaml`.

    Raises
    ------
    DefinitionFileError
        If one can't be read, or if they hold no definition, or one twice.
    """
    found: dict[str, dict[str, Any]] = {}
    for document in _documents(paths):
        if document.get("kind") != DEFINITION.name:
            continue
        name = document["metadata"]["name"]
        if name in found:
            raise DefinitionFileError(f"{', '.join(paths)}: {DEFINITION.name} {name} stands there twice")
        spec = document["spec"]
        found[name] = document | {"spec": spec | ({"conversion": _CONVERTED} if "conversion" in spec else {})}
    if not found:
        raise DefinitionFileError(f"{', '.join(paths)}: there is no {DEFINITION.name} in it")
    return [found[name] for name in sorted(found)]


def _documents(paths: Iterable[str]) -> Iterator[dict[str, Any]]:
    loader = getattr(
        yaml, "CSafeLoader", yaml.SafeLoader
    )  # megabytes: the parser in Python takes ten times as long
    for file in _files(paths):
        try:
            yield from filter(None, yaml.load_all(_read(file), loader))
        except yaml.YAMLError as error:
            raise DefinitionFileError(f"{file}: isn't YAML: {' '.join(str(error).split())}") from None


def _contents(paths: Iterable[str]) -> Iterator[bytes]:
    return (_read(file) for file in _files(paths))


def _files(paths: Iterable[str]) -> Iterator[Path]:
    for path in map(Path, paths):
        if path.is_dir():
            yield from sorted(file for suffix in _SUFFIXES for file in path.glob(suffix))
        else:
            yield path


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise DefinitionFileError(f"{file}: can't be read: {error.strerror}") from None
