"""Downloads of official plugins by the CLI: tried once a day at most, since what fails mostly fails again."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

__all__ = ["DownloadError", "PluginVersion", "downloaded"]

DOWNLOAD_SECONDS = 45
AGAIN_AFTER = timedelta(days=1)
MEMORY = "official-plugins.json"

_REASONS = (
    ("no such host", "the name of its server isn't known here"),
    ("connection refused", "its server refuses the connection"),
    ("proxyconnect", "the proxy lets nothing through"),
    ("i/o timeout", "its server doesn't answer"),
    ("certificate", "the certificate of its server isn't trusted"),
    ("404", "its server has none of this version"),
)
"""What stands in the CLI's output, and what it means."""


@dataclass(frozen=True)
class PluginVersion:
    """A resource plugin, in the version for which its SDK asks."""

    name: str
    version: str

    @property
    def folder_name(self) -> str:
        """The folder in which the engine looks for it."""
        return f"resource-{self.name}-v{self.version}"

    @property
    def program_name(self) -> str:
        return f"pulumi-resource-{self.name}"

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class DownloadError(Exception):
    """A plugin can't be downloaded; the text is the reason."""


@contextmanager
def downloaded(plugin: PluginVersion, pulumi_home: Path, pulumi: Path) -> Iterator[Path]:
    """Give the folder of a plugin that was just downloaded; it is deleted afterwards unless it was moved.

    Parameters
    ----------
    pulumi_home
        Where failures are remembered, and the plugin is downloaded to.
    pulumi
        The CLI.

    Raises
    ------
    DownloadError
        It can't be downloaded, or couldn't within the last day.
    """
    memory = _Memory(pulumi_home / MEMORY)
    if reason := memory.reason(plugin):
        raise DownloadError(reason)
    with tempfile.TemporaryDirectory(dir=pulumi_home, prefix="download-") as scratch:
        reason = _download(plugin, Path(scratch), pulumi)
        memory.remember(plugin, reason)
        if reason:
            raise DownloadError(reason)
        yield Path(scratch) / "plugins" / plugin.folder_name


def _download(plugin: PluginVersion, home: Path, pulumi: Path) -> str:
    """Download into a PULUMI_HOME of its own, and return why that failed, if it did."""
    command = [str(pulumi), "plugin", "install", "resource", plugin.name, f"v{plugin.version}"]
    environment = {**os.environ, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            timeout=DOWNLOAD_SECONDS,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it took longer than {DOWNLOAD_SECONDS} s"
    except OSError as error:
        return f"the Pulumi CLI can't be started ({error.strerror})"
    if done.returncode == 0 and (home / "plugins" / plugin.folder_name / plugin.program_name).is_file():
        return ""
    return next((reason for said, reason in _REASONS if said in done.stdout), "the Pulumi CLI couldn't do it")


class _Memory:
    """Which downloads failed, when and why."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def reason(self, plugin: PluginVersion) -> str:
        """Return why a download failed that isn't to be tried again yet."""
        entry = self._entries().get(str(plugin))
        if entry is None:
            return ""
        age = datetime.now(UTC) - datetime.fromisoformat(entry["tried"])
        return entry["reason"] if timedelta(0) <= age < AGAIN_AFTER else ""

    def remember(self, plugin: PluginVersion, reason: str) -> None:
        """Remember a download that was just tried; it succeeded if there is no reason."""
        entries = {name: entry for name, entry in self._entries().items() if name != str(plugin)}
        if reason:
            entries[str(plugin)] = {"tried": datetime.now(UTC).isoformat(), "reason": reason}
        partial = self._path.with_suffix(".partial")
        partial.write_text(json.dumps(entries, indent=2), encoding="utf-8")
        partial.replace(self._path)

    def _entries(self) -> dict[str, dict[str, str]]:
        try:
            entries: dict[str, dict[str, str]] = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return entries
