"""kubectl: the machine's, or the one inside the Kubernetes binary."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from toolchain import command
from toolchain.artefact import Artefact, Build, Found

__all__ = ["Kubectl"]


@dataclass(frozen=True, kw_only=True)
class Kubectl(Artefact):
    """A program called ``kubectl``."""

    minor: int
    """Minor version of the cluster: kubectl serves clusters that are one older or newer than itself."""

    @property
    def parts(self) -> Sequence[str]:
        return ("hyperkube",)

    def found_on_machine(self) -> Found | None:
        program = shutil.which("kubectl")
        answer = command.answer_of([program, "version", "--client"]) if program else None
        match = re.search(r"v(1\.(\d+)\S*)", answer or "")
        if program is None or match is None or abs(int(match[2]) - self.minor) > 1:
            return None
        return Found(Path(program), match[1])

    def build(self, build: Build) -> None:
        # The binary does what the name says that it was started by.
        (build.folder / self.path).symlink_to(build.needed["hyperkube"])
