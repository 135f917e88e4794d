"""Starts one plugin on behalf of the engine: ``python launch.py PACKAGE VERSION ENGINE_ADDRESS``.

The engine starts a plugin for every preview, so what this imports is paid every time. Packages whose
``__init__`` would load far more than a plugin needs are therefore made importable without running it.
"""

import sys
from pathlib import Path
from types import ModuleType

__all__ = ["bare_package"]


def bare_package(name: str, folder: Path) -> None:
    """Let the modules in `folder` be imported as ``name.module``, without the package's own ``__init__``."""
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package


def _main() -> None:
    here = Path(__file__).resolve().parent
    bare_package("toolchain", here.parent)
    bare_package("toolchain.plugins", here)

    from toolchain.plugins.serving import serve  # noqa: PLC0415 - importable from here on only

    package, version, *arguments = sys.argv[1:]
    serve(package, version, arguments)


if __name__ == "__main__":
    _main()
