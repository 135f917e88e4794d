"""A folder with one file an object: what is ours in it is told from the rest by its first line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gitops.errors import FolderError
from gitops.objects import Object

__all__ = ["Change", "apply_changes", "changes"]

_FIRST = ("apiVersion", "kind", "metadata")
_BASE: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_BASE):  # type: ignore[misc]  # of the two that there may be
    """Writes texts of several lines as they read."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True  # an alias would be one more thing to read


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


@dataclass(frozen=True)
class Change:
    """What becomes of one file.

    Attributes
    ----------
    kind
        `create`, `update` or `remove`.
    path
        Below the folder.
    content
        Of the file; None if it is removed.
    """

    kind: str
    path: str
    content: str | None


def changes(folder: Path, objects: Sequence[Object], stack: str, *, complete: bool) -> list[Change]:
    """Compare a folder with the objects that shall stand in it.

    Files of others are left alone, whatever they are called.

    Parameters
    ----------
    stack
        Whose objects they are.
    complete
        Whether these are all of them, so that what else stands there of the stack is removed.

    Raises
    ------
    FolderError
        If a file of somebody else has the name of one of ours, or the folder can't be read.
    """
    mark = _mark(stack)
    wanted = {each.path: f"{mark}\n{_yaml(each.document)}" for each in objects}
    found = dict(_ours(folder, mark))
    foreign = [path for path in wanted if path not in found and (folder / path).exists()]
    if foreign:
        raise FolderError(
            *(
                f"{folder / path}: is not of this command, which begins its files with {mark!r}"
                for path in foreign
            )
        )
    written = [
        Change("update" if path in found else "create", path, content)
        for path, content in wanted.items()
        if found.get(path) != content
    ]
    removed = [Change("remove", path, None) for path in found if complete and path not in wanted]
    return sorted([*written, *removed], key=lambda change: change.path)


def apply_changes(folder: Path, made: Sequence[Change]) -> None:
    """Make the changes, each file at once or not at all: an interruption leaves whole files.

    Raises
    ------
    FolderError
        If a file can't be written.
    """
    try:
        for change in made:
            file = folder / change.path
            if change.content is None:
                file.unlink(missing_ok=True)
                _remove_if_empty(file.parent, folder)
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                unfinished = file.with_name(f".{file.name}.unfinished")
                unfinished.write_text(change.content, encoding="utf-8")
                unfinished.replace(file)
    except OSError as error:
        raise FolderError(f"{error.filename or folder}: can't be written: {error.strerror}") from None


def _mark(stack: str) -> str:
    return f"# Rendered by `python -m gitops` from the stack {stack}; changes are overwritten."


def _ours(folder: Path, mark: str) -> Iterator[tuple[str, str]]:
    """Give our files and what stands in them."""
    try:
        if folder.exists() and not folder.is_dir():
            raise FolderError(f"{folder}: is no folder")
        for file in sorted(folder.glob("*/*.yaml")):
            content = file.read_text(encoding="utf-8", errors="replace")
            if content.partition("\n")[0] == mark:
                yield file.relative_to(folder).as_posix(), content
    except OSError as error:
        raise FolderError(f"{error.filename or folder}: can't be read: {error.strerror}") from None


def _remove_if_empty(inner: Path, folder: Path) -> None:
    if inner != folder and not any(inner.iterdir()):
        inner.rmdir()


def _yaml(document: Mapping[str, Any]) -> str:
    """Write the same object the same way each time, beginning with what it is."""
    order = [*_FIRST, *sorted(document.keys() - set(_FIRST))]
    top = {name: _sorted(document[name]) for name in order}
    text: str = yaml.dump(top, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text


def _sorted(value: Any) -> Any:
    match value:
        case dict():
            return {name: _sorted(value[name]) for name in sorted(value)}
        case list():
            return [_sorted(item) for item in value]
    return value
