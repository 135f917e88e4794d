"""The store of artefacts: made once, never half, never by two runs at once."""

import errno
import threading
from pathlib import Path

import pytest

from tests.unit.toolchain.made_up import MadeUp, write_hello
from toolchain import locking
from toolchain.artefact import Build
from toolchain.errors import UnknownArtefactError, UnusableCacheError
from toolchain.store import Store


def store_of(*artefacts: MadeUp) -> Store:
    return Store({artefact.name: artefact for artefact in artefacts})


def folders(cache: Path) -> list[str]:
    return sorted(path.name.rpartition("-")[0] for path in cache.glob("*-*"))


def test_an_artefact_is_made_once_and_found_by_later_runs() -> None:
    artefact = MadeUp()

    first = store_of(artefact).ensure("made-up")
    second = store_of(artefact).ensure("made-up")

    assert first == second
    assert first.read_text() == "hello"
    assert artefact.builds == 1


def test_the_machines_own_is_taken_without_a_build(tmp_path: Path) -> None:
    artefact = MadeUp(machine=tmp_path / "bin" / "tool")
    store = store_of(artefact)

    assert store.ensure("made-up") == tmp_path / "bin" / "tool"
    assert [entry.source for entry in store.entries(["made-up"])] == ["machine"]
    assert artefact.builds == 0


def test_parts_are_made_first_and_handed_over() -> None:
    def read_part(build: Build) -> None:
        (build.folder / "hello").write_text(build.needed["part"].read_text() + " again")

    part = MadeUp(name="part")
    whole = MadeUp(name="whole", parts=["part"], build=read_part)

    assert store_of(part, whole).ensure("whole").read_text() == "hello again"


def test_the_list_tells_what_is_there_and_makes_nothing() -> None:
    artefact, other = MadeUp(), MadeUp(name="other")
    store = store_of(artefact, other)
    store.ensure("made-up")

    built, missing = store.entries(["made-up", "other"])

    assert (built.source, built.size_bytes) == ("built", len("hello"))
    assert (missing.source, missing.path, missing.size_bytes) == ("not yet", None, None)
    assert other.builds == 0


def test_a_failed_build_leaves_nothing_behind(cache: Path) -> None:
    def fail(build: Build) -> None:
        write_hello(build)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store_of(MadeUp(build=fail)).ensure("made-up")

    assert folders(cache) == []


def test_an_interrupted_build_leaves_nothing_behind(cache: Path) -> None:
    def interrupt(build: Build) -> None:
        write_hello(build)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store_of(MadeUp(build=interrupt)).ensure("made-up")

    assert folders(cache) == []


def test_what_a_killed_run_left_is_never_used(cache: Path) -> None:
    artefact = MadeUp()
    store = store_of(artefact)
    folder = store.ensure("made-up").parent
    partial = folder.rename(folder.with_name(f"{folder.name}.partial"))
    (partial / "garbage").touch()

    path = store_of(artefact).ensure("made-up")

    assert artefact.builds == 2
    assert sorted(file.name for file in path.parent.iterdir()) == ["hello"]
    assert folders(cache) == ["made-up"]


def test_two_runs_at_once_build_once() -> None:
    building, go_on = threading.Event(), threading.Event()

    def build_slowly(build: Build) -> None:
        building.set()
        assert go_on.wait(10)
        write_hello(build)

    artefact = MadeUp(build=build_slowly)
    runs = [threading.Thread(target=store_of(artefact).ensure, args=["made-up"]) for _ in range(2)]
    runs[0].start()
    assert building.wait(10)
    runs[1].start()
    go_on.set()
    for run in runs:
        run.join(10)

    assert artefact.builds == 1
    assert store_of(artefact).ensure("made-up").read_text() == "hello"


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownArtefactError, match=r"no artefact called 'pulmi'; there are: made-up\."):
        store_of(MadeUp()).ensure("pulmi")


def test_a_full_disk_is_said_in_one_sentence() -> None:
    def fill_disk(_build: Build) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/cache/x")

    with pytest.raises(
        UnusableCacheError, match=r"made-up can't be made .*No space left on device \(/cache/x\)"
    ):
        store_of(MadeUp(build=fill_disk)).ensure("made-up")


def test_clean_deletes_earlier_versions_and_leftovers_only(cache: Path) -> None:
    old, new = MadeUp(version="1"), MadeUp(version="2")
    store_of(old).ensure("made-up")
    current = store_of(new).ensure("made-up").parent
    leftover = cache / f"{current.name}.partial"
    leftover.mkdir()
    (cache / "logs").mkdir(exist_ok=True)

    deleted = store_of(new).clean()

    assert len(deleted) == 2
    assert leftover in deleted
    assert current.is_dir()
    assert (cache / "logs").is_dir()


def test_clean_leaves_alone_what_another_run_makes(cache: Path) -> None:
    partial = cache / "made-up-0123456789ab.partial"
    partial.mkdir(parents=True)
    with locking.exclusive("made-up"):
        assert store_of(MadeUp()).clean() == []
    assert partial.is_dir()
