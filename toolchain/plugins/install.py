"""Puts resource plugins where the engine looks for them: official ones if they can be had, else substitutes.

The engine takes the plugin ``plugins/resource-NAME-vVERSION/pulumi-resource-NAME`` of a PULUMI_HOME, in
exactly the SDK's version. A substitute there would keep an official plugin from ever being installed: so it
is marked, and makes room as soon as the official one is found or can be downloaded.
"""

import fcntl
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from toolchain import ensure
from toolchain.errors import UserError
from toolchain.plugins.downloads import DownloadError, PluginVersion, downloaded

__all__ = ["SdkMissingError", "provide"]

PACKAGES = ("kubernetes", "vault")
MARKER = "SUBSTITUTE"
EXECUTABLE = 0o755

_LAUNCHER = Path(__file__).resolve().parent / "launch.py"
_VERSION_SCRIPT = """
import importlib.util, json, pathlib, sys
for package in sys.argv[1:]:
    folder = importlib.util.find_spec("pulumi_" + package).submodule_search_locations[0]
    print(json.loads((pathlib.Path(folder) / "pulumi-plugin.json").read_text())["version"])
"""
"""Prints the plugin version for which each SDK asks the engine."""


class SdkMissingError(UserError):
    """The Python that is to run the program lacks a Pulumi SDK."""

    def __init__(self, python: Path) -> None:
        packages = " or ".join(f"pulumi-{name}" for name in PACKAGES)
        super().__init__(
            f"{python} has no {packages}: install the project's locked requirements into its environment."
        )


def provide(pulumi_home: Path, python: Path, pulumi: Path | None = None) -> list[str]:
    """Provide every plugin that the program needs, and say where each comes from.

    Doing it again changes nothing; two runs at once wait for each other.

    Parameters
    ----------
    pulumi_home
        The PULUMI_HOME whose plugins the engine will use.
    python
        The interpreter of the program; a substitute runs with it too.
    pulumi
        The CLI that downloads; the toolchain's by default.

    Returns
    -------
    list of str
        One line per plugin for the user.

    Raises
    ------
    SdkMissingError
        `python` lacks the SDK of a plugin.
    """
    wanted = [PluginVersion(name, version) for name, version in _sdk_versions(python).items()]
    (pulumi_home / "plugins").mkdir(parents=True, exist_ok=True)
    with _alone(pulumi_home):
        return [f"{plugin}: {_provided(plugin, pulumi_home, python, pulumi)}" for plugin in wanted]


def _sdk_versions(python: Path) -> dict[str, str]:
    asked = subprocess.run(
        [python, "-I", "-c", _VERSION_SCRIPT, *PACKAGES], capture_output=True, text=True, check=False
    )
    if asked.returncode != 0:
        raise SdkMissingError(python)
    return dict(zip(PACKAGES, asked.stdout.split(), strict=True))


@contextmanager
def _alone(pulumi_home: Path) -> Iterator[None]:
    """Wait until no other run changes the plugins of this PULUMI_HOME."""
    with (pulumi_home / "plugins.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _provided(plugin: PluginVersion, pulumi_home: Path, python: Path, pulumi: Path | None) -> str:
    """Provide one plugin, and say what it is."""
    folder = pulumi_home / "plugins" / plugin.folder_name
    _remove_other_substitutes(plugin, folder)
    if on_path := shutil.which(plugin.program_name):
        return f"the one on PATH ({on_path}), which Pulumi prefers to any other"
    if _is_official(folder, plugin):
        return "official"
    for home in _other_homes(pulumi_home):
        if _is_official(home / "plugins" / plugin.folder_name, plugin):
            _link(home / "plugins" / plugin.folder_name, folder)
            return f"official, from {home}"
    try:
        with downloaded(plugin, pulumi_home, pulumi or ensure("pulumi") / "bin" / "pulumi") as official:
            _put(official, folder)
    except DownloadError as error:
        _put_substitute(plugin, folder, python)
        return f"substitute (the official plugin is not installed and could not be downloaded: {error})"
    return "official, just downloaded"


def _is_official(folder: Path, plugin: PluginVersion) -> bool:
    is_being_installed = folder.with_name(f"{folder.name}.partial").exists()
    return (
        os.access(folder / plugin.program_name, os.X_OK)
        and not (folder / MARKER).exists()
        and not is_being_installed
    )


def _other_homes(pulumi_home: Path) -> list[Path]:
    """Return the folders where the user's own Pulumi keeps its plugins."""
    homes = [Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi"), Path.home() / ".pulumi"]
    return [home for home in dict.fromkeys(homes) if home.resolve() != pulumi_home.resolve()]


def _link(official: Path, folder: Path) -> None:
    """Make a folder whose entries are links: the engine takes no folder that is itself a link."""
    with _scratch(folder.parent) as scratch:
        for entry in official.iterdir():
            (scratch / entry.name).symlink_to(entry.resolve())
        _put(scratch, folder)


def _put_substitute(plugin: PluginVersion, folder: Path, python: Path) -> None:
    files = {
        plugin.program_name: (
            "#!/bin/sh\n"
            f"exec {shlex.quote(str(python))} -P {shlex.quote(str(_LAUNCHER))} "
            f'{plugin.name} {plugin.version} "$@"\n'
        ),
        MARKER: f"This stands in for the official {plugin} plugin until that can be had.\n",
    }
    if all(_holds(folder / name, text) for name, text in files.items()):
        return
    with _scratch(folder.parent) as scratch:
        for name, text in files.items():
            (scratch / name).write_text(text, encoding="utf-8")
        (scratch / plugin.program_name).chmod(EXECUTABLE)
        _put(scratch, folder)


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8", errors="replace") == text


def _put(new: Path, folder: Path) -> None:
    """Put `new` in the place of `folder`, whole or not at all."""
    with _scratch(folder.parent) as scratch:
        if folder.exists():
            folder.rename(scratch / "old")
        new.rename(folder)


@contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    """Give a folder for a short time; the engine passes over folders with such a name."""
    scratch = Path(tempfile.mkdtemp(dir=parent, prefix="scratch-"))
    scratch.chmod(EXECUTABLE)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _remove_other_substitutes(plugin: PluginVersion, folder: Path) -> None:
    """Remove the substitutes for other versions of the SDK."""
    for marker in folder.parent.glob(f"resource-{plugin.name}-v*/{MARKER}"):
        if marker.parent != folder:
            shutil.rmtree(marker.parent)
