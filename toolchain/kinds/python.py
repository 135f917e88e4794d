"""Packages from a Python index, installed from a lock file with hashes into a folder of their own."""

import ast
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

from toolchain import command, paths
from toolchain.artefact import Artefact, Build
from toolchain.errors import ToolMissingError

__all__ = ["LOCKS", "PythonTree", "index_settings", "install"]

LOCKS = paths.SOURCES / "locks"

PIP_SECTIONS = ("global", "install", ":env:")
"""Those of pip's configuration that ``pip install`` reads; a later one weighs more."""

UV_VARIABLES = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "cert": ("SSL_CERT_FILE", " "),
    "proxy": ("ALL_PROXY", " "),
}
"""What of pip's settings uv wants to be told: its variable, and how that separates several values."""


@dataclass(frozen=True, kw_only=True)
class PythonTree(Artefact):
    """What a lock file names, in a folder."""

    origin: ClassVar[str] = "installed"

    lock: str
    """File below ``locks/``."""

    @property
    def sources(self) -> Sequence[Path]:
        return (LOCKS / self.lock,)

    def build(self, build: Build) -> None:
        install(build, LOCKS / self.lock, build.folder)


def install(
    build: Build,
    lock: Path,
    target: Path,
    python: Path = Path(sys.executable),
    env: Mapping[str, str] | None = None,
) -> None:
    """Install what `lock` names into the folder `target`: wheels only, checked against their hashes.

    Parameters
    ----------
    build
        The build that this is a part of.
    lock
        Requirements with hashes, complete.
    target
        Folder for the packages.
    python
        Interpreter that the packages are for.
    env
        Variables that the interpreter needs.
    """
    where = ("--python", python, "--no-python-downloads", "--target", target)
    # Copies, because hard links into uv's cache would let a change of one spoil the other.
    how = ("--require-hashes", "--no-deps", "--only-binary", ":all:", "--link-mode", "copy")
    settings = {**index_settings(), **(env or {})}
    build.run(*_uv(), "pip", "install", *where, *how, "--requirement", lock, env=settings)


def _uv() -> list[str]:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found:
        return [found]
    if command.answer_of([sys.executable, "-m", "uv", "--version"]):
        return [sys.executable, "-m", "uv"]
    raise ToolMissingError("uv", "install it with `pip install uv`, and start again")


@cache
def index_settings() -> dict[str, str]:
    """Return the variables that make uv use the index, certificates and proxy that pip is set up with."""
    pip = _pip_settings()
    wanted = {
        variable: separator.join(pip[name].split())
        for name, (variable, separator) in UV_VARIABLES.items()
        if name in pip
    }
    # uv trusts a list of its own unless it is told to trust what the machine trusts.
    wanted["UV_SYSTEM_CERTS"] = "1"
    return {variable: value for variable, value in wanted.items() if variable not in os.environ}


def _pip_settings() -> dict[str, str]:
    answer = command.answer_of([sys.executable, "-m", "pip", "config", "list"])
    if answer is None:
        answer = command.answer_of(["pip", "config", "list"]) or ""
    # Lines such as global.index-url='…', the sections in alphabetical order.
    sections: dict[str, dict[str, str]] = {}
    for line in answer.splitlines():
        key, separator, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if separator:
            sections.setdefault(section, {})[name] = str(ast.literal_eval(value))
    return {name: value for section in PIP_SECTIONS for name, value in sections.get(section, {}).items()}
