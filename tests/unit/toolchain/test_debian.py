"""Debian packages: where they may be unpacked, and into which shape."""

import platform
from pathlib import Path

import pytest

from toolchain.artefact import Build
from toolchain.errors import UnsupportedMachineError
from toolchain.kinds.debian import DebianTree, merge_into_usr

DEBIAN_12 = {"ID": "debian", "VERSION_ID": "12", "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)"}
UBUNTU = {"ID": "ubuntu", "VERSION_ID": "24.04", "PRETTY_NAME": "Ubuntu 24.04"}


@pytest.mark.parametrize(
    ("release", "machine", "found"),
    [(UBUNTU, "x86_64", "Ubuntu 24.04 on x86_64"), (DEBIAN_12, "aarch64", r"Debian .* on aarch64")],
)
def test_another_machine_is_refused_with_the_way_out(
    release: dict[str, str], machine: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    build = Build(folder=tmp_path, log=tmp_path / "log", note=lambda _: None, needed={})

    with pytest.raises(UnsupportedMachineError, match=f"needs Debian 12 .*{found}.*--kubeconfig FILE"):
        DebianTree(name="tree", version="1", packages=("hello",)).build(build)


def test_a_machine_that_is_no_linux_is_refused_in_the_same_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_release() -> dict[str, str]:
        raise FileNotFoundError

    monkeypatch.setattr(platform, "freedesktop_os_release", no_release)
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    build = Build(folder=tmp_path, log=tmp_path / "log", note=lambda _: None, needed={})

    with pytest.raises(UnsupportedMachineError, match="this machine runs Darwin on"):
        DebianTree(name="tree", version="1", packages=("hello",)).build(build)


def test_what_a_package_ships_in_lib_is_moved_below_usr(tmp_path: Path) -> None:
    (tmp_path / "lib" / "x86_64").mkdir(parents=True)
    (tmp_path / "lib" / "x86_64" / "libc.so.6").write_text("libc")
    (tmp_path / "lib" / "x86_64" / "libc.so").symlink_to("libc.so.6")
    (tmp_path / "usr" / "lib" / "x86_64").mkdir(parents=True)
    (tmp_path / "usr" / "lib" / "x86_64" / "libz.so.1").touch()

    merge_into_usr(tmp_path)

    assert not (tmp_path / "lib").exists()
    merged = tmp_path / "usr" / "lib" / "x86_64"
    assert sorted(path.name for path in merged.iterdir()) == ["libc.so", "libc.so.6", "libz.so.1"]
    assert (merged / "libc.so").readlink() == Path("libc.so.6")


def test_links_into_usr_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "usr" / "bin").mkdir(parents=True)
    (tmp_path / "bin").symlink_to("usr/bin")

    merge_into_usr(tmp_path)

    assert (tmp_path / "bin").is_symlink()
