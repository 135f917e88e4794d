"""Where the doctor can't look: a sentence each, exit code 2, and the rest is looked at all the same."""

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.doctor.visitor import ROOT, kubeconfig_of, run_doctor, visiting_account
from tests.doctor.ward import NAMESPACE, Ward
from tests.support.patient import Patient
from tests.support.project import Project


@pytest.fixture
def environment(platform: Mapping[str, str]) -> dict[str, str | None]:
    """Give what somebody has who set the platform up."""
    return dict(platform)


def test_a_chain_without_a_stack_is_looked_at(ward: Ward, environment: dict[str, str | None]) -> None:
    """Namespaces, kubeconfig and address of Vault are enough."""
    address, kubeconfig = environment.pop("VAULT_ADDR"), environment.pop("KUBECONFIG")
    bare = environment | {"VAULT_ADDR": None, "KUBECONFIG": None, "PATH": "/usr/bin:/bin"}
    arguments = ["-n", NAMESPACE, "--kubeconfig", str(kubeconfig), "--vault-addr", str(address), "--json"]
    said = run_doctor(*arguments, environment=bare)
    assert said.exit_code == 0, said.output
    assert said.states("store") == said.states("gateway") == said.states("admin-key") == {"whole"}
    assert ward.key not in said.output  # without a stack nobody says which keys there should be


def test_no_cluster(patient: Patient, environment: dict[str, str | None], tmp_path: Path) -> None:
    nowhere = environment | {"KUBECONFIG": str(tmp_path / "none")}
    said = run_doctor("-n", patient.name, "--json", environment=nowhere)
    assert said.exit_code == 2
    [cluster] = [item for item in said.document["findings"] if item["link"] == "cluster"]
    assert cluster["evidence"].startswith("no cluster: the kubeconfig can't be used")
    assert said.states("vault") == {"whole"}


def test_no_vault_token(patient: Patient, environment: dict[str, str | None], tmp_path: Path) -> None:
    without = environment | {"VAULT_TOKEN": None, "HOME": str(tmp_path)}
    said = run_doctor("-n", patient.name, "--json", environment=without)
    assert said.exit_code == 2
    sentences = {item["evidence"] for item in said.document["findings"] if item["state"] == "unknown"}
    assert sentences == {"no Vault token, so nothing can be read in Vault"}
    whole = ("cluster", "operator", "vault", "store-server", "service-account", "store", "external-secret")
    assert {link: said.states(link) for link in whole} == {link: {"whole"} for link in whole}


def test_a_vault_token_that_may_nothing(patient: Patient, environment: dict[str, str | None]) -> None:
    token = patient.vault.auth.token.create(policies=["default"], ttl="5m")["auth"]["client_token"]
    said = run_doctor("-n", patient.name, "--brief", environment=environment | {"VAULT_TOKEN": token})
    assert said.exit_code == 2
    assert "UNKNOWN the doctor's Vault token may not read sys/mounts" in said.output
    assert "docs/doctor.md has its policy" in said.output


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"VAULT_ADDR": None}, "no Vault: its address isn't known"),
        (
            {"VAULT_ADDR": "nonsense"},
            "no Vault: its address 'nonsense' doesn't begin with http:// or https://",
        ),
        ({"VAULT_CACERT": "/none"}, "no Vault: the CA /none isn't there"),
    ],
)
def test_a_vault_that_cannot_be_called(
    patient: Patient, environment: dict[str, str | None], changed: dict[str, str | None], sentence: str
) -> None:
    said = run_doctor("-n", patient.name, "--json", environment=environment | changed)
    assert said.exit_code == 2
    unknown = [item for item in said.document["findings"] if item["state"] == "unknown"]
    assert {item["evidence"] for item in unknown} == {sentence}
    assert "login" in {item["link"] for item in unknown}  # a store isn't blamed for it
    assert said.states("operator") == said.states("external-secret") == {"whole"}


def test_a_kubeconfig_whose_credential_has_ended(
    ward: Ward, patient: Patient, project: Project, tmp_path: Path
) -> None:
    """The stack and Vault are looked at; nobody says that what can't be seen isn't there."""
    authority = tmp_path / "ca.crt"
    authority.write_text(patient.cluster_authority())
    kubeconfig = kubeconfig_of(tmp_path / "kubeconfig", patient.server, "ended", str(authority))
    visitor = {**project.environment, "KUBECONFIG": str(kubeconfig)}
    said = run_doctor("--stack", "dev", "--json", folder=project.folder, environment=visitor)
    assert said.exit_code == 2
    unknown = {item["evidence"] for item in said.document["findings"] if item["state"] == "unknown"}
    assert unknown == {
        f"the Kubernetes API at {patient.server} doesn't take the kubeconfig's credential (HTTP 401)"
    }
    assert said.states("deployment") == {"unknown"}
    assert said.states("vault") == said.states("gateway") == said.states("keys") == {"whole"}
    del ward  # only for the order: the stack is up


