"""The stack's configuration file of one instance.

The tracked ``Pulumi.dev.yaml`` belongs to everybody, so neither the salt of one instance's passphrase nor
what somebody sets with ``pulumi config set`` may be written to it. Each instance has a file of its own: the
tracked one, plus what was changed in it since.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from local.environment import STACK
from local.files import write_private
from local.instance import Instance

__all__ = ["compose_stack_file", "merged", "project_folder"]

REPOSITORY = Path(__file__).resolve().parents[1]
STACK_FILE = f"Pulumi.{STACK}.yaml"
BASE_FILE = "tracked.yaml"
CONFIG = "config"
HEADER = f"# Made from the tracked {STACK_FILE}; what `pulumi config set` writes here is kept.\n"


def project_folder(instance: Instance) -> Path:
    """Return the folder of the instance's own stack file."""
    return instance.folder / "stack"


def compose_stack_file(instance: Instance, repository: Path = REPOSITORY) -> Path:
    """Bring the instance's stack file up to date with the tracked one, and return it."""
    folder = project_folder(instance)
    file, base_file = folder / STACK_FILE, folder / BASE_FILE
    tracked = _load(repository / STACK_FILE)
    content = merged(tracked, _load(base_file), _load(file))
    write_private(file, HEADER + yaml.safe_dump(content, sort_keys=False))
    write_private(base_file, yaml.safe_dump(tracked, sort_keys=False))
    return file


def merged(tracked: Mapping[str, Any], base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tracked file with the instance's own changes.

    Parameters
    ----------
    tracked
        The tracked file as it is now.
    base
        The tracked file as it was when the instance's own was last made from it.
    own
        The instance's own file.
    """
    before, mine = base.get(CONFIG, {}), own.get(CONFIG, {})
    changed = {key: value for key, value in mine.items() if key not in before or before[key] != value}
    removed = before.keys() - mine.keys() if own else set()
    config = {key: value for key, value in tracked.get(CONFIG, {}).items() if key not in removed}
    # The salt and the secrets provider stand beside the configuration.
    beside = {key: value for key, value in own.items() if key != CONFIG}
    return {**tracked, **beside, CONFIG: {**config, **changed}}


def _load(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    content: dict[str, Any] = yaml.safe_load(file.read_text()) or {}
    return content
