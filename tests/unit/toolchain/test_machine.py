"""Which of the machine's own tools are good enough."""

from collections.abc import Callable
from pathlib import Path

import pytest

from toolchain.artefact import Found
from toolchain.catalogue import ARTEFACTS

Install = Callable[[str, str], Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that puts a program on an otherwise empty PATH, which prints what it is given."""
    folder = tmp_path / "usr" / "bin"
    folder.mkdir(parents=True)
    monkeypatch.setenv("PATH", str(folder))

    def install(name: str, output: str) -> Path:
        program = folder / name
        program.write_text(f"#!/bin/sh\necho '{output}'\n")
        program.chmod(0o755)
        return program

    return install


@pytest.mark.usefixtures("install")
@pytest.mark.parametrize("name", ["go", "node", "kubectl", "pulumi"])
def test_a_machine_without_the_tool_has_none(name: str) -> None:
    assert ARTEFACTS[name].found_on_machine() is None


@pytest.mark.parametrize(("version", "good"), [("go1.26", True), ("go1.27.3", True), ("go1.25.9", False)])
def test_go_is_good_from_the_version_that_the_modules_ask_for(
    install: Install, version: str, good: bool
) -> None:
    install("go", f"/usr/lib/go\n{version}")

    found = Found(Path("/usr/lib/go"), version.removeprefix("go"))
    assert ARTEFACTS["go"].found_on_machine() == (found if good else None)


@pytest.mark.parametrize(("version", "good"), [("v18.0.0", True), ("v24.1.2", True), ("v16.20.0", False)])
def test_node_is_good_from_version_18(install: Install, version: str, good: bool) -> None:
    node = install("node", version)
    install("npm", "")

    found = Found(node.parent.parent, version.removeprefix("v"))
    assert ARTEFACTS["node"].found_on_machine() == (found if good else None)


def test_node_without_npm_is_not_enough(install: Install) -> None:
    install("node", "v20.0.0")

    assert ARTEFACTS["node"].found_on_machine() is None


@pytest.mark.parametrize(
    ("version", "good"),
    [("v1.34.2", True), ("v1.35.4", True), ("v1.36.0", True), ("v1.33.9", False), ("v1.37.0", False)],
)
def test_kubectl_is_good_within_one_minor_version(install: Install, version: str, good: bool) -> None:
    kubectl = install("kubectl", f"Client Version: {version}\nKustomize Version: v5.7.1")

    found = Found(kubectl, version.removeprefix("v"))
    assert ARTEFACTS["kubectl"].found_on_machine() == (found if good else None)


@pytest.mark.parametrize(("version", "good"), [("v3.250.0", True), ("v3.270.1", True), ("v3.249.9", False)])
def test_pulumi_is_good_from_version_3_250(install: Install, version: str, good: bool) -> None:
    pulumi = install("pulumi", version)
    install("pulumi-language-python", "")

    found = Found(pulumi.parent.parent, version.removeprefix("v"))
    assert ARTEFACTS["pulumi"].found_on_machine() == (found if good else None)


def test_pulumi_without_a_python_language_host_is_not_enough(install: Install) -> None:
    install("pulumi", "v3.259.0")

    assert ARTEFACTS["pulumi"].found_on_machine() is None


def test_pulumi_is_looked_at_where_its_file_really_is(install: Install, tmp_path: Path) -> None:
    link = install("pulumi", "v3.259.0")
    home = tmp_path / ".pulumi" / "bin"
    home.mkdir(parents=True)
    link.rename(home / "pulumi")
    link.symlink_to(home / "pulumi")
    (home / "pulumi-language-python").touch()

    assert ARTEFACTS["pulumi"].found_on_machine() == Found(tmp_path / ".pulumi", "3.259.0")
