"""The content-addressed store of artefacts below the user's cache folder.

An artefact lives in ``<cache>/<name>-<key>``. It is made in ``….partial`` and renamed when it is whole, so a folder
with its final name is always good, and a run that was stopped leaves only what the next one wipes.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from toolchain import locking, paths
from toolchain.artefact import Artefact, Build
from toolchain.catalogue import ARTEFACTS
from toolchain.console import step
from toolchain.errors import UnknownArtefactError

__all__ = ["Entry", "clean", "ensure", "entries"]

PARTIAL = ".partial"


@dataclass(frozen=True)
class Entry:
    """One line of the list of artefacts."""

    artefact: Artefact
    source: str
    path: Path | None
    size_bytes: int | None


def ensure(name: str) -> Path:
    """Return the path of an artefact, and make it first if need be.

    Parameters
    ----------
    name
        A name of `toolchain.catalogue.ARTEFACTS`.

    Returns
    -------
    Path
        The file or folder that the artefact's `path` names.

    Raises
    ------
    UserError
        It can't be made here.
    """
    artefact = _artefact(name)
    ready = artefact.found_on_machine() or _stored(artefact)
    return ready or _make(artefact)


def entries() -> Iterator[Entry]:
    """Tell of each artefact where it comes from; nothing is made."""
    for artefact in ARTEFACTS.values():
        if found := artefact.found_on_machine():
            yield Entry(artefact, "machine", found, None)
        elif stored := _stored(artefact):
            yield Entry(artefact, artefact.origin, stored, _size_bytes(_folder(artefact)))
        else:
            yield Entry(artefact, "not yet", None, None)


def clean(*, everything: bool) -> list[Path]:
    """Delete what no artefact of today's catalogue is made of, or the whole cache; return what was deleted."""
    if everything:
        doomed = list(paths.cache_folder().glob("*"))
    else:
        current = {_folder(artefact) for artefact in ARTEFACTS.values()}
        doomed = [folder for folder in _artefact_folders() if folder not in current]
    for path in doomed:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return doomed


def _artefact(name: str) -> Artefact:
    try:
        return ARTEFACTS[name]
    except KeyError:
        raise UnknownArtefactError(name, ARTEFACTS) from None


@cache
def _key(name: str) -> str:
    return _artefact(name).key(_key)


def _folder(artefact: Artefact) -> Path:
    return paths.cache_folder() / f"{artefact.name}-{_key(artefact.name)}"


def _stored(artefact: Artefact) -> Path | None:
    folder = _folder(artefact)
    return folder / artefact.path if folder.is_dir() else None


def _make(artefact: Artefact) -> Path:
    needed = {name: ensure(name) for name in (*artefact.tools, *artefact.parts)}
    folder = _folder(artefact)
    with locking.exclusive(artefact.name):
        # Another run may have made it while this one waited.
        if stored := _stored(artefact):
            return stored
        partial = folder.with_name(folder.name + PARTIAL)
        _wipe(partial)
        partial.mkdir(parents=True)
        log = paths.logs_folder() / f"{artefact.name}.log"
        log.unlink(missing_ok=True)
        try:
            with step(f"{artefact.name} {artefact.version}") as current:
                artefact.build(Build(folder=partial, log=log, note=current.note, needed=needed))
        except BaseException:
            _wipe(partial)
            raise
        partial.rename(folder)
    return folder / artefact.path


def _wipe(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _artefact_folders() -> Iterator[Path]:
    for name in ARTEFACTS:
        yield from paths.cache_folder().glob(f"{name}-*")


def _size_bytes(folder: Path) -> int:
    return sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_dir())
