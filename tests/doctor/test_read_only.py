"""The doctor only reads, as what passes to the API server and OpenBao's audit log say; no secret is said."""

import json
import os
import re
from pathlib import Path

import pytest

from local.instance import Instance
from tests.conftest import INSTANCE
from tests.doctor.visitor import ROOT, kubeconfig_of, run_doctor, visiting_account
from tests.doctor.ward import NAMESPACE, Ward
from tests.support.patient import Patient
from tests.support.project import Project
from tests.support.recording_proxy import RecordingProxy

# What a POST may ask of the API server: each is a question, and stores nothing.
QUESTIONS = re.compile(
    r"POST (/apis/authentication\.k8s\.io/v1/tokenreviews"
    r"|/apis/authorization\.k8s\.io/v1/subjectaccessreviews"
    r"|/api/v1/namespaces/[^/]+/serviceaccounts/[^/]+/token)"
)
# The same of Vault: a login, whose token is given back, and a look-up that is written as an update.
LOGINS = re.compile(
    r"update (auth/[^ ]+/login|auth/token/revoke-self|auth/token/lookup-accessor)|read auth/token/lookup-self"
)


def audited(file: Path, began: os.stat_result) -> list[dict[str, object]]:
    """Give the requests that OpenBao has noted since then; the log may have been rotated meanwhile."""
    parts = [(file, began.st_size)]
    if file.stat().st_ino != began.st_ino:
        parts = [(file.with_name(f"{file.name}.1"), began.st_size), (file, 0)]
    entries = []
    for part, offset in parts:
        with part.open("rb") as log:
            log.seek(offset)
            entries += [json.loads(line) for line in log if line.strip()]
    return [entry for entry in entries if entry["type"] == "request"]


@pytest.fixture(scope="module")
def audit_file(patient: Patient) -> Path:
    del patient  # for the order: the platform is up
    file = Instance.named(INSTANCE).data_folder / "openbao-audit" / "audit.log"
    assert file.exists(), f"{file} isn't there: this test reads OpenBao's audit log of a platform of its own"
    return file


def test_every_call_is_a_read(patient: Patient, project: Project, audit_file: Path, tmp_path: Path) -> None:
    """Run with the documented rights, they suffice, and both servers have seen nothing but reads."""
    name = f"doctor-{patient.name}"
    policy = (ROOT / "docs" / "doctor-policy.hcl").read_text()
    patient.vault.sys.create_or_update_policy(name, policy)
    token = patient.vault.auth.token.create(policies=[name], ttl="10m", display_name=name)["auth"]
    authority = tmp_path / "ca.crt"
    authority.write_text(patient.cluster_authority())
    calls, began = tmp_path / "calls.txt", audit_file.stat()
    with (
        visiting_account(patient) as visitor,
        RecordingProxy(patient.server, str(authority)) as api_server,
    ):
        kubeconfig = kubeconfig_of(tmp_path / "kubeconfig", api_server.url, visitor)
        said = run_doctor(
            "--stack",
            "dev",
            "--hardening",
            "--json",
            "--calls",
            str(calls),
            folder=project.folder,
            environment={
                **project.environment,
                "KUBECONFIG": str(kubeconfig),
                "VAULT_TOKEN": token["client_token"],
            },
        )
    assert said.exit_code == 0, said.output
    assert "unknown" not in {item["state"] for item in said.document["hardening"]}, said.output

    assert len(api_server.calls) > 20
    others = [call for call in api_server.calls if not call.startswith("GET ")]
    assert all(QUESTIONS.fullmatch(call) for call in others), others
    assert {call for call in api_server.calls if call.startswith("POST ")} == {
        line for line in calls.read_text().splitlines() if QUESTIONS.fullmatch(line)
    }

    requests = audited(audit_file, began)
    patient.vault.delete(f"sys/policies/acl/{name}")
    ours = [entry for entry in requests if name in json.dumps(entry.get("auth") or {})]
    from_here = {entry["request"]["remote_address"] for entry in ours}  # type: ignore[index]
    assert len(ours) > 5
    made = {
        f"{request['operation']} {request['path']}"
        for request in (entry["request"] for entry in requests)
        if isinstance(request, dict) and request["remote_address"] in from_here
    }
    assert "update auth/kubernetes/login" in made
    changes = [call for call in made if not call.startswith(("read ", "list "))]
    assert all(LOGINS.fullmatch(call) for call in changes), changes


def test_no_secret_is_said(ward: Ward, project: Project, tmp_path: Path) -> None:
    calls = tmp_path / "calls.txt"
    said = run_doctor(
        "--stack",
        "dev",
        "--hardening",
        "--calls",
        str(calls),
        folder=project.folder,
        environment=dict(project.environment),
    )
    assert said.exit_code == 0, said.output
    values = [
        *ward.vault.read("litellm/api-keys").values(),
        *ward.vault.read("litellm/database").values(),
        ward.vault.read("litellm/platform-admin")["api-key"],
        *(item["key"] for item in project.outputs()["keys"].values()),
        project.environment["VAULT_TOKEN"],
    ]
    everything = said.output + said.errors + calls.read_text()
    assert NAMESPACE in everything
    assert [value[:6] for value in values if len(value) > 12 and value in everything] == []
