"""What could hold better, made on the real servers: the doctor advises on it, and the exit code stays."""

import datetime as dt
import re
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from doctor.examine import examine
from doctor.kubernetes import Kubernetes
from doctor.links import HARDENING
from doctor.model import Finding
from doctor.scene import Scene
from doctor.vault import Vault
from tests.doctor.visitor import run_doctor
from tests.doctor.ward import Ward
from tests.support.patient import Patient
from tests.support.project import Project
from toolchain import ensure

LABELS = {"app": "bare"}


class Advice:
    """What is said of each matter."""

    def __init__(self, findings: list[Finding]) -> None:
        self._findings = findings

    def causes(self, link: str) -> list[str]:
        """Give what is advised; empty if all is well, and what couldn't be looked at fails."""
        mine = [finding for finding in self._findings if finding.link == link]
        assert mine, f"nothing is said of {link}"
        assert not [finding for finding in mine if finding.state == "unknown"], mine
        return [finding.cause for finding in mine if finding.state == "weak"]


def advised(patient: Patient, vault: Vault | None = None, gateway_url: str | None = None) -> Advice:
    platform = patient.platform
    kubernetes = Kubernetes(platform["KUBECONFIG"], None, lambda _: None)
    own = Vault(
        platform["VAULT_ADDR"], platform["VAULT_TOKEN"], platform["VAULT_CACERT"], None, lambda _: None
    )
    try:
        scene = Scene(kubernetes, vault or own, [patient.name], gateway_url=gateway_url)
        return Advice(examine(scene, HARDENING))
    finally:
        kubernetes.close()


@pytest.fixture(scope="module")
def bare_vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    """Start a server as nobody should leave one: no TLS, no audit device, and its root token alive."""
    token = secrets.token_hex(16)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("bare-vault") / "log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [ensure("openbao"), "server", "-dev", "-dev-no-store-token"],
            env={
                "HOME": str(log.parent),
                "BAO_DEV_ROOT_TOKEN_ID": token,
                "BAO_DEV_LISTEN_ADDRESS": f"127.0.0.1:{port}",
            },
            stdout=output,
            stderr=output,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/v1/sys/health", server, log)
        yield Vault(f"http://127.0.0.1:{port}", token, None, None, lambda _: None)
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait_for(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(200):
        assert server.poll() is None, log.read_text()
        try:
            if requests.get(url, timeout=2).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    pytest.fail(f"{url} doesn't answer:\n{log.read_text()}")


class Bare:
    """A gateway as nobody should deploy one, without a Pod: the doctor reads what is declared."""

    def __init__(self, patient: Patient, master_key: str) -> None:
        self.patient = patient
        patient.secret(
            "bare", LITELLM_MASTER_KEY=master_key, DATABASE_URL="postgresql://u:p@db.example.com/x"
        )
        self._replace("apps/v1", "deployments", "Deployment", self._deployment())

    def _deployment(self, **container: Any) -> dict[str, Any]:
        image = {"name": "litellm", "image": "docker.io/local/litellm:1.106.2"}
        source = {"envFrom": [{"secretRef": {"name": "bare"}}]}
        pod = {"metadata": {"labels": LABELS}, "spec": {"containers": [image | source | container]}}
        return {"replicas": 0, "selector": {"matchLabels": LABELS}, "template": pod}

    def limit(self) -> None:
        memory = {"memory": "1Gi"}
        container = self._deployment(resources={"limits": memory, "requests": memory})
        self._replace("apps/v1", "deployments", "Deployment", container)

    def demand_tls(self, master_key: str) -> None:
        url = "postgresql://u:p@db.example.com/x?sslmode=verify-full"
        self.patient.secret("bare", LITELLM_MASTER_KEY=master_key, DATABASE_URL=url)

    def fence(self, **selector: Any) -> None:
        spec = {"podSelector": selector, "policyTypes": ["Ingress"]}
        self._replace("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy", spec)

    def snapshot(self, *, suspend: bool = False, hours_ago: float | None = None) -> None:
        command = ["sh", "-c", "bao operator raft snapshot save /backup/now"]
        container = {"name": "snapshot", "image": "docker.io/local/openbao:2", "command": command}
        pod = {"spec": {"restartPolicy": "Never", "containers": [container]}}
        # On the 30th of February: it never runs by itself.
        spec = {"schedule": "0 0 30 2 *", "suspend": suspend, "jobTemplate": {"spec": {"template": pod}}}
        self._replace("batch/v1", "cronjobs", "CronJob", spec)
        if hours_ago is not None:
            last = dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours_ago)
            status = {"status": {"lastSuccessfulTime": f"{last:%Y-%m-%dT%H:%M:%SZ}"}}
            self.patient.patch(f"{self._path('batch/v1', 'cronjobs')}/status", status)

    def _path(self, version: str, plural: str) -> str:
        return f"/apis/{version}/namespaces/{self.patient.name}/{plural}/bare"

    def _replace(self, version: str, plural: str, kind: str, spec: dict[str, Any]) -> None:
        document = {"apiVersion": version, "kind": kind, "spec": spec}
        self.patient.replace(self._path(version, plural), document)

    def remove(self) -> None:
        for version, plural in (
            ("apps/v1", "deployments"),
            ("networking.k8s.io/v1", "networkpolicies"),
            ("batch/v1", "cronjobs"),
        ):
            self.patient.delete(self._path(version, plural))
        self.patient.delete(f"/api/v1/namespaces/{self.patient.name}/secrets/bare")


