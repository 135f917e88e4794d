"""The real Pulumi CLI on a small program of virtual keys, whose processes can be killed."""

import json
from collections.abc import Mapping
from pathlib import Path

from tests.faults.stack import Properties, Saved
from tests.faults.strike import Strike
from tests.support.project import ROOT, Project

__all__ = ["PROJECT", "Cli"]

PROJECT = "faults"
_PROGRAM = '''"""Declare the keys of a file."""

import json
from pathlib import Path

from providers.litellm import VirtualKey

for name, fields in json.loads(Path("keys.json").read_text()).items():
    VirtualKey(name, **fields)
'''
_MANIFEST = f"name: {PROJECT}\nruntime: {{name: python, options: {{virtualenv: .venv}}}}\n"


class Cli:
    """One stack of keys.

    Parameters
    ----------
    folder
        Doesn't exist yet.
    environment
        With the CLI on PATH.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        (folder / "state").mkdir(parents=True)
        for name in (".venv", "providers"):
            (folder / name).symlink_to(ROOT / name)
        (folder / "Pulumi.yaml").write_text(_MANIFEST)
        (folder / "__main__.py").write_text(_PROGRAM)
        (folder / "passphrase").write_text("a passphrase of the tests")
        own = {
            "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(folder / "passphrase"),
        }
        self.project = Project.existing(folder, {**environment, **own})
        self.keys: dict[str, Properties] = {}
        self.project.pulumi("stack", "init", "dev", "--non-interactive")

    def declare(self, name: str, fields: Properties | None) -> None:
        """Set what the program says of a key; None to take it out."""
        self.keys.pop(name, None)
        if fields is not None:
            self.keys[name] = fields
        (self.project.folder / "keys.json").write_text(json.dumps(self.keys))

    def up(self) -> str:
        return self.project.up()

    def attempt(self) -> str:
        """Run an `up` that may fail, and give what it said."""
        _, out, err = self.project.run("up", "--yes", "--skip-preview", "--stack", "dev")
        return out + err

    def destroy(self) -> None:
        self.project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")

    def cancel(self) -> None:
        """Do as the CLI says when it finds the lock of one that was killed."""
        self.project.pulumi("cancel", "--yes", "--stack", "dev")

    def saved(self) -> dict[str, Saved]:
        """Give the keys of the state: name -> entry. One that waits for its deletion is an error."""
        state = json.loads(self.project.pulumi("stack", "export", "--show-secrets", "--stack", "dev"))
        found = {}
        for entry in state["deployment"].get("resources", []):
            name = entry["urn"].rpartition("::")[2]
            if entry["type"].endswith("VirtualKey"):
                assert not entry.get("delete"), f"{name} has a predecessor left"
                found[name] = Saved(entry["id"], entry["inputs"], _plain(entry["outputs"]))
        return found

    def struck(self, strike: Strike) -> None:
        """Run an `up` that comes to a bad end."""
        with self.project.start("up", "--yes", "--skip-preview", "--stack", "dev") as process:
            strike.aim(process.pid)
            said = process.communicate()[0]
        assert process.returncode != 0, said
        strike.assert_no_survivor()


def _plain(outputs: Properties) -> Properties:
    """Take secrets out of their envelopes."""
    return {
        name: json.loads(value["plaintext"]) if isinstance(value, dict) and "plaintext" in value else value
        for name, value in outputs.items()
    }
