"""Where each plugin comes from: every way in which an official one may be found, and the substitute's."""

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import pytest

from toolchain.plugins import downloads, provide
from toolchain.plugins.install import MARKER, SdkMissingError

PYTHON = Path(sys.executable)
VERSIONS = {name: version(f"pulumi-{name}") for name in ("kubernetes", "vault")}
OFFLINE = 'echo "dial tcp: lookup example.invalid: no such host" >&2; exit 1'
DOWNLOADS = """
folder="$PULUMI_HOME/plugins/resource-$4-$5"
mkdir -p "$folder"; printf '#!/bin/sh\\necho official\\n' >"$folder/pulumi-resource-$4"
chmod +x "$folder/pulumi-resource-$4"
"""


@pytest.fixture(autouse=True)
def users_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give the user a home folder without plugins, and nothing on PATH."""
    home = tmp_path / "user"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("PULUMI_HOME", raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return home


@pytest.fixture
def pulumi_home(tmp_path: Path) -> Path:
    return tmp_path / "pulumi home"


class Cli:
    """A stand-in for the Pulumi CLI, which counts how often it is started."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "pulumi"
        self._started = folder / "started"
        self.does(OFFLINE)

    def does(self, script: str) -> None:
        self.path.write_text(f'#!/bin/sh\necho "$*" >>"{self._started}"\n{script}\n')
        self.path.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        return self._started.read_text().splitlines() if self._started.exists() else []


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


def folder(home: Path, name: str, of_version: str = "") -> Path:
    return home / "plugins" / f"resource-{name}-v{of_version or VERSIONS[name]}"


def program(home: Path, name: str, of_version: str = "") -> Path:
    return folder(home, name, of_version) / f"pulumi-resource-{name}"


def put_official(home: Path, name: str, of_version: str = "") -> Path:
    path = program(home, name, of_version)
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\necho official\n")
    path.chmod(0o755)
    return path


def is_substitute(home: Path, name: str) -> bool:
    return (folder(home, name) / MARKER).exists() and "launch.py" in program(home, name).read_text()


def output_of(path: Path) -> str:
    return subprocess.run([path], capture_output=True, text=True, check=True).stdout


def test_substitutes_stand_in_where_nothing_official_is(pulumi_home: Path, cli: Cli) -> None:
    lines = provide(pulumi_home, PYTHON, cli.path)
    reason = "the official plugin is not installed and could not be downloaded"
    assert lines == [
        f"{name} {of_version}: substitute ({reason}: the name of its server isn't known here)"
        for name, of_version in VERSIONS.items()
    ]
    for name in VERSIONS:
        assert is_substitute(pulumi_home, name)
        assert os.access(program(pulumi_home, name), os.X_OK)


def test_doing_it_again_changes_nothing(pulumi_home: Path, cli: Cli) -> None:
    first = provide(pulumi_home, PYTHON, cli.path)
    before = {path: path.stat().st_ino for path in pulumi_home.rglob("pulumi-resource-*")}
    assert provide(pulumi_home, PYTHON, cli.path) == first
    assert {path: path.stat().st_ino for path in pulumi_home.rglob("pulumi-resource-*")} == before
    assert sorted(path.name for path in (pulumi_home / "plugins").iterdir()) == sorted(
        folder(pulumi_home, name).name for name in VERSIONS
    )


def test_a_substitute_for_another_python_is_written_anew(pulumi_home: Path, cli: Cli, tmp_path: Path) -> None:
    provide(pulumi_home, PYTHON, cli.path)
    other = tmp_path / "it's another python"
    other.write_text(f'#!/bin/sh\nexec {PYTHON} "$@"\n')
    other.chmod(0o755)
    provide(pulumi_home, other, cli.path)
    assert "it'\"'\"'s another python" in program(pulumi_home, "vault").read_text()


def test_a_download_that_failed_is_not_tried_again_for_a_day(pulumi_home: Path, cli: Cli) -> None:
    provide(pulumi_home, PYTHON, cli.path)
    provide(pulumi_home, PYTHON, cli.path)
    assert cli.calls == [
        f"plugin install resource {name} v{of_version}" for name, of_version in VERSIONS.items()
    ]
    memory = pulumi_home / downloads.MEMORY
    entries = json.loads(memory.read_text())
    long_ago = (datetime.now(UTC) - timedelta(days=1, minutes=1)).isoformat()
    memory.write_text(json.dumps({name: {**entry, "tried": long_ago} for name, entry in entries.items()}))
    provide(pulumi_home, PYTHON, cli.path)
    assert len(cli.calls) == 4


def test_an_official_plugin_that_can_be_downloaded_takes_the_substitutes_place(
    pulumi_home: Path, cli: Cli
) -> None:
    provide(pulumi_home, PYTHON, cli.path)
    (pulumi_home / downloads.MEMORY).unlink()
    cli.does(DOWNLOADS)
    assert provide(pulumi_home, PYTHON, cli.path) == [
        f"{name} {of_version}: official, just downloaded" for name, of_version in VERSIONS.items()
    ]
    for name in VERSIONS:
        assert output_of(program(pulumi_home, name)) == "official\n"
        assert not (folder(pulumi_home, name) / MARKER).exists()
    assert provide(pulumi_home, PYTHON, cli.path) == [
        f"{name} {of_version}: official" for name, of_version in VERSIONS.items()
    ]


