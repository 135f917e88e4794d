"""Templates are strict, and values can't change a document's structure."""

from pathlib import Path

import pytest

from local.templates import TemplateError, fill, load_documents


@pytest.fixture
def template(tmp_path: Path) -> Path:
    file = tmp_path / "pod.yaml"
    file.write_text("kind: Pod\nname: pod-${number}\nvolume: ${volume}\nscript: echo $HOME\n---\n# nothing\n")
    return file


def test_values_take_the_places(template: Path) -> None:
    documents = load_documents(template, {"number": 7, "volume": {"emptyDir": {}}})
    assert documents == [{"kind": "Pod", "name": "pod-7", "volume": {"emptyDir": {}}, "script": "echo $HOME"}]


def test_a_value_stays_one_value(template: Path) -> None:
    hostile = "x\nkind: Secret  # ${volume}"
    (document,) = load_documents(template, {"number": 1, "volume": hostile})
    assert document["kind"] == "Pod"
    assert document["volume"] == hostile


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"number": 1}, "pod.yaml: no value for: volume"),
        ({"number": 1, "volume": "", "colour": "red"}, "pod.yaml: no placeholder for: colour"),
    ],
)
def test_what_does_not_fit_is_refused(template: Path, values: dict[str, object], message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        load_documents(template, values)


def test_text_is_filled_too() -> None:
    assert fill("x", 'path = "${path}" $USER', {"path": "/data"}) == 'path = "/data" $USER'
    with pytest.raises(TemplateError, match="x: no value for: path"):
        fill("x", "${path}", {})
