"""The content-addressed store of artefacts below the user's cache folder.

An artefact lives in ``<cache>/<name>-<key>``. It is made in ``….partial`` and renamed when it is whole: a
folder with its final name is always good, and a run that was stopped leaves only what the next one wipes.
What is dear to make again (compiled packages, downloads) stays in the caches of Go, uv and npm.
"""

import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from toolchain import locking, paths
from toolchain.artefact import Artefact, Build, Found
from toolchain.catalogue import ARTEFACTS
from toolchain.console import step
from toolchain.errors import UnknownArtefactError, UnusableCacheError

__all__ = ["Entry", "clean", "ensure", "entries"]

PARTIAL = ".partial"
ARTEFACT_FOLDER = re.compile(r"(?P<name>.+)-[0-9a-f]{12}(\.partial)?")


@dataclass(frozen=True)
class Entry:
    """Where one artefact comes from."""

    name: str
    version: str
    source: str
    path: Path | None = None
    size_bytes: int | None = None


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
    if found := _found(name):
        return found.path
    return _stored(artefact) or _make(artefact)


def entries(names: Iterable[str]) -> Iterator[Entry]:
    """Tell of artefacts where they come from; nothing is made."""
    for name in names:
        artefact = _artefact(name)
        if found := _found(name):
            yield Entry(name, found.version, "machine", found.path)
        elif stored := _stored(artefact):
            yield Entry(name, artefact.version, artefact.origin, stored, _size_bytes(_folder(artefact)))
        else:
            yield Entry(name, artefact.version, "not yet")


def clean(*, everything: bool) -> list[Path]:
    """Delete artefacts of earlier versions and what stopped builds left, or the whole cache.

    What another run works on is left alone.

    Returns
    -------
    list of Path
        What was deleted.
    """
    cache_folder = paths.cache_folder()
    if everything:
        deleted = sorted(cache_folder.glob("*"))
        _wipe(cache_folder)
        return deleted
    current = {_folder(artefact) for artefact in ARTEFACTS.values()}
    deleted = []
    for folder in sorted(cache_folder.glob("*")):
        match = ARTEFACT_FOLDER.fullmatch(folder.name)
        if match is None or folder in current:
            continue
        with locking.attempt(match["name"]) as held:
            if held:
                _wipe(folder)
                deleted.append(folder)
    return deleted


def _artefact(name: str) -> Artefact:
    try:
        return ARTEFACTS[name]
    except KeyError:
        raise UnknownArtefactError(name, ARTEFACTS) from None


@cache
def _found(name: str) -> Found | None:
    return _artefact(name).found_on_machine()


@cache
def _key(name: str) -> str:
    return _artefact(name).key(_key)


def _folder(artefact: Artefact) -> Path:
    return paths.cache_folder() / f"{artefact.name}-{_key(artefact.name)}"


def _stored(artefact: Artefact) -> Path | None:
    folder = _folder(artefact)
    return folder / artefact.path if folder.is_dir() else None


def _make(artefact: Artefact) -> Path:
    # Before the lock is taken, so that another run can go on with this one while the parts are made here.
    needed = {name: ensure(name) for name in (*artefact.tools, *artefact.parts)}
    try:
        with locking.exclusive(artefact.name) as lock:
            # Another run may have made it while this one waited.
            return _stored(artefact) or _build(artefact, needed, lock)
    except OSError as error:
        raise UnusableCacheError(artefact.name, error) from error


def _build(artefact: Artefact, needed: dict[str, Path], lock: int) -> Path:
    folder = _folder(artefact)
    partial = folder.with_name(folder.name + PARTIAL)
    log = paths.logs_folder() / f"{artefact.name}.log"
    _wipe(partial)
    partial.mkdir(parents=True)
    log.unlink(missing_ok=True)
    try:
        with step(f"{artefact.name} {artefact.version}") as current:
            artefact.build(Build(folder=partial, log=log, note=current.note, needed=needed, lock=lock))
    except BaseException:
        _wipe(partial)
        raise
    partial.rename(folder)
    return folder / artefact.path


def _wipe(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _size_bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
