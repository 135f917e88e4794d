"""The content-addressed store of artefacts below the user's cache folder.

An artefact lives in ``<cache>/<name>-<key>``. It is made in ``….partial`` and renamed when it is whole: a
folder with its final name is always good, and a run that was stopped leaves only what the next one wipes.
What is dear to make again (compiled packages, downloads) stays in the caches of Go, uv and npm.
"""

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from toolchain import locking, paths
from toolchain.artefact import Artefact, Build, Found
from toolchain.console import step
from toolchain.errors import UnknownArtefactError, UnusableCacheError

__all__ = ["Entry", "Store"]

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


class Store:
    """The artefacts of one catalogue, on the machine or in the cache."""

    def __init__(self, artefacts: Mapping[str, Artefact]) -> None:
        self._artefacts = artefacts
        self._keys: dict[str, str] = {}
        self._found: dict[str, Found | None] = {}

    def ensure(self, name: str) -> Path:
        """Return the path of an artefact, and make it first if need be.

        Parameters
        ----------
        name
            A name of the catalogue.

        Returns
        -------
        Path
            The file or folder that the artefact's `path` names.

        Raises
        ------
        UserError
            It can't be made here.
        """
        artefact = self._artefact(name)
        if found := self._found_on_machine(artefact):
            return found.path
        return self._stored(artefact) or self._make(artefact)

    def entries(self, names: Iterable[str]) -> Iterator[Entry]:
        """Tell of artefacts where they come from; nothing is made."""
        for name in names:
            artefact = self._artefact(name)
            if found := self._found_on_machine(artefact):
                yield Entry(name, found.version, "machine", found.path)
            elif stored := self._stored(artefact):
                size_bytes = _size_bytes(self._folder(artefact))
                yield Entry(name, artefact.version, artefact.origin, stored, size_bytes)
            else:
                yield Entry(name, artefact.version, "not yet")

    def clean(self) -> list[Path]:
        """Delete artefacts of earlier versions and what stopped builds left; return what was deleted.

        What another run works on is left alone.
        """
        current = {self._folder(artefact) for artefact in self._artefacts.values()}
        deleted = []
        for folder in sorted(paths.cache_folder().glob("*")):
            match = ARTEFACT_FOLDER.fullmatch(folder.name)
            if match is None or folder in current:
                continue
            with locking.attempt(match["name"]) as held:
                if held:
                    shutil.rmtree(folder)
                    deleted.append(folder)
        return deleted

    def _artefact(self, name: str) -> Artefact:
        try:
            return self._artefacts[name]
        except KeyError:
            raise UnknownArtefactError(name, self._artefacts) from None

    def _found_on_machine(self, artefact: Artefact) -> Found | None:
        if artefact.name not in self._found:
            self._found[artefact.name] = artefact.found_on_machine()
        return self._found[artefact.name]

    def _key(self, name: str) -> str:
        if name not in self._keys:
            self._keys[name] = self._artefact(name).key(self._key)
        return self._keys[name]

    def _folder(self, artefact: Artefact) -> Path:
        return paths.cache_folder() / f"{artefact.name}-{self._key(artefact.name)}"

    def _stored(self, artefact: Artefact) -> Path | None:
        folder = self._folder(artefact)
        return folder / artefact.path if folder.is_dir() else None

    def _make(self, artefact: Artefact) -> Path:
        # Before the lock is taken, so that no run holds the lock of one artefact while it waits for another.
        needed = {name: self.ensure(name) for name in (*artefact.tools, *artefact.parts)}
        try:
            with locking.exclusive(artefact.name) as lock:
                # Another run may have made it while this one waited.
                return self._stored(artefact) or self._build(artefact, needed, lock)
        except OSError as error:
            raise UnusableCacheError(artefact.name, error) from error

    def _build(self, artefact: Artefact, needed: Mapping[str, Path], lock: int) -> Path:
        folder = self._folder(artefact)
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
