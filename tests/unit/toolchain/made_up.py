"""An artefact whose making a test can follow."""

from collections.abc import Callable, Sequence
from pathlib import Path

from toolchain.artefact import Artefact, Build, Found


def write_hello(build: Build) -> None:
    (build.folder / "hello").write_text("hello")


class MadeUp(Artefact):
    """Counts its builds. What a test gives it beside `name` and `version` is not part of its key."""

    def __init__(
        self,
        *,
        name: str = "made-up",
        version: str = "1",
        build: Callable[[Build], None] = write_hello,
        parts: Sequence[str] = (),
        sources: Sequence[Path] = (),
        machine: Path | None = None,
    ) -> None:
        super().__init__(name=name, version=version, path="hello")
        self.__dict__.update(_build=build, _parts=parts, _sources=sources, _machine=machine, builds=0)

    builds: int
    _build: Callable[[Build], None]
    _parts: Sequence[str]
    _sources: Sequence[Path]
    _machine: Path | None

    @property
    def parts(self) -> Sequence[str]:
        return self._parts

    @property
    def sources(self) -> Sequence[Path]:
        return self._sources

    def found_on_machine(self) -> Found | None:
        return Found(self._machine, "9") if self._machine else None

    def build(self, build: Build) -> None:
        self.__dict__["builds"] += 1
        self._build(build)