def test_an_official_plugin_that_is_there_is_left_alone(pulumi_home: Path, cli: Cli) -> None:
    put_official(pulumi_home, "vault")
    lines = provide(pulumi_home, PYTHON, cli.path)
    assert lines[1] == f"vault {VERSIONS['vault']}: official"
    assert output_of(program(pulumi_home, "vault")) == "official\n"
    assert is_substitute(pulumi_home, "kubernetes")


def test_the_users_own_official_plugin_is_used(pulumi_home: Path, cli: Cli, users_home: Path) -> None:
    provide(pulumi_home, PYTHON, cli.path)
    own = put_official(users_home / ".pulumi", "vault")
    assert provide(pulumi_home, PYTHON, cli.path)[1] == (
        f"vault {VERSIONS['vault']}: official, from {users_home / '.pulumi'}"
    )
    link = program(pulumi_home, "vault")
    assert link.resolve() == own.resolve()
    assert not link.parent.is_symlink(), "the engine passes over folders that are links"
    assert provide(pulumi_home, PYTHON, cli.path)[1] == f"vault {VERSIONS['vault']}: official"


def test_a_substitute_comes_back_when_the_users_plugin_is_removed(
    pulumi_home: Path, cli: Cli, users_home: Path
) -> None:
    own = put_official(users_home / ".pulumi", "vault")
    provide(pulumi_home, PYTHON, cli.path)
    own.unlink()
    assert "substitute" in provide(pulumi_home, PYTHON, cli.path)[1]
    assert is_substitute(pulumi_home, "vault")


def test_an_official_plugin_of_another_version_does_not_count(
    pulumi_home: Path, cli: Cli, users_home: Path
) -> None:
    put_official(pulumi_home, "vault", "7.0.0")
    put_official(users_home / ".pulumi", "vault", "7.1.0")
    assert "substitute" in provide(pulumi_home, PYTHON, cli.path)[1]
    assert program(pulumi_home, "vault", "7.0.0").exists()


def test_a_plugin_that_is_being_installed_does_not_count(pulumi_home: Path, cli: Cli) -> None:
    put_official(pulumi_home, "vault")
    folder(pulumi_home, "vault").with_name(f"{folder(pulumi_home, 'vault').name}.partial").touch()
    assert "substitute" in provide(pulumi_home, PYTHON, cli.path)[1]


def test_the_substitute_of_another_version_is_removed(pulumi_home: Path, cli: Cli) -> None:
    old = put_official(pulumi_home, "vault", "6.0.0")
    (old.parent / MARKER).touch()
    provide(pulumi_home, PYTHON, cli.path)
    assert not old.parent.exists()


def test_a_plugin_on_path_is_named_since_pulumi_prefers_it(
    pulumi_home: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path = tmp_path / "pulumi-resource-vault"
    on_path.write_text("#!/bin/sh\n")
    on_path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert str(on_path) in provide(pulumi_home, PYTHON, cli.path)[1]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'dial tcp: connect: connection refused'; exit 255", "its server refuses the connection"),
        ("echo '404 HTTP error fetching plugin'; exit 255", "its server has none of this version"),
        ("echo 'something else'; exit 1", "the Pulumi CLI couldn't do it"),
        ("exit 0", "the Pulumi CLI couldn't do it"),
    ],
)
def test_the_reason_is_told_in_our_words(pulumi_home: Path, cli: Cli, script: str, reason: str) -> None:
    cli.does(script)
    assert provide(pulumi_home, PYTHON, cli.path)[0].endswith(f"could not be downloaded: {reason})")


def test_a_download_has_a_time_limit(pulumi_home: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "DOWNLOAD_SECONDS", 0.1)
    cli.does("exec sleep 60")
    assert "it took longer than 0.1 s" in provide(pulumi_home, PYTHON, cli.path)[0]


def test_a_cli_that_is_missing(pulumi_home: Path, tmp_path: Path) -> None:
    line = provide(pulumi_home, PYTHON, tmp_path / "nowhere")[0]
    assert "the Pulumi CLI can't be started (No such file or directory)" in line


def test_a_memory_that_cannot_be_read_is_no_memory(pulumi_home: Path, cli: Cli) -> None:
    pulumi_home.mkdir()
    (pulumi_home / downloads.MEMORY).write_text("{")
    provide(pulumi_home, PYTHON, cli.path)
    assert len(cli.calls) == 2


def test_a_python_without_the_sdks(pulumi_home: Path, tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text("#!/bin/sh\nexit 1\n")
    bare.chmod(0o755)
    with pytest.raises(SdkMissingError, match="install the project's locked requirements"):
        provide(pulumi_home, bare, tmp_path / "pulumi")


def test_two_runs_at_once_wait_for_each_other(pulumi_home: Path, cli: Cli) -> None:
    cli.does(DOWNLOADS)
    lines: list[list[str]] = []
    runs = [
        threading.Thread(target=lambda: lines.append(provide(pulumi_home, PYTHON, cli.path)))
        for _ in range(4)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(cli.calls) == 2, "only one of them downloads"
    assert len(lines) == 4
    assert output_of(program(pulumi_home, "vault")) == "official\n"
