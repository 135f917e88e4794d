"""A whole life of keys through the real CLI, and then a look for every secret wherever it has no business."""

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import pytest

from tests.faults.cli import PROJECT, Cli
from tests.faults.conftest import NewWires
from tests.faults.operations import DELIVERED
from tests.faults.servers import Servers
from tests.faults.world import World
from tests.support.cluster import Cluster

_SAMPLED_EVERY_SECONDS = 0.02


class CommandLines:
    """Every command line of the machine, looked at all the time from a thread."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._ended.wait(_SAMPLED_EVERY_SECONDS):
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(file.read_bytes())
                except OSError:  # it has ended meanwhile
                    continue

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


class Life:
    """One stack with a delivered key and one whose value is an output, and all that its life has left.

    Attributes
    ----------
    delivered, output
        Every value that the two keys ever had.
    left
        Where -> what stood there.
    logged
        What the engine printed at `--logtostderr -v=9`.
    """

    def __init__(self, cli: Cli, delivered: World, output: World) -> None:
        self.delivered: set[str] = set()
        self.output: set[str] = set()
        self.left: dict[str, bytes] = {}
        self.logged = b""
        self._cli = cli
        self._worlds = (delivered, output)

    def live(self) -> None:
        first = {"max_budget": 5, "metadata": {"team": "a"}, "key_type": "llm_api"}
        self._declare(first)
        self._run("up", "--yes", "--skip-preview")
        self._declare({**first, "max_budget": 6, "alias": "renamed"})
        self._run("preview", "--diff")
        self._run("preview", "--json")
        self._run("up", "--yes", "--diff")
        self._declare({**first, "key_type": "read_only"})
        self._run("up", "--yes")
        delivered = self._worlds[0]
        self._write_by_hand(delivered)
        self._run("refresh", "--yes")
        self._run("up", "--yes")
        self._run("destroy", "--yes")

    def _declare(self, fields: Mapping[str, Any]) -> None:
        delivered, output = self._worlds
        self._cli.declare(delivered.name, delivered.fields({**fields, "deliver": DELIVERED}))
        self._cli.declare(output.name, output.fields(fields))

    @staticmethod
    def _write_by_hand(world: World) -> None:
        standing = world.servers.standing(world.path)
        world.servers.put(world.path, {**standing, "api-key": "sk-somebody-wrote-this"})

    def _run(self, *arguments: str) -> None:
        """Run a command with the engine's whole log, and keep what is there afterwards."""
        code, out, err = self._cli.project.run(*arguments, "--stack", "dev", "--logtostderr", "-v=9")
        assert code == 0, out
        number = len(self.left)
        self.left[f"standard output of {arguments[0]} {number}"] = out.encode()
        self.logged += err.encode()
        for path, content in self._cli.project.written_files().items():
            self.left[f"{path} after {arguments[0]} {number}"] = content
        self._note_values()

    def _note_values(self) -> None:
        delivered, output = self._worlds
        self.delivered |= {delivered.servers.standing(delivered.path).get("api-key", "")} - {""}
        saved = self._cli.saved()
        if output.name in saved:
            self.output.add(saved[output.name].outputs["key"])


@pytest.fixture(scope="module")
def life(
    credentials: Mapping[str, str],
    platform: Mapping[str, str],
    servers: Servers,
    new_wires: NewWires,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Life]:
    cli = Cli(tmp_path_factory.mktemp("secrets") / "program", {**platform, **credentials})
    worlds = [World(servers, new_wires(), PROJECT) for _ in range(2)]
    life = Life(cli, *worlds)
    try:
        with CommandLines() as command_lines:
            life.live()
        life.left["a command line"] = b"\n".join(command_lines.seen)
        yield life
    finally:
        for world in worlds:
            world.tidy()


@pytest.fixture(scope="module", autouse=True)
def _events(life: Life, cluster: Cluster) -> None:
    events = cluster.core.list_event_for_all_namespaces().items
    life.left["an event of the cluster"] = json.dumps(
        [event.to_dict() for event in events], default=str
    ).encode()


def _forms(secret: str) -> Iterator[bytes]:
    """Give a secret as it stands, without its prefix, and as base64 as in Secrets and pickles."""
    yield secret.encode()
    yield secret.removeprefix("sk-").encode()
    yield base64.b64encode(secret.encode()).rstrip(b"=")[:-1]


def _places(secret: str, left: Mapping[str, bytes]) -> list[str]:
    assert len(secret) > 16
    return [place for place, content in left.items() if any(form in content for form in _forms(secret))]


def test_a_delivered_key_stands_nowhere_but_in_vault(life: Life) -> None:
    assert len(life.delivered) == 4  # three minted, and the one that somebody wrote
    for key in life.delivered:
        assert _places(key, {**life.left, "the engine's log": life.logged}) == []


def test_a_key_that_is_an_output_is_encrypted_wherever_it_is_kept(life: Life) -> None:
    assert len(life.output) == 2
    for key in life.output:
        assert _places(key, life.left) == []


def test_the_engine_s_log_of_its_own_calls_is_the_only_one_that_shows_an_output(life: Life) -> None:
    showing = [line for line in life.logged.splitlines() for key in life.output if key.encode() in line]
    assert showing
    for line in showing:
        assert json.loads(line)["msg"].startswith(("Marshaling property", "Unmarshaling property"))


def test_what_the_providers_refer_to_is_nowhere(life: Life, credentials: Mapping[str, str]) -> None:
    for name, token in credentials.items():
        assert _places(token, {**life.left, "the engine's log": life.logged}) == [], name


def test_a_pickle_is_a_name(life: Life) -> None:
    states = [content for place, content in life.left.items() if "dev.json after up" in place]
    entries = [entry for state in states for entry in json.loads(state)["checkpoint"]["latest"]["resources"]]
    pickles = {entry["inputs"]["__provider"] for entry in entries if "__provider" in entry.get("inputs", {})}
    [pickle] = pickles
    assert b"VirtualKeyProvider" in base64.b64decode(pickle)
    assert len(pickle) < 120
