"""What the Pulumi CLI is told, and the stack file that each instance has of its own."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from local.instance import Instance
from local.stack import command_line
from local.stack_config import compose_stack_file, merged

FILE = Path("/state/spare/stack/Pulumi.dev.yaml")
WITH_FILE = f"--config-file={FILE}"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["up", "--yes"], ["up", WITH_FILE, "--yes"]),
        (["--color", "never", "preview", "--diff"], ["--color", "never", "preview", WITH_FILE, "--diff"]),
        (["config", "set", "a", "b"], ["config", WITH_FILE, "set", "a", "b"]),
        (["up", "--config-file", "mine.yaml"], ["up", "--config-file", "mine.yaml"]),
        (["stack", "output", "up"], ["stack", "output", "up"]),
        (["stack", "rm", "--yes"], ["stack", "rm", "--yes", "--preserve-config"]),
        (["--help"], ["--help"]),
        ([], []),
    ],
)
def test_the_cli_keeps_off_the_tracked_file(given: list[str], expected: list[str]) -> None:
    assert command_line(given, FILE) == expected


def config(**values: Any) -> dict[str, Any]:
    return {"config": values}


def test_what_is_tracked_reaches_the_instance() -> None:
    assert merged(config(a=1, b=2), config(a=1), config(a=1)) == config(a=1, b=2)
    assert merged(config(a=2), config(a=1), config(a=1)) == config(a=2)
    assert merged(config(), config(a=1), config(a=1)) == config()


def test_what_the_instance_set_is_kept() -> None:
    own = {**config(a=9, c={"secure": "v1:x"}), "encryptionsalt": "v1:salt"}
    result = merged(config(a=2), config(a=1), own)
    assert result == {"config": {"a": 9, "c": {"secure": "v1:x"}}, "encryptionsalt": "v1:salt"}


def test_what_the_instance_removed_stays_removed() -> None:
    assert merged(config(a=1, b=2), config(a=1, b=2), config(b=2)) == config(b=2)


def test_the_first_file_is_the_tracked_one() -> None:
    assert merged(config(a=1), {}, {}) == config(a=1)


def test_a_change_survives_every_new_composition(instance: Instance, tmp_path: Path) -> None:
    tracked = tmp_path / "Pulumi.dev.yaml"
    tracked.write_text("config: {llm-gateway:models: [], llm-gateway:keys: []}\n")
    file = compose_stack_file(instance, tmp_path)
    content = yaml.safe_load(file.read_text())
    content["config"]["llm-gateway:keys"] = [{"name": "mine"}]
    content["encryptionsalt"] = "v1:salt"
    file.write_text(yaml.safe_dump(content))
    for _ in range(2):
        compose_stack_file(instance, tmp_path)
    again = yaml.safe_load(file.read_text())
    assert again["config"] == {"llm-gateway:models": [], "llm-gateway:keys": [{"name": "mine"}]}
    assert again["encryptionsalt"] == "v1:salt"
    assert "salt" not in tracked.read_text()
