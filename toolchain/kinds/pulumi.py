"""The Pulumi CLI with what it needs to run Python programs.

The CLI and two of its helpers come from Pulumi's own Go modules. Its Python language host is in none of them: ours
(``toolchain/language_host.py``) speaks the same protocol.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from toolchain import command, paths
from toolchain.artefact import Build
from toolchain.errors import CommandFailedError
from toolchain.kinds.go import GoBinary, go_environment, modules

__all__ = ["PulumiCli"]

LANGUAGE_HOST = paths.SOURCES / "language_host.py"
LANGUAGE_HOST_NAME = "pulumi-language-python"


@dataclass(frozen=True, kw_only=True)
class PulumiCli(GoBinary):
    """A folder whose ``bin`` holds the CLI, the Python language host and the launchers that it starts."""

    minimum: tuple[int, int]
    sdk: str
    """Go module that carries the launchers."""
    launchers: tuple[str, ...]
    """Files of that module."""

    @property
    def sources(self) -> list[Path]:
        return [*super().sources, LANGUAGE_HOST]

    def found_on_machine(self) -> Path | None:
        program = shutil.which("pulumi")
        if program is None:
            return None
        folder = Path(program).resolve().parent
        # The CLI looks for language hosts beside its own file.
        if folder.name != "bin" or not (folder / LANGUAGE_HOST_NAME).exists():
            return None
        match = re.match(r"v(\d+)\.(\d+)\.", command.answer_of([program, "version"]) or "")
        good = match is not None and (int(match[1]), int(match[2])) >= self.minimum
        return folder.parent if good else None

    def build(self, build: Build) -> None:
        folder = build.folder / "bin"
        module = modules(self.module)
        self.compile(build, module, folder / "pulumi")
        sdk = self._sdk_folder(build, module)
        for launcher in self.launchers:
            _install(sdk / launcher, folder / Path(launcher).name)
        _install(LANGUAGE_HOST, folder / LANGUAGE_HOST_NAME)

    def _sdk_folder(self, build: Build, module: Path) -> Path:
        go = build.needed["go"] / "bin" / "go"
        build.run(go, "mod", "download", self.sdk, cwd=module, env=go_environment())
        answer = command.answer_of([go, "list", "-m", "-f", "{{.Dir}}", self.sdk], cwd=module)
        if not answer:
            reason = "doesn't tell the folder of the module"
            raise CommandFailedError(f"go list -m {self.sdk}", reason, build.log, [])
        return Path(answer)


def _install(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o755)