def test_a_namespace_without_a_chain(environment: dict[str, str | None]) -> None:
    said = run_doctor("-n", "default", "--brief", environment=environment)
    assert said.exit_code == 2
    assert "UNKNOWN no ExternalSecret in default, so there is no chain to look at" in said.output


def test_a_pipe_gets_a_line_for_each_thing(patient: Patient, environment: dict[str, str | None]) -> None:
    """No colour, nothing folded or cut, nothing padded."""
    told = run_doctor("-n", patient.name, "--json", environment=environment).document["findings"]
    said = run_doctor("-n", patient.name, environment=environment | {"COLUMNS": "60"})
    lines = said.output.splitlines()
    assert "\x1b" not in said.output
    assert [line.rstrip() for line in lines] == lines
    for item in told:
        assert sum(item["subject"] in line and item["evidence"] in line for line in lines) >= 1, item


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_ends_it_cleanly(patient: Patient, environment: dict[str, str | None]) -> None:
    variables = {**os.environ, **environment, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "doctor", "-n", patient.name, "--brief", "--watch", "1"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={name: value for name, value in variables.items() if value is not None},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        looks = (line for line in iter(running.stdout.readline, "") if line.startswith("WHOLE"))
        assert len(list(itertools.islice(looks, 2))) == 2
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=30)
    assert (running.returncode, errors) == (130, "")


def test_a_stack_that_was_never_up(platform: Mapping[str, str], tmp_path: Path) -> None:
    project = Project(tmp_path / "new", platform)
    said = run_doctor("--json", folder=project.folder, environment=dict(project.environment))
    assert said.exit_code == 2
    [stack] = [item for item in said.document["findings"] if item["link"] == "stack"]
    assert stack["evidence"] == "the stack has no resources: it was never up"
    assert stack["cure"] == "run `pulumi up`"
    assert said.states("cluster") == said.states("vault") == said.states("operator") == {"whole"}


def test_no_such_stack(platform: Mapping[str, str], tmp_path: Path) -> None:
    project = Project(tmp_path / "new", platform)
    said = run_doctor(
        "--stack", "prod", "--brief", folder=project.folder, environment=dict(project.environment)
    )
    assert said.exit_code == 2
    assert "UNKNOWN no stack can be read: no stack named 'prod' found" in said.output


def test_a_namespace_that_may_not_be_read(
    patient: Patient, environment: dict[str, str | None], tmp_path: Path
) -> None:
    authority = tmp_path / "ca.crt"
    authority.write_text(patient.cluster_authority())
    with visiting_account(patient, patient.name) as token:
        kubeconfig = kubeconfig_of(tmp_path / "kubeconfig", patient.server, token, str(authority))
        visitor = environment | {"KUBECONFIG": str(kubeconfig)}
        said = run_doctor("-n", patient.name, "-n", NAMESPACE, "--json", environment=visitor)
    assert said.exit_code == 2
    [refused] = [item for item in said.document["findings"] if item["subject"] == f"Namespace {NAMESPACE}"]
    assert refused["evidence"].startswith("the user of the kubeconfig may not GET ")
    assert f"/namespaces/{NAMESPACE}/" in refused["evidence"]
    assert said.states("secret") == said.states("external-secret") == said.states("store") == {"whole"}


def test_a_namespace_that_is_not_there(environment: dict[str, str | None]) -> None:
    said = run_doctor("-n", "no-such-namespace", "--brief", environment=environment)
    assert said.exit_code == 1
    assert "BROKEN Namespace no-such-namespace: the namespace no-such-namespace doesn't exist" in said.output


def test_a_retry_is_forced_and_nothing_else_is_changed(
    patient: Patient, environment: dict[str, str | None]
) -> None:
    before = {path: patient.get(path) for path in patient.objects}
    said = run_doctor("-n", patient.name, "--fix", "--brief", environment=environment)
    assert said.exit_code == 0, said.output
    assert f"the operator looks at SecretStore {patient.name}/vault again" in said.errors
    for path, document in before.items():
        now = patient.get(path)
        assert now is not None
        assert document is not None
        assert now.get("spec") == document.get("spec")
        assert now.get("data") == document.get("data")
        annotations = now["metadata"].get("annotations") or {}
        assert ("force-sync" in annotations) == ("external-secrets.io" in path)
