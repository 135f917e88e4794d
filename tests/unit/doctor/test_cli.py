"""What the doctor says where it can't look."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from doctor.cli import app
from doctor.links import HARDENING, LINKS

runner = CliRunner()


@pytest.fixture(autouse=True)
def _nothing_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take every credential away."""
    for name in ("KUBECONFIG", "VAULT_ADDR", "VAULT_TOKEN", "VAULT_CACERT", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)


def test_no_cluster_and_no_vault_are_a_sentence_each() -> None:
    done = runner.invoke(app, ["-n", "litellm", "--brief"])
    assert done.exit_code == 2
    assert done.output.count("UNKNOWN no cluster") == 1
    assert done.output.count("UNKNOWN no Vault: its address isn't known") == 1
    assert "Traceback" not in done.output


def test_a_dead_address_is_said_and_the_rest_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:9")
    done = runner.invoke(app, ["-n", "litellm", "--json"])
    report = json.loads(done.output)
    assert report["state"] == "unknown"
    [vault] = [finding for finding in report["findings"] if finding["link"] == "vault"]
    assert vault["evidence"] == "Vault at http://127.0.0.1:9 doesn't answer (connection refused)"


def test_no_pulumi_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    done = runner.invoke(app, [])
    assert done.exit_code == 2
    assert "no `pulumi` on PATH" in done.output
    assert "--namespace" in done.output


def test_a_link_is_explained() -> None:
    done = runner.invoke(app, ["--explain", "login"])
    assert done.exit_code == 0
    assert "revoked" in done.output


def test_an_unknown_link_names_the_known_ones() -> None:
    done = runner.invoke(app, ["--explain", "nothing"])
    assert done.exit_code == 2
    assert "auth-mount" in done.output


@pytest.mark.parametrize("name", [link.name for link in (*LINKS, *HARDENING)])
def test_every_link_is_explained(name: str) -> None:
    done = runner.invoke(app, ["--explain", name])
    assert done.exit_code == 0
    [link] = [link for link in (*LINKS, *HARDENING) if link.name == name]
    words = " ".join(done.output.split())
    assert words.startswith(f"{link.title}: {' '.join(link.explanation.split())}")
    assert all(other in words for other in link.needs)


def test_no_two_links_have_a_name_in_common() -> None:
    names = [link.name for link in (*LINKS, *HARDENING)]
    assert len(set(names)) == len(names)
