"""Programs in Go, built from modules whose versions and checksums are committed."""

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from toolchain import command, paths
from toolchain.artefact import Artefact, Build, Found
from toolchain.errors import ChecksumError
from toolchain.kinds.python import PythonTree

__all__ = ["MODULES", "ExternalSecretsOperator", "GoBinary", "GoSources", "GoToolchain", "go_environment"]

MODULES = paths.SOURCES / "modules"


@dataclass(frozen=True, kw_only=True)
class GoToolchain(PythonTree):
    """The Go compiler: the machine's, or the one that a Python package carries."""

    minimum: tuple[int, int]

    def found_on_machine(self) -> Found | None:
        root, _, version = (command.answer_of(["go", "env", "GOROOT", "GOVERSION"]) or "").partition("\n")
        match = re.match(r"go(\d+)\.(\d+)", version)
        if match is None or (int(match[1]), int(match[2])) < self.minimum:
            return None
        return Found(Path(root), version.removeprefix("go"))


@dataclass(frozen=True, kw_only=True)
class GoBinary(Artefact):
    """One static program."""

    module: str
    """Folder below ``modules/`` with go.mod and go.sum."""
    program: str
    """File name of what is built."""
    package: str = "."
    """Import path of the main package."""
    stamps: tuple[tuple[str, str], ...] = ()
    """Variables that the linker sets: how each program learns its own version."""

    @property
    def tools(self) -> Sequence[str]:
        return ("go",)

    @property
    def sources(self) -> Sequence[Path]:
        return (MODULES / self.module,)

    def build(self, build: Build) -> None:
        self.compile(build, MODULES / self.module, build.folder / self.program)

    def compile(self, build: Build, module: Path, output: Path, *extra: str | Path) -> None:
        """Compile and link `package` as it is seen from the folder `module`."""
        stamps = "".join(f" -X {variable}={value}" for variable, value in self.stamps)
        # -v names each package when it is compiled: the only sign of life of a build of ten minutes.
        words = ["build", "-v", *extra, "-ldflags", f"-s -w{stamps}", "-o", output, self.package]
        build.run(build.needed["go"] / "bin" / "go", *words, cwd=module, env=go_environment())


@dataclass(frozen=True, kw_only=True)
class ExternalSecretsOperator(GoBinary):
    """The External Secrets Operator with the Vault provider only, and its custom resource definitions.

    The operator registers its providers by two files of imports, which pull in the SDKs of some forty clouds.
    ``go build -overlay`` swaps those two; nothing else of the module is touched. Go refuses an overlay of
    paths below its module cache, hence the link to the module's folder, by which go.mod replaces it.
    """

    operator: str
    """Module path of the operator."""
    checksum: str
    """Its line of the checksum database: a module that is replaced by a folder has none in go.sum."""
    overlay: tuple[tuple[str, str], ...]
    """Which file of the module is replaced by which of ``overlay/``."""
    definitions: str
    """Pattern of the custom resource definitions in the module."""

    def build(self, build: Build) -> None:
        work = build.folder / "work"
        shutil.copytree(MODULES / self.module, work)
        (work / "operator").symlink_to(_downloaded(build, f"{self.operator}@v{self.version}", self.checksum))
        replaced = {str(work / "operator" / old): str(work / "overlay" / new) for old, new in self.overlay}
        (work / "overlay.json").write_text(json.dumps({"Replace": replaced}))

        self.compile(build, work, build.folder / self.program, "-overlay", "overlay.json")

        crds = build.folder / "crds"
        crds.mkdir()
        for definition in sorted((work / "operator").glob(self.definitions)):
            shutil.copyfile(definition, crds / definition.name)
        shutil.rmtree(work)


@dataclass(frozen=True, kw_only=True)
class GoSources(Artefact):
    """Files of a module, to be read."""

    module: str
    """Its path."""
    checksum: str
    """Its line of the checksum database."""
    files: tuple[str, ...]
    """What is taken of it."""

    @property
    def tools(self) -> Sequence[str]:
        return ("go",)

    def build(self, build: Build) -> None:
        module = _downloaded(build, f"{self.module}@v{self.version}", self.checksum)
        for file in self.files:
            shutil.copyfile(module / file, build.folder / Path(file).name)


def _downloaded(build: Build, wanted: str, checksum: str) -> Path:
    go = build.needed["go"] / "bin" / "go"
    # Outside of any module, or Go would look for the folder by which go.mod replaces this one.
    outside = Path("/")
    build.run(go, "mod", "download", wanted, cwd=outside, env=go_environment())
    module = json.loads(command.answer_of([go, "mod", "download", "-json", wanted], cwd=outside) or "{}")
    if module.get("Sum") != checksum:
        raise ChecksumError(f"The Go module {wanted}", checksum, module.get("Sum", "none"))
    return Path(module["Dir"])


def go_environment() -> dict[str, str]:
    """Return the variables of a build that depends on nothing but what is committed.

    The user's own module and build caches are used, so that an interrupted build goes on where it was.
    """
    return {
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=readonly -buildvcs=false -trimpath",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
