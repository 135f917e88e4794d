"""Node.js: the machine's, or the one that a Python package carries."""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from toolchain import command
from toolchain.artefact import Build, Found
from toolchain.kinds.python import PythonTree

__all__ = ["NodeRuntime", "npm_install"]


@dataclass(frozen=True, kw_only=True)
class NodeRuntime(PythonTree):
    """A folder with ``bin/node`` and ``bin/npm``."""

    minimum_major: int

    def found_on_machine(self) -> Found | None:
        node = Path(shutil.which("node") or "node")
        if node.parent.name != "bin" or not node.with_name("npm").exists():
            return None
        match = re.match(r"v((\d+)\..*)", command.answer_of([node, "--version"]) or "")
        if match is None or int(match[2]) < self.minimum_major:
            return None
        return Found(node.parent.parent, match[1])

    def build(self, build: Build) -> None:
        super().build(build)
        npm = build.folder / self.path / "bin" / "npm"
        # The package carries a copy where Node.js has a link, and the copy doesn't find its modules.
        npm.unlink()
        npm.symlink_to("../lib/node_modules/npm/bin/npm-cli.js")


def npm_install(build: Build, project: Path) -> None:
    """Install what the project's package-lock.json names, with no script of any package run."""
    programs = build.needed["node"] / "bin"
    # npm starts the `node` that is on PATH.
    path = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=warn"]
    build.run(programs / "npm", *words, cwd=project, env=path)
