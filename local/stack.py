"""The real Pulumi CLI on an instance's stack, with the platform's environment."""

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.environment import STACK, environment, with_environment
from local.files import write_private
from local.instance import Instance
from local.pulumi_home import prepared
from local.stack_config import REPOSITORY, compose_stack_file, project_folder
from toolchain import plugins
from toolchain.console import console
from toolchain.errors import UserError

__all__ = ["NoStackError", "PulumiError", "Stack", "command_line"]

PROJECT = "llm-gateway"
WITH_CONFIG_FILE = frozenset(
    {"config", "destroy", "import", "logs", "pre", "preview", "refresh", "up", "update", "watch"}
)
# Global flags whose value is the next word.
WITH_VALUE = frozenset({"-C", "--cwd", "--color", "-v", "--verbose", "--profiling", "--tracing"})
KEYS_COMPONENT = "llm-gateway:litellm:VirtualKeys"


class PulumiError(UserError):
    """A call of the CLI that was needed to go on has failed."""

    def __init__(self, arguments: Sequence[str], answer: str) -> None:
        last = " / ".join(answer.strip().splitlines()[-3:])
        super().__init__(f"`pulumi {' '.join(arguments)}` failed: {last}")


class NoStackError(UserError):
    """The stack was never brought up."""

    def __init__(self, instance: Instance) -> None:
        super().__init__(
            f"The stack {STACK} of instance {instance.name} has nothing yet: bring it up with "
            "`make up`, or `python -m local pulumi up`."
        )


@dataclass(frozen=True)
class Stack:
    """One instance's stack, ready for the CLI.

    Parameters
    ----------
    instance
        The platform below it.
    variables
        The environment for the CLI.
    config_file
        The instance's own stack file.
    """

    instance: Instance
    variables: dict[str, str]
    config_file: Path

    @classmethod
    def ready(cls, instance: Instance) -> "Stack":
        """Return the stack; it is created, and the plugins are provided, where that has not been done.

        Raises
        ------
        NotUpError
            The platform was never up.
        OpenBaoError
            The platform doesn't answer.
        PulumiError
            The stack can't be created.
        """
        variables = environment(instance)
        for line in plugins.provide(prepared(Path(variables["PULUMI_HOME"])), Path(sys.executable)):
            console.print(line)
        stack = cls(instance, variables, compose_stack_file(instance))
        if not exists(instance):
            stack.create()
        return stack

    def create(self) -> None:
        """Create the stack from the instance's own folder, so that the salt is written there."""
        folder = project_folder(self.instance)
        write_private(folder / "Pulumi.yaml", f"name: {PROJECT}\nruntime: python\n")
        self.answer(
            "stack", "init", STACK, "--secrets-provider=passphrase", "--non-interactive", folder=folder
        )

    def run(self, *arguments: str) -> int:
        """Run the CLI in the repository with the caller's terminal, and return its exit code."""
        command = ("pulumi", *command_line(arguments, self.config_file))
        with subprocess.Popen(command, cwd=REPOSITORY, env=with_environment(self.variables)) as cli:
            # The terminal sends Ctrl-C to the CLI as well, which then ends in its own time.
            signal.signal(signal.SIGINT, lambda *_: None)
            signal.signal(signal.SIGTERM, lambda *_: cli.send_signal(signal.SIGINT))
            return cli.wait()

    def answer(self, *arguments: str, folder: Path = REPOSITORY) -> str:
        """Run the CLI and return what it prints.

        Raises
        ------
        PulumiError
            It fails.
        """
        result = subprocess.run(
            ("pulumi", *command_line(arguments, self.config_file)),
            cwd=folder,
            env=with_environment(self.variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise PulumiError(arguments, result.stderr or result.stdout)
        return result.stdout

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs with their secrets, which so are in memory only."""
        outputs: dict[str, Any] = json.loads(self.answer("stack", "output", "--json", "--show-secrets"))
        return outputs

    def key_urns(self) -> list[str]:
        """Return the URNs of the component that holds the virtual keys, and of everything in it."""
        state = json.loads(self.answer("stack", "export"))
        resources = (state.get("deployment") or {}).get("resources") or []
        found: list[str] = []
        # The state lists a parent before its children.
        for resource in resources:
            if resource["type"] == KEYS_COMPONENT or resource.get("parent") in found:
                found.append(resource["urn"])
        return found


def exists(instance: Instance) -> bool:
    """Tell whether the instance's backend has the stack."""
    return any((instance.folder / "pulumi" / ".pulumi" / "stacks" / PROJECT).glob(f"{STACK}.json*"))


def command_line(arguments: Sequence[str], config_file: Path) -> list[str]:
    """Return the CLI's arguments with those that keep it off the tracked stack file."""
    words = list(arguments)
    position = _command_position(words)
    if position is None:
        return words
    rest = words[position + 1 :]
    if words[position] in WITH_CONFIG_FILE and not any(word.startswith("--config-file") for word in rest):
        words.insert(position + 1, f"--config-file={config_file}")
    if words[position] == "stack" and rest[:1] in (["rm"], ["remove"]):
        words.append("--preserve-config")
    return words


def _command_position(words: Sequence[str]) -> int | None:
    skipped = False
    for position, word in enumerate(words):
        if not word.startswith("-") and not skipped:
            return position
        skipped = word in WITH_VALUE
    return None
