"""Definitions from files: what is applied, what is left out, and whose they have to be."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from providers.kubernetes.connection import close_all
from providers.kubernetes.definition_files import DefinitionFileError, digest, read_definitions
from providers.kubernetes.definitions import DefinitionsProvider
from providers.kubernetes.errors import DefinitionTakenError
from tests.unit.providers.fake_api_server import ApiServer, api_server, definition

PROVIDER = DefinitionsProvider()
Props = dict[str, Any]
THINGS, OTHERS = definition("things", "Thing"), definition("others", "Other")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ApiServer]:
    with api_server(tmp_path) as server:
        yield server
    close_all()


def inputs(server: ApiServer, folder: Path, *documents: Props) -> Props:
    """Write a bundle and give what a resource of it has for inputs."""
    file = folder / "bundle.yaml"
    file.write_text(yaml.safe_dump_all([{"kind": "Deployment", "metadata": {"name": "x"}}, *documents]))
    return {"cluster": server.cluster, "files": [str(file)], "sha256": digest([str(file)])}


def made(inputs: Props) -> Props:
    """Create, and give the state."""
    outs = PROVIDER.create(inputs).outs
    assert outs is not None
    return outs


def read(state: Props) -> Props:
    """Refresh, and give the state."""
    outs = PROVIDER.read("definitions", state).outs
    assert outs is not None
    return outs


def updated(olds: Props, news: Props) -> Props:
    outs = PROVIDER.update("definitions", olds, news).outs
    assert outs is not None
    return outs


def test_only_definitions_are_applied(server: ApiServer, tmp_path: Path) -> None:
    state = made(inputs(server, tmp_path, THINGS, OTHERS))
    assert server.definitions.keys() == {"things.example.com", "others.example.com"}
    assert state["generations"] == {"things.example.com": 1, "others.example.com": 1}


def test_an_interrupted_create_goes_on_from_where_it_was(server: ApiServer, tmp_path: Path) -> None:
    PROVIDER.create(inputs(server, tmp_path, THINGS))
    PROVIDER.create(inputs(server, tmp_path, THINGS, OTHERS))
    assert len(server.definitions) == 2


def test_nothing_is_applied_if_one_is_somebody_elses(server: ApiServer, tmp_path: Path) -> None:
    server.has(THINGS, "helm")
    with pytest.raises(
        DefinitionTakenError, match=r"things\.example\.com is there already \(managed by helm\)"
    ):
        PROVIDER.create(inputs(server, tmp_path, THINGS, OTHERS))
    assert server.applied == []


def test_a_webhook_that_converts_is_left_out(server: ApiServer, tmp_path: Path) -> None:
    converted = definition("things", "Thing", conversion={"strategy": "Webhook", "webhook": {}})
    PROVIDER.create(inputs(server, tmp_path, converted))
    assert server.applied[0]["spec"]["conversion"] == {"strategy": "None"}


def test_only_other_contents_are_a_change(server: ApiServer, tmp_path: Path) -> None:
    olds = inputs(server, tmp_path, THINGS)
    moved = tmp_path / "moved"
    moved.mkdir()
    (tmp_path / "bundle.yaml").rename(moved / "bundle.yaml")
    news = olds | {"files": [str(moved)], "cluster": {}}
    assert digest([str(moved)]) == olds["sha256"]
    assert not PROVIDER.diff("", olds, news).changes
    assert PROVIDER.diff("", olds, news | {"sha256": digest([str(moved), str(moved)])}).changes


def test_what_a_later_release_no_longer_has_stays_until_the_end(server: ApiServer, tmp_path: Path) -> None:
    state = made(inputs(server, tmp_path, THINGS, OTHERS))
    outs = updated(state, inputs(server, tmp_path, THINGS))
    assert len(server.definitions) == 2
    PROVIDER.delete("", outs)
    assert server.definitions == {}


def test_a_refresh_sees_what_was_changed_or_deleted(server: ApiServer, tmp_path: Path) -> None:
    state = made(inputs(server, tmp_path, THINGS, OTHERS))
    assert read(state) == state
    server.definitions["things.example.com"]["metadata"]["generation"] = 2
    del server.definitions["others.example.com"]
    found = read(state)
    assert found["sha256"] == "others.example.com is gone, things.example.com is changed"
    shown = PROVIDER.read("definitions", state).inputs
    assert shown == {name: found[name] for name in ("cluster", "files", "sha256")}
    outs = updated(found, state)
    assert read(outs) == outs
    server.definitions.clear()
    assert PROVIDER.read("definitions", outs).id == ""


def test_a_deletion_that_was_interrupted_can_be_repeated(server: ApiServer, tmp_path: Path) -> None:
    state = made(inputs(server, tmp_path, THINGS, OTHERS))
    del server.definitions["things.example.com"]
    PROVIDER.delete("definitions", state)
    assert server.definitions == {}


def test_a_definition_that_the_api_server_has_forgotten_to_delete_is_brought_to_its_mind(
    server: ApiServer, tmp_path: Path
) -> None:
    state = made(inputs(server, tmp_path, THINGS, OTHERS))
    server.stuck.add("things.example.com")
    PROVIDER.delete("definitions", state)
    assert server.definitions == {}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("kind: Deployment", "there is no CustomResourceDefinition in it"),
        ("kind: [", "isn't YAML"),
        (yaml.safe_dump_all([THINGS, THINGS]), "things.example.com stands there twice"),
    ],
)
def test_a_file_that_can_not_be_used_is_named(tmp_path: Path, content: str, sentence: str) -> None:
    file = tmp_path / "bundle.yaml"
    file.write_text(content)
    with pytest.raises(DefinitionFileError) as caught:
        read_definitions([str(file)])
    assert str(caught.value).startswith(str(file))
    assert sentence in str(caught.value)


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(DefinitionFileError, match=r"bundle\.yaml: can't be read: No such file"):
        digest([str(tmp_path / "bundle.yaml")])
