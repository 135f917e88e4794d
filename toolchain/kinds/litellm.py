"""The LiteLLM layer: the server, its Prisma client, and a query engine that needs no native binary.

LiteLLM reaches PostgreSQL through Prisma's Python client, which starts Prisma's native query engine. That
engine is no package of any index; the same engine as WebAssembly is one, so a small Node.js server puts it
behind the native one's HTTP interface (``image/litellm/engine``).
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from toolchain.artefact import Build
from toolchain.kinds.debian import unpack_packages
from toolchain.kinds.image import IMAGE_FILES, DebianLayer, ImageLayer, remove_matching
from toolchain.kinds.node import npm_install
from toolchain.kinds.python import LOCKS, install

__all__ = ["LiteLLMLayer", "PythonLayer"]

FILES = IMAGE_FILES / "litellm"
HOME = Path("opt/litellm")
STANDARD_LIBRARY = Path("usr/lib/python3.11")
SOURCE = Path("app/litellm/proxy")
"""Where LiteLLM's own image has its sources; the migration is started from there."""


@dataclass(frozen=True, kw_only=True)
class LiteLLMLayer(ImageLayer):
    """LiteLLM in ``/opt/litellm``, with the migration where the official image has it."""

    lock: str
    python_packages: tuple[str, ...]
    """Debian packages of the image's Python, which also builds the layer, whatever Python runs here."""
    unused: tuple[str, ...]
    """Patterns below /opt/litellm: what only the build needs, or a proxy with a database never loads."""

    @property
    def tools(self) -> Sequence[str]:
        return ("node",)

    @property
    def sources(self) -> Sequence[Path]:
        return (LOCKS / self.lock, FILES)

    def fill(self, build: Build, root: Path) -> None:
        python = _Python.unpacked(build, self.python_packages)
        home = root / HOME
        build.note("LiteLLM and its Python packages")
        install(build, LOCKS / self.lock, home / "lib", python=python.program, env=python.environment)
        build.note("the query engine")
        shutil.copytree(FILES / "engine", home / "engine")
        npm_install(build, home / "engine")
        _generate_client(build, root, python)
        remove_matching(home, self.unused)
        python.compile(build, root, HOME / "lib")
        shutil.copytree(FILES / "bin", home / "bin")
        (root / SOURCE).mkdir(parents=True)
        shutil.copyfile(FILES / "prisma_migration.py", root / SOURCE / "prisma_migration.py")
        shutil.rmtree(python.root)


@dataclass(frozen=True, kw_only=True)
class PythonLayer(DebianLayer):
    """Debian's Python with its standard library compiled."""

    def fill(self, build: Build, root: Path) -> None:
        super().fill(build, root)
        _Python(root).compile(build, root, STANDARD_LIBRARY)


@dataclass(frozen=True)
class _Python:
    """Debian's Python of an image, run from the folder that it was unpacked into."""

    root: Path

    @classmethod
    def unpacked(cls, build: Build, packages: Sequence[str]) -> "_Python":
        root = build.folder / "python"
        unpack_packages(build, packages, root)
        return cls(root)

    @property
    def program(self) -> Path:
        return self.root / "usr/bin/python3.11"

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_LIBRARY_PATH": str(self.root / "usr/lib/x86_64-linux-gnu")}

    def compile(self, build: Build, root: Path, tree: Path) -> None:
        """Compile the modules in `tree` below `root` to bytecode, in a form that fits files dated 1970."""
        build.note("compiling Python modules")
        # By hash and unchecked: the file system is read-only in the Pod, so what looks stale would stay so.
        compiler = ("-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash")
        build.run(self.program, *compiler, "-s", root, "-p", "/", root / tree, env=self.environment)


def _generate_client(build: Build, root: Path, python: _Python) -> None:
    """Generate LiteLLM's Prisma client, with Prisma's own generator."""
    build.note("LiteLLM's Prisma client")
    home = root / HOME
    engine = home / "engine"
    node = build.needed["node"] / "bin"
    environment = {
        **python.environment,
        # Prisma starts the generator `prisma-client-py` by its name.
        "PATH": os.pathsep.join([str(home / "lib/bin"), str(node), os.environ["PATH"]]),
        "PYTHONPATH": str(home / "lib"),
        # Both named, or Prisma would look for native ones to download.
        "PRISMA_QUERY_ENGINE_BINARY": str(engine / "query-engine"),
        "PRISMA_SCHEMA_ENGINE_BINARY": str(engine / "query-engine"),
        "PRISMA_CLI_QUERY_ENGINE_TYPE": "binary",
        "PRISMA_HIDE_UPDATE_MESSAGE": "1",
        "CHECKPOINT_DISABLE": "1",
    }
    prisma = engine / "node_modules/prisma/build/index.js"
    schema = home / "lib/litellm/proxy/schema.prisma"
    build.run(node / "node", prisma, "generate", "--schema", schema, env=environment)
    # The generator writes down where it found things: in the image that is the same place below its own root.
    client = home / "lib/prisma/client.py"
    client.write_text(client.read_text().replace(str(root), ""))
