"""A Pulumi project of the tests' own: the program as it is, a configuration and a state of its own."""

import json
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

__all__ = ["CommandError", "Project", "Step", "without"]

ROOT = Path(__file__).parents[2]
LINKED = (".venv", "__main__.py", "components", "providers", "schema", "settings.py", "Pulumi.yaml")


class CommandError(AssertionError):
    """The CLI ended with an error where the test expected none."""

    def __init__(self, arguments: Sequence[str], output: str) -> None:
        super().__init__(f"pulumi {' '.join(arguments)} failed:\n{output}")
        self.output = output


@dataclass(frozen=True)
class Step:
    """One step of a preview."""

    operation: str
    type: str
    name: str
    changed: frozenset[str]


class Project:
    """The program in a folder of its own; what the CLI writes stays there."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.transcript = ""
        folder.mkdir()
        for name in LINKED:
            (folder / name).symlink_to(ROOT / name)
        (folder / "passphrase").write_text("a passphrase of the tests")
        (folder / "state").mkdir()
        self.environment = {**environment, **_of_its_own(folder)}
        self.configuration: dict[str, Any] = {}
        self.reset_configuration()
        self.pulumi("stack", "init", "dev", "--non-interactive")

    @classmethod
    def of_example(
        cls, name: str, folder: Path, environment: Mapping[str, str], configuration: Mapping[str, Any]
    ) -> Self:
        """Give one of the examples, with a configuration and a state of its own."""
        return cls.of_program(ROOT / "examples" / name, folder, environment, configuration)

    @classmethod
    def of_program(
        cls, program: Path, folder: Path, environment: Mapping[str, str], configuration: Mapping[str, Any]
    ) -> Self:
        """Give a program called as its folder, with a configuration and a state of its own."""
        name = program.name
        folder.mkdir()
        for file in program.iterdir():
            (folder / file.name).symlink_to(file.resolve())
        manifest = re.sub(r"(\.\./)+\.venv", ".venv", (program / "Pulumi.yaml").read_text())
        (folder / "Pulumi.yaml").unlink()
        (folder / "Pulumi.yaml").write_text(manifest)
        (folder / ".venv").symlink_to(ROOT / ".venv")
        (folder / "passphrase").write_text("a passphrase of the tests")
        (folder / "state").mkdir()
        project = cls.existing(folder, {**environment, **_of_its_own(folder)})
        project.configuration = {f"{name}:{key}": value for key, value in configuration.items()}
        project._write()
        project.pulumi("stack", "init", "dev", "--non-interactive")
        return project

    @classmethod
    def kept(cls, folder: Path, environment: Mapping[str, str]) -> Self:
        """Give the project that an earlier run of the tests has left deployed, or deploy it."""
        if not (folder / "deployed").exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            project = cls(folder, environment)
            project.up()
            (folder / "deployed").touch()
            return project
        for name in LINKED:
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(ROOT / name)
        project = cls.existing(folder, {**environment, **_of_its_own(folder)})
        project.configuration = {}
        project.reset_configuration()
        return project

    @classmethod
    def existing(cls, folder: Path, environment: Mapping[str, str]) -> Self:
        """Give a project that is there already, with the state that the environment names."""
        project = cls.__new__(cls)
        project.folder, project.environment, project.transcript = folder, dict(environment), ""
        return project

    # --- configuration ---

    def reset_configuration(self) -> None:
        """Go back to the tracked configuration of the dev stack."""
        text = (ROOT / "Pulumi.dev.yaml").read_text()
        self.configuration = yaml.safe_load(text)["config"]
        # A test that takes the gateway away needn't wait as long as a person would.
        self.configuration["llm-gateway:gateway"]["readyTimeoutSeconds"] = 20
        self._write()

    def configure(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the configuration, as an engineer would in the stack's file."""
        change(self.configuration)
        self._write()

    def _write(self) -> None:
        """Keep what the CLI itself keeps in the file: the salt of the passphrase."""
        file = self.folder / "Pulumi.dev.yaml"
        document = yaml.safe_load(file.read_text()) if file.exists() else {}
        file.write_text(yaml.safe_dump({**(document or {}), "config": self.configuration}))

    # --- the CLI ---

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> tuple[int, str, str]:
        """Run the CLI and give its exit code, standard output and standard error."""
        done = subprocess.run(
            ["pulumi", *arguments],
            cwd=self.folder,
            env=self.environment if environment is None else dict(environment),
            capture_output=True,
            text=True,
            check=False,
        )
        if "--show-secrets" not in arguments:
            self.transcript += done.stdout + done.stderr
        return done.returncode, done.stdout, done.stderr

    def pulumi(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        """Run the CLI, fail the test if it fails, and give its standard output."""
        code, out, err = self.run(*arguments, environment=environment)
        if code:
            raise CommandError(arguments, _said(out) + err)
        return out

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the CLI without waiting for it, in a process group of its own."""
        return subprocess.Popen(
            ["pulumi", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )

    def up(self, *arguments: str) -> str:
        return self.pulumi("up", "--yes", "--skip-preview", "--stack", "dev", *arguments)

    def refresh(self) -> str:
        return self.pulumi("refresh", "--yes", "--skip-preview", "--stack", "dev")

    def preview(self, *arguments: str, environment: Mapping[str, str] | None = None) -> list[Step]:
        """Give the steps of a preview that would change something."""
        text = self.pulumi("preview", "--json", "--stack", "dev", *arguments, environment=environment)
        steps = json.loads(text)["steps"]
        return [_step(step) for step in steps if step["op"] not in ("same", "read")]

    def outputs(self) -> dict[str, Any]:
        """Give the stack's outputs, secrets included."""
        out: dict[str, Any] = json.loads(
            self.pulumi("stack", "output", "--json", "--show-secrets", "--stack", "dev")
        )
        return out

    def resources(self) -> list[dict[str, Any]]:
        """Give the resources of the state as they are stored: secrets are ciphertext."""
        state = json.loads(self.pulumi("stack", "export", "--stack", "dev"))
        resources: list[dict[str, Any]] = state["deployment"].get("resources", [])
        return resources

    def written_files(self) -> dict[Path, bytes]:
        """Give everything that the CLI has written: state, history, backups, configuration."""
        return {
            path: path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file() and not path.is_symlink() and path.name != "passphrase"
        }


def _said(text: str) -> str:
    """Give the messages of a failed command, whether it speaks JSON or not."""
    try:
        document = json.loads(text)
    except ValueError:
        return text
    return "".join(message["message"] for message in document.get("diagnostics", ()))


def _step(step: Mapping[str, Any]) -> Step:
    _, _, type_chain, name = step["urn"].split("::", 3)
    old, new = (step.get(state, {}).get("inputs", {}) for state in ("oldState", "newState"))
    changed = {field for field in {*old, *new} if old.get(field) != new.get(field)}
    return Step(step["op"], type_chain.rpartition("$")[2], name, frozenset(changed))


def without(environment: Mapping[str, str], *prefixes: str) -> dict[str, str]:
    """Give an environment without the variables that begin with these prefixes."""
    return {name: value for name, value in environment.items() if not name.startswith(prefixes)}


def _of_its_own(folder: Path) -> dict[str, str]:
    return {
        "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(folder / "passphrase"),
    }
