from typing import Any

import pytest

from toolchain.plugins.differences import Change, Path, differences, dotted, is_ignored


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param({"a": 1}, {"a": 1}, [], id="equal"),
        pytest.param({"a": 1}, {"a": 2}, [(("a",), Change.UPDATE)], id="changed"),
        pytest.param({}, {"a": {"b": 1}}, [(("a",), Change.ADD)], id="added whole"),
        pytest.param({"a": {"b": 1}}, {}, [(("a",), Change.DELETE)], id="deleted whole"),
        pytest.param({"a": None}, {}, [], id="None is missing"),
        pytest.param({"a": [1, 2]}, {"a": [1]}, [(("a", 1), Change.DELETE)], id="shorter list"),
        pytest.param({"a": [1]}, {"a": [1, 2]}, [(("a", 1), Change.ADD)], id="longer list"),
        pytest.param({"a": {"b": 1}}, {"a": "x"}, [(("a",), Change.UPDATE)], id="another type"),
        pytest.param(
            {"a": {"x": 1, "y": 2}},
            {"a": {"x": 2, "z": 3}},
            [(("a", "x"), Change.UPDATE), (("a", "y"), Change.DELETE), (("a", "z"), Change.ADD)],
            id="leaf by leaf",
        ),
        pytest.param({"a": True}, {"a": False}, [(("a",), Change.UPDATE)], id="false is a value"),
        pytest.param({"a": 0}, {}, [(("a",), Change.DELETE)], id="zero is a value"),
    ],
)
def test_differences(old: dict[str, Any], new: dict[str, Any], expected: list[tuple[Path, Change]]) -> None:
    assert [(each.path, each.change) for each in differences(old, new)] == expected


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("spec", "replicas"), "spec.replicas"),
        (("containers", 0, "image"), "containers[0].image"),
        (("data", "a.b"), 'data["a.b"]'),
        (("pulumi.com/x",), '["pulumi.com/x"]'),
        (("data", 'q"q'), 'data["q\\"q"]'),
    ],
)
def test_paths_are_written_as_the_engine_writes_them(path: Path, text: str) -> None:
    assert dotted(path) == text


@pytest.mark.parametrize(
    ("path", "ignored", "expected"),
    [
        (("spec", "replicas"), ["spec.replicas"], True),
        (("spec", "template", "x"), ["spec.template"], True),
        (("spec", "containers", 0, "image"), ["spec.containers"], True),
        (("spec", "replicasMax"), ["spec.replicas"], False),
        (("spec",), ["spec.replicas"], False),
        (("data", "a.b"), ['data["a.b"]'], True),
    ],
)
def test_ignored_changes(path: Path, ignored: list[str], expected: bool) -> None:
    assert is_ignored(path, ignored) is expected
