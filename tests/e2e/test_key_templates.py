"""A program of keys with a template, carried out by the real CLI: each key has it, and follows its changes.

The tests are told in order.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from providers.litellm.ownership import OWN_METADATA
from tests.support.project import ROOT, Project

NAME = "templates"
MASTER_KEY = "TEMPLATES_MASTER_KEY"
PROGRAM = '''"""Declare keys with a template."""

import pulumi

from providers.litellm import KeyTemplate, VirtualKey

config = pulumi.Config()
team = KeyTemplate(**config.require_object("template"))
for name, own in config.require_object("keys").items():
    VirtualKey(name, gateway=config.require_object("gateway"), template=team, **own)
'''
MANIFEST = f"name: {NAME}\nruntime: {{name: python, options: {{virtualenv: .venv}}}}\n"
TEMPLATE = {
    "alias_prefix": "team-",
    "models": ["gpt-4o"],
    "max_budget": 5,
    "rpm_limit": 9,
    "metadata": {"team": "search", "tier": "gold"},
}
KEYS = {"plain": {}, "special": {"max_budget": 7, "metadata": {"tier": "tin"}}}


class Program:
    """The program, and the keys that it has made."""

    def __init__(self, project: Project, gateway: httpx.Client) -> None:
        self.project, self._gateway = project, gateway

    def change(self, **shared: Any) -> None:
        """Change what the template says."""
        self.project.configure(lambda config: config[f"{NAME}:template"].update(shared))

    def ids(self) -> dict[str, str]:
        found = {entry["urn"].rpartition("::")[2]: entry for entry in self.project.resources()}
        return {name: found[name]["id"] for name in KEYS}

    def live(self, *fields: str) -> dict[str, list[Any]]:
        """Give fields of each key, of the metadata what isn't ours."""
        found = {}
        for name, token_id in self.ids().items():
            answer = self._gateway.get("/key/info", params={"key": token_id}).raise_for_status()
            row = answer.json()["info"]
            row["metadata"] = {key: row["metadata"][key] for key in row["metadata"].keys() - OWN_METADATA}
            found[name] = [row[field] for field in fields]
        return found


@pytest.fixture(scope="module")
def program(
    platform: Mapping[str, str],
    gateway_url: str,
    master_key: SecretStr,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Program]:
    folder = tmp_path_factory.mktemp("program") / NAME
    folder.mkdir()
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "Pulumi.yaml").write_text(MANIFEST)
    (folder / "providers").symlink_to(ROOT / "providers")
    key = master_key.get_secret_value()
    gateway = {"url": gateway_url, "admin_key": {"env": MASTER_KEY}}
    project = Project.of_program(
        folder,
        tmp_path_factory.mktemp("project") / NAME,
        {**platform, MASTER_KEY: key},
        {"gateway": gateway, "template": {**TEMPLATE}, "keys": KEYS},
    )
    project.up()
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=gateway_url, headers=headers, timeout=30) as client:
        yield Program(project, client)
    project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")


def test_a_key_has_what_its_template_says_and_its_own_wins(program: Program) -> None:
    assert program.live("key_alias", "models", "max_budget", "rpm_limit", "metadata") == {
        "plain": ["team-plain", ["gpt-4o"], 5, 9, TEMPLATE["metadata"]],
        "special": ["team-special", ["gpt-4o"], 7, 9, {"team": "search", "tier": "tin"}],
    }
    assert program.project.preview() == []


def test_a_changed_template_is_shown_at_each_key_and_changes_it_in_place(program: Program) -> None:
    made = program.ids()
    program.change(max_budget=6, rpm_limit=12, metadata={"team": "ads", "tier": "gold"})
    assert {(step.name, step.operation, step.changed) for step in program.project.preview()} == {
        ("plain", "update", frozenset({"max_budget", "rpm_limit", "metadata"})),
        ("special", "update", frozenset({"rpm_limit", "metadata"})),
    }
    program.project.up()
    assert program.live("max_budget", "rpm_limit", "metadata") == {
        "plain": [6, 12, {"team": "ads", "tier": "gold"}],
        "special": [7, 12, {"team": "ads", "tier": "tin"}],
    }
    assert program.ids() == made
    program.project.refresh()
    assert program.project.preview() == []
