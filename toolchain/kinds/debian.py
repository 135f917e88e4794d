"""Debian packages, fetched from the machine's own sources and unpacked into a folder; nothing is installed.

apt gets a state of its own below the cache. It works where /var/lib/apt/lists is empty, changes nothing of
the system, and checks every package against the signed lists. Versions aren't pinned, for a mirror drops
what a point release replaces: what was taken is written into ``packages.txt`` of the artefact.
"""

import contextlib
import platform
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from toolchain import locking, paths
from toolchain.artefact import Artefact, Build
from toolchain.errors import CommandFailedError, UnsupportedMachineError

__all__ = ["DebianTree", "merge_into_usr", "unpack_packages"]

RELEASE = "bookworm"
LISTS_MAX_AGE_SECONDS = 24 * 3600

APT_CONFIGURATION = """\
Dir::State "{folder}";
Dir::State::lists "{folder}/lists";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc::preferences "{folder}/preferences";
Dir::Etc::preferencesparts "{folder}/none";
APT::Architecture "amd64";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
"""

APT_PREFERENCES = f"""\
Package: *
Pin: release o=Debian,n={RELEASE}*
Pin-Priority: 990
"""
"""Other sources of the machine, such as a vendor's Node.js, don't win by a higher version."""

MERGED_FOLDERS = ("bin", "sbin", "lib", "lib64")
UNUSED = ("doc", "man", "locale", "lintian", "doc-base", "info", "bug", "bash-completion")
"""Below usr/share: what no program reads."""


@dataclass(frozen=True, kw_only=True)
class DebianTree(Artefact):
    """Unpacked packages whose programs run on this machine."""

    origin: ClassVar[str] = "installed"

    packages: tuple[str, ...]

    def build(self, build: Build) -> None:
        unpack_packages(build, self.packages, build.folder)


def unpack_packages(build: Build, packages: Sequence[str], root: Path) -> None:
    """Unpack Debian packages into `root`, as on a machine where /bin, /sbin and /lib are links into /usr."""
    _check_machine()
    root.mkdir(exist_ok=True)
    downloads = build.folder / "downloads"
    archives = _fetch(build, packages, downloads)
    for archive in archives:
        build.run("dpkg-deb", "--extract", archive, root)
    shutil.rmtree(downloads)
    (build.folder / "packages.txt").write_text("".join(f"{archive.stem}\n" for archive in archives))
    merge_into_usr(root)
    for unused in UNUSED:
        shutil.rmtree(root / "usr/share" / unused, ignore_errors=True)


def _check_machine() -> None:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {"PRETTY_NAME": platform.system()}
    found = f"{release.get('PRETTY_NAME', 'unknown')} on {platform.machine()}"
    if (release.get("ID"), release.get("VERSION_ID"), platform.machine()) != ("debian", "12", "x86_64"):
        raise UnsupportedMachineError("The local platform", "Debian 12 on x86_64", found)


def _fetch(build: Build, packages: Sequence[str], downloads: Path) -> list[Path]:
    downloads.mkdir()
    with locking.exclusive("apt"):
        apt = _private_apt(paths.apt_folder())
        if _lists_are_old():
            _update(build, apt)
        try:
            build.run("apt-get", "download", *packages, cwd=downloads, env=apt)
        except CommandFailedError:
            # The mirror may have moved on since the lists were fetched.
            _update(build, apt)
            build.run("apt-get", "download", *packages, cwd=downloads, env=apt)
    return sorted(downloads.glob("*.deb"))


def _private_apt(folder: Path) -> dict[str, str]:
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    # An empty list of installed packages: what the machine has plays no part.
    (folder / "status").touch()
    (folder / "preferences").write_text(APT_PREFERENCES)
    configuration = folder / "apt.conf"
    configuration.write_text(APT_CONFIGURATION.format(folder=folder))
    return {"APT_CONFIG": str(configuration), "LC_ALL": "C"}


def _lists_are_old() -> bool:
    stamp = paths.apt_folder() / "updated"
    return not stamp.exists() or time.time() - stamp.stat().st_mtime > LISTS_MAX_AGE_SECONDS


def _update(build: Build, apt: dict[str, str]) -> None:
    # A source that isn't Debian's may fail: the download tells whether anything that is needed was missing.
    with contextlib.suppress(CommandFailedError):
        build.run("apt-get", "update", env=apt)
    (paths.apt_folder() / "updated").touch()


def merge_into_usr(root: Path) -> None:
    """Move /bin, /sbin and /lib below /usr.

    Some packages still ship them. A layer with a real /lib would hide the link of the layer below, and libc
    with it.
    """
    for name in MERGED_FOLDERS:
        folder = root / name
        if folder.is_dir() and not folder.is_symlink():
            shutil.copytree(folder, root / "usr" / name, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(folder)
