"""A folder with the stack's file, and the command."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from typer.testing import CliRunner, Result

from gitops.cli import app
from tests.support.certificates import made_up_ca
from tests.support.declared import Document, dev_config

CA = made_up_ca()


class Command:
    """`python -m gitops` on a stack `dev` whose configuration a test may change."""

    def __init__(self, folder: Path) -> None:
        self.config: Document = dev_config()
        self.folder = folder / "rendered"
        self._file = folder / "Pulumi.dev.yaml"

    def __call__(self, *arguments: str) -> Result:
        document = {"config": {f"llm-gateway:{key}": value for key, value in self.config.items()}}
        self._file.write_text(yaml.safe_dump(document))
        command = [arguments[0], str(self.folder), "--config-file", str(self._file), *arguments[1:]]
        return CliRunner().invoke(app, command)

    def written(self) -> dict[str, str]:
        """Give the files, path -> content."""
        files = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_text() for path in files}

    def object(self, path: str) -> Any:
        return yaml.safe_load((self.folder / path).read_text())


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Command]:
    """Run where there is no credential at all: a CA is none."""
    for variable in ("KUBECONFIG", "VAULT_ADDR", "VAULT_TOKEN", "LITELLM_DATABASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "ca.crt").write_text(CA)
    monkeypatch.setenv("VAULT_CACERT", str(tmp_path / "ca.crt"))
    yield Command(tmp_path)
    pulumi.runtime.set_all_config({}, [])
