"""What an artefact is: how the machine's own is found, what its content depends on, and how it is made."""

import dataclasses
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from toolchain import command, paths
from toolchain.command import Word

__all__ = ["Artefact", "Build", "Found"]

KEY_LENGTH = 12


@dataclass(frozen=True)
class Found:
    """The machine's own of an artefact."""

    path: Path
    version: str


@dataclass(frozen=True)
class Build:
    """What the making of one artefact may use."""

    folder: Path
    """Empty folder to be filled; it becomes the artefact."""
    log: Path
    note: Callable[[str], None]
    """Shows the user what the build is at."""
    needed: Mapping[str, Path]
    """Ready paths of the artefact's parts and tools, by name."""
    lock: int | None = None

    def run(self, *words: Word, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> None:
        """Run a command in `folder`, or in `cwd`, with variables on top of this process's own."""
        command.run(words, log=self.log, cwd=cwd or self.folder, env=env, note=self.note, lock=self.lock)


@dataclass(frozen=True, kw_only=True)
class Artefact(ABC):
    """One thing that the toolchain provides. All fields of a kind are part of the artefact's key."""

    recipe: ClassVar[int] = 1
    """To be raised when a change of `build` changes what it makes."""
    origin: ClassVar[str] = "built"
    """How the list of artefacts names the source of what `build` makes."""

    name: str
    version: str
    path: str = "."
    """What `ensure` returns, relative to the artefact's folder."""

    @property
    def parts(self) -> Sequence[str]:
        """Names of the artefacts whose content goes into this one."""
        return ()

    @property
    def tools(self) -> Sequence[str]:
        """Names of the artefacts that make this one; any good version of them makes the same."""
        return ()

    @property
    def sources(self) -> Sequence[Path]:
        """Files and folders of the toolchain's own that go into this one."""
        return ()

    def found_on_machine(self) -> Found | None:
        """Return the machine's own, where it has one in a good version."""
        return None

    @abstractmethod
    def build(self, build: Build) -> None:
        """Fill `build.folder`."""

    def key(self, key_of_part: Callable[[str], str]) -> str:
        """Return a digest of everything that the content depends on; it stands in the folder's name."""
        recipe = {
            "kind": type(self).__name__,
            "recipe": self.recipe,
            "fields": dataclasses.asdict(self),
            "parts": {name: key_of_part(name) for name in self.parts},
            "sources": {file.relative_to(paths.SOURCES).as_posix(): _digest(file) for file in self._files()},
        }
        text = json.dumps(recipe, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]

    def _files(self) -> list[Path]:
        files: list[Path] = []
        for source in self.sources:
            files += (
                sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
            )
        return files


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
