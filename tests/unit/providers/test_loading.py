"""Threads that need modules which import each other get them whole."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from pulumi.dynamic import CreateResult

import providers
from providers.dynamic import Provider

LEFT = """
import asking, time
asking.begun.set()
time.sleep(0.3)
from right_half import right
left = 1
"""
RIGHT = """
import left_half
right = 2
"""


class LeftProvider(Provider):
    runs_with = ("left_half",)

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult("left", props)


class RightProvider(Provider):
    runs_with = ("right_half",)

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult("right", props)


class Asking:
    """A module that says when the first half is being imported."""

    begun = Event()


@pytest.fixture
def halves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "left_half.py").write_text(LEFT)
    (tmp_path / "right_half.py").write_text(RIGHT)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "asking", Asking)
    yield
    for name in ("left_half", "right_half"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("halves")
def test_two_providers_at_once_import_one_after_another() -> None:
    with ThreadPoolExecutor(2) as threads:
        left = threads.submit(LeftProvider().create, {})
        Asking.begun.wait(10)
        right = threads.submit(RightProvider().create, {})
        assert (left.result().id, right.result().id) == ("left", "right")


def _provider_classes() -> list[type[Provider]]:
    root = Path(providers.__file__).parent
    for file in root.rglob("*.py"):
        if "(Provider)" in file.read_text():
            __import__("providers." + ".".join(file.relative_to(root).with_suffix("").parts))
    found, todo = [], [Provider]
    while todo:
        subclasses = todo.pop().__subclasses__()
        todo += subclasses
        found += [kind for kind in subclasses if kind.__module__.startswith("providers.")]
    return found


@pytest.mark.parametrize("kind", _provider_classes(), ids=lambda kind: kind.__name__)
def test_what_a_provider_runs_with_is_there_and_no_part_of_a_preview(kind: type[Provider]) -> None:
    assert kind.runs_with
    script = f"""
import importlib, sys
import {kind.__module__}
early = [name for name in {kind.runs_with!r} if name in sys.modules]
for name in {kind.runs_with!r}:
    importlib.import_module(name)
print(*early)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(providers.__file__).parents[1],
    )
    assert done.stdout.strip() == ""
