"""The Pulumi CLI with what it needs to run Python programs.

The CLI and two launchers come from Pulumi's own Go modules. Its Python language host is in none of them: ours
(``toolchain/language_host.py``) speaks the same protocol.
"""

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from toolchain import command, paths
from toolchain.artefact import Artefact, Build, Found
from toolchain.errors import ToolMissingError
from toolchain.kinds.go import MODULES, GoBinary, go_environment

__all__ = ["PulumiCli", "PulumiForPython"]

LANGUAGE_HOST = paths.SOURCES / "language_host.py"
LANGUAGE_HOST_NAME = "pulumi-language-python"


@dataclass(frozen=True, kw_only=True)
class PulumiCli(GoBinary):
    """The CLI, beside the launchers that its SDK carries for the engine."""

    sdk: str
    """Go module of the SDK."""
    launchers: tuple[str, ...]
    """Files of that module."""

    def build(self, build: Build) -> None:
        super().build(build)
        module = MODULES / self.module
        go = build.needed["go"] / "bin" / "go"
        build.run(go, "mod", "download", self.sdk, cwd=module, env=go_environment())
        sdk = command.answer_of([go, "list", "-m", "-f", "{{.Dir}}", self.sdk], cwd=module)
        if not sdk:
            raise ToolMissingError("go", f"it can't tell where it keeps {self.sdk}")
        for launcher in self.launchers:
            _install(Path(sdk, launcher), build.folder / Path(launcher).name)


@dataclass(frozen=True, kw_only=True)
class PulumiForPython(Artefact):
    """A folder whose ``bin`` holds the CLI, the Python language host and the launchers."""

    cli: str
    """Name of the CLI's artefact."""
    minimum: tuple[int, int]
    """Oldest version that serves, if it is the machine's own."""

    @property
    def parts(self) -> Sequence[str]:
        return (self.cli,)

    @property
    def sources(self) -> Sequence[Path]:
        return (LANGUAGE_HOST,)

    def found_on_machine(self) -> Found | None:
        program = shutil.which("pulumi")
        if program is None:
            return None
        folder = Path(program).resolve().parent
        # The CLI looks for language hosts beside its own file.
        if folder.name != "bin" or not (folder / LANGUAGE_HOST_NAME).exists():
            return None
        match = re.match(r"v((\d+)\.(\d+)\..*)", command.answer_of([program, "version"]) or "")
        if match is None or (int(match[2]), int(match[3])) < self.minimum:
            return None
        return Found(folder.parent, match[1])

    def build(self, build: Build) -> None:
        folder = build.folder / "bin"
        # Hard links: the CLI finds its hosts beside the file that it was started as, and nothing changes it.
        shutil.copytree(build.needed[self.cli], folder, copy_function=os.link)
        _install(LANGUAGE_HOST, folder / LANGUAGE_HOST_NAME)


def _install(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o755)
