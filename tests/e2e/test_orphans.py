"""`python -m providers.litellm orphans` on the stack itself, as the documentation says it."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from providers.litellm.ownership import marks
from tests.support.project import Project


def orphans(project: Project, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the command where the stack is selected: its exit code, and what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "providers.litellm", "orphans", "--json", *arguments],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.fixture
def by_hand(project: Project, gateway_admin: httpx.Client) -> Iterator[str]:
    """Make a key that carries the marks of the stack and stands in no state."""
    sibling = next(r["urn"] for r in project.resources() if r["urn"].endswith("VirtualKey::team-search"))
    urn = sibling.replace("::team-search", "::made-by-hand")
    body = {"key_alias": f"by-hand-{secrets.token_hex(3)}", "metadata": marks(urn)}
    token_id: str = gateway_admin.post("/key/generate", json=body).raise_for_status().json()["token"]
    yield token_id
    gateway_admin.post("/key/delete", json={"keys": [token_id]})


def of_verdict(document: dict[str, Any], verdict: str = "orphan") -> list[dict[str, Any]]:
    return [found for found in document["findings"] if found["verdict"] == verdict]


def test_a_stack_as_it_was_deployed_has_none(project: Project) -> None:
    """Other tests have made keys of the same project and stack, without its state, and may have left some."""
    orphans(project, "--remove", "--yes", "--used", "--older-than", "0")
    code, document = orphans(project)
    assert (code, of_verdict(document), document["unchecked"]) == (0, [], [])
    project.refresh()
    assert project.preview() == []


def test_a_key_with_our_marks_is_found_and_removed_with_nothing_else(
    project: Project, gateway_admin: httpx.Client, by_hand: str
) -> None:
    code, document = orphans(project)
    [found] = of_verdict(document)
    assert (code, found["token_id"]) == (1, by_hand)
    code, document = orphans(project, "--remove", "--yes", "--older-than", "0")
    assert (code, [found["removed"] for found in of_verdict(document)]) == (0, [True])
    code, document = orphans(project)
    assert (code, of_verdict(document)) == (0, [])
    answer = gateway_admin.get("/key/info", params={"key": by_hand})
    assert answer.status_code == 404 or answer.json()["info"]["status"] == "deleted"
    project.refresh()
    assert project.preview() == []
