"""The key of an artefact: it changes with whatever goes into the artefact, and with nothing else."""

from pathlib import Path

import pytest

from tests.unit.toolchain.made_up import MadeUp
from toolchain import paths
from toolchain.artefact import Artefact
from toolchain.catalogue import ARTEFACTS, OFFERED


def key(artefact: Artefact, **keys_of_parts: str) -> str:
    return artefact.key(keys_of_parts.__getitem__)


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "SOURCES", tmp_path)
    (tmp_path / "module").mkdir()
    (tmp_path / "module" / "go.mod").write_text("module m")
    return tmp_path


def test_the_key_is_the_same_for_the_same_inputs() -> None:
    assert key(MadeUp()) == key(MadeUp())


def test_the_key_changes_with_a_field() -> None:
    assert key(MadeUp(version="1")) != key(MadeUp(version="2"))


def test_the_key_changes_with_the_kind() -> None:
    class Other(MadeUp):
        pass

    assert key(MadeUp()) != key(Other())


def test_the_key_changes_with_the_recipe() -> None:
    before = key(MadeUp())

    class Changed(MadeUp):
        recipe = 2

    Changed.__name__ = "MadeUp"
    assert key(Changed()) != before


def test_the_key_changes_with_the_key_of_a_part() -> None:
    artefact = MadeUp(parts=["part"])

    assert key(artefact, part="a") != key(artefact, part="b")


def test_the_key_changes_with_the_content_of_a_source(sources: Path) -> None:
    artefact = MadeUp(sources=[sources / "module"])
    before = key(artefact)

    (sources / "module" / "go.mod").write_text("module n")

    assert key(artefact) != before


def test_the_key_changes_with_the_name_of_a_source(sources: Path) -> None:
    artefact = MadeUp(sources=[sources / "module"])
    before = key(artefact)

    (sources / "module" / "go.mod").rename(sources / "module" / "go.sum")

    assert key(artefact) != before


@pytest.mark.parametrize("name", ARTEFACTS)
def test_everything_that_an_artefact_needs_is_in_the_catalogue(name: str) -> None:
    artefact = ARTEFACTS[name]

    assert artefact.name == name
    assert {*artefact.parts, *artefact.tools} <= ARTEFACTS.keys()
    assert all(source.exists() for source in artefact.sources)


def test_no_two_artefacts_of_the_catalogue_share_a_name() -> None:
    assert len(set(OFFERED)) == len(OFFERED)
    assert set(OFFERED) <= ARTEFACTS.keys()