@pytest.fixture
def bare(patient: Patient, ward: Ward) -> Iterator[Bare]:
    bare = Bare(patient, ward.vault.read("litellm/api-keys")["master-key"])
    try:
        yield bare
    finally:
        bare.remove()


# --- Vault -----------------------------------------------------------------------------------------------


def test_a_server_without_audit_device_is_advised_on(patient: Patient, bare_vault: Vault) -> None:
    assert advised(patient, bare_vault).causes("audit") == ["nobody can say later who has read a secret"]
    assert advised(patient).causes("audit") == []


def test_a_root_token_that_lives_is_advised_on(patient: Patient, bare_vault: Vault) -> None:
    assert advised(patient, bare_vault).causes("root-token") == [
        "the root token wasn't revoked after the set-up, and never ends"
    ]
    assert advised(patient).causes("root-token") == []


def test_plain_http_is_advised_on(patient: Patient, bare_vault: Vault) -> None:
    assert advised(patient, bare_vault).causes("tls") == ["your own token goes over the network in the clear"]
    assert advised(patient).causes("tls") == []
    patient.edit_vault(lambda vault: vault.update(server="http://openbao.vault.svc:8200"))
    try:
        assert advised(patient).causes("tls") == ["every secret goes over the network in the clear"]
    finally:
        patient.heal()
    assert advised(patient).causes("tls") == []


def test_old_and_missing_snapshots_are_advised_on(patient: Patient, bare: Bare) -> None:
    assert advised(patient).causes("snapshots") == ["if Vault's storage is lost, every secret is"]
    bare.snapshot()
    assert advised(patient).causes("snapshots") == ["there is no snapshot of Vault"]
    bare.snapshot(hours_ago=50)
    old = ["the newest snapshot of Vault is older than 26 h, or will be"]
    assert advised(patient).causes("snapshots") == old
    bare.snapshot(hours_ago=1, suspend=True)
    assert advised(patient).causes("snapshots") == old
    bare.snapshot(hours_ago=1)
    assert advised(patient).causes("snapshots") == []


# --- the gateway -----------------------------------------------------------------------------------------


def test_missing_limits_are_advised_on(patient: Patient, bare: Bare) -> None:
    assert advised(patient).causes("limits") == [
        "a gateway that needs more and more memory takes its node's other Pods down"
    ]
    bare.limit()
    assert advised(patient).causes("limits") == []


def test_a_database_without_tls_is_advised_on(patient: Patient, bare: Bare, ward: Ward) -> None:
    assert advised(patient).causes("tls") == [
        "the hashes and limits of all keys go to the database in the clear"
    ]
    bare.demand_tls(ward.vault.read("litellm/api-keys")["master-key"])
    assert advised(patient).causes("tls") == []


@pytest.mark.parametrize(
    "selector",
    [
        {},
        {"matchLabels": LABELS},
        {"matchExpressions": [{"key": "app", "operator": "In", "values": ["bare"]}]},
        {"matchExpressions": [{"key": "app", "operator": "Exists"}]},
    ],
)
def test_pods_that_nothing_fences_are_advised_on(
    patient: Patient, bare: Bare, selector: dict[str, Any]
) -> None:
    without = ["every Pod of the cluster reaches the gateway, and it reaches everything"]
    assert advised(patient).causes("network-policy") == without
    bare.fence(matchLabels={"app": "another"})
    assert advised(patient).causes("network-policy") == without
    bare.fence(**selector)
    assert advised(patient).causes("network-policy") == []


@pytest.mark.usefixtures("bare")
def test_keys_that_are_managed_with_the_master_key_are_advised_on(patient: Patient, gateway_url: str) -> None:
    assert advised(patient, gateway_url=gateway_url).causes("own-admin-key") == [
        "whoever manages keys can do everything else too, and can't be locked out alone"
    ]


# --- the command -----------------------------------------------------------------------------------------


def test_advice_is_a_section_of_its_own_and_leaves_the_exit_code(ward: Ward, project: Project) -> None:
    del ward
    environment: dict[str, str | None] = dict(project.environment)
    silent = run_doctor("--stack", "dev", "--brief", folder=project.folder, environment=environment)
    assert silent.exit_code == 0, silent.output
    assert "ADVICE" not in silent.output
    said = run_doctor("--stack", "dev", "--hardening", folder=project.folder, environment=environment)
    assert said.exit_code == 0, said.output
    assert said.output.startswith("WHOLE every link holds")
    assert "ADVICE Snapshots: if Vault's storage is lost, every secret is" in said.output
    for holds in ("Audit device", "Root token", "Limits", "Own admin key"):
        assert re.search(rf"(?m)^{holds} +whole ", said.output), said.output
