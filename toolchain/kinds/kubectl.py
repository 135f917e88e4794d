"""kubectl: the machine's, or the one inside the Kubernetes binary."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from toolchain import command
from toolchain.artefact import Artefact, Build

__all__ = ["Kubectl"]


@dataclass(frozen=True, kw_only=True)
class Kubectl(Artefact):
    """A program called ``kubectl``."""

    minor: int
    """Minor version of the cluster: kubectl serves clusters that are one older or newer than itself."""

    @property
    def parts(self) -> Sequence[str]:
        return ("hyperkube",)

    def found_on_machine(self) -> Path | None:
        program = shutil.which("kubectl")
        answer = command.answer_of([program, "version", "--client", "--output", "json"]) if program else None
        if program is None or answer is None:
            return None
        version = json.loads(answer)["clientVersion"]
        minor = int("".join(digit for digit in version["minor"] if digit.isdigit()))
        return Path(program) if version["major"] == "1" and abs(minor - self.minor) <= 1 else None

    def build(self, build: Build) -> None:
        # The binary does what the name says that it was started by.
        (build.folder / self.path).symlink_to(build.needed["hyperkube"])
