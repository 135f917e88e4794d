"""Somebody who runs the doctor's command with rights of a least kind."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.patient import Patient

__all__ = ["ROOT", "Said", "kubeconfig_of", "run_doctor", "visiting_account"]

ROOT = Path(__file__).parents[2]
_RBAC = "/apis/rbac.authorization.k8s.io/v1"


@dataclass(frozen=True)
class Said:
    """What the command said, and how it ended."""

    exit_code: int
    output: str
    errors: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.output)
        return found

    def states(self, link: str) -> set[str]:
        """Give the states of a link's findings."""
        return {item["state"] for item in self.document["findings"] if item["link"] == link}


def run_doctor(
    *arguments: str, folder: Path = ROOT, environment: Mapping[str, str | None] | None = None
) -> Said:
    """Run `python -m doctor` with some variables changed; None takes one away."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
    done = subprocess.run(
        [sys.executable, "-m", "doctor", *arguments],
        cwd=folder,
        env={name: value for name, value in variables.items() if value is not None},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Said(done.returncode, done.stdout, done.stderr)


@contextmanager
def visiting_account(patient: Patient, namespace: str = "") -> Iterator[str]:
    """Give the token of a ServiceAccount with the documented ClusterRole, in one namespace or in all."""
    [role] = yaml.safe_load_all((ROOT / "docs" / "doctor-role.yaml").read_text())
    name = f"visitor-{patient.name}"
    place = f"/namespaces/{namespace}" if namespace else ""
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": "visitor", "namespace": patient.name}],
    }
    account = f"/api/v1/namespaces/{patient.name}/serviceaccounts/visitor"
    bindings = f"{_RBAC}{place}/{'rolebindings' if namespace else 'clusterrolebindings'}/{name}"
    patient.replace(account, {"apiVersion": "v1", "kind": "ServiceAccount"})
    patient.replace(f"{_RBAC}/clusterroles/{name}", {**role, "metadata": {}})
    patient.replace(bindings, binding)
    try:
        yield patient.token_of("visitor")
    finally:
        for path in (bindings, f"{_RBAC}/clusterroles/{name}", account):
            patient.delete(path)


def kubeconfig_of(file: Path, server: str, token: str, authority: str | None = None) -> Path:
    """Write a kubeconfig for a token."""
    cluster = {"server": server} | ({"certificate-authority": authority} if authority else {})
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "clusters": [{"name": "it", "cluster": cluster}],
        "users": [{"name": "it", "user": {"token": token}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
    }
    file.write_text(yaml.safe_dump(document))
    return file
