"""Every way in which LiteLLM and its keys break, made on the real stack: the doctor names it.

Each fault is also undone, and seen whole again.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from kubernetes import client
from pydantic import SecretStr
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from doctor.examine import examine
from doctor.kubernetes import Kubernetes
from doctor.links import LINKS
from doctor.model import Finding
from doctor.scene import Scene
from doctor.stack import StackState
from doctor.vault import Vault as DoctorsVault
from doctor.verdict import Verdict, judge
from tests.support.cluster import Cluster
from tests.support.gateway import admin
from tests.support.project import Project
from tests.support.vault import Vault

NAMESPACE = "litellm"
API_KEYS = "litellm/api-keys"
WRONG_PASSWORD = "postgresql://litellm:wrong@postgres.postgres.svc:5432/litellm"
NO_IMAGE = "docker.io/local/litellm:no-such-tag"


class Ward:
    """The deployed stack, and every hand that makes it ill."""

    def __init__(self, project: Project, cluster: Cluster, vault: Vault, admin: httpx.Client) -> None:
        self.cluster, self.vault, self.admin = cluster, vault, admin
        self.platform = project.environment
        self.state = StackState.of({"deployment": {"resources": project.resources()}})

    @property
    def key(self) -> str:
        """Hash of one of the stack's keys."""
        return str(self.state.keys[0]["id"])

    def examine(self) -> Verdict:
        return judge(self.findings(lambda _: None), LINKS)

    def findings(self, record: Callable[[str], None]) -> list[Finding]:
        """Let the doctor look; each of its calls is told to `record`."""
        platform = self.platform
        kubernetes = Kubernetes(platform["KUBECONFIG"], None, record)
        vault = DoctorsVault(
            platform["VAULT_ADDR"], platform["VAULT_TOKEN"], platform["VAULT_CACERT"], None, record
        )
        try:
            return examine(Scene(kubernetes, vault, [NAMESPACE], self.state), LINKS)
        finally:
            kubernetes.close()

    def examine_until(self, enough: Callable[[Verdict], bool], timeout_seconds: float = 240) -> Verdict:
        last: list[Verdict] = []

        def looked() -> bool:
            last[:] = [self.examine()]
            return enough(last[0])

        for attempt in Retrying(
            retry=retry_if_result(lambda done: not done),
            stop=stop_after_delay(timeout_seconds),
            wait=wait_fixed(1),
            retry_error_callback=lambda _: False,
        ):
            with attempt:
                done = looked()
            attempt.retry_state.set_result(done)
        return last[0]

    # --- hands -------------------------------------------------------------------------------------------

    def patch_deployment(self, **container: Any) -> None:
        spec = {"template": {"spec": {"containers": [{"name": "litellm", **container}]}}}
        self.cluster.apps.patch_namespaced_deployment("litellm", NAMESPACE, {"spec": spec})

    def undo_rollout(self) -> None:
        """Go back to the Pod template of before, as `kubectl rollout undo` does."""
        sets = self.cluster.apps.list_namespaced_replica_set(
            NAMESPACE, label_selector="app.kubernetes.io/component=gateway"
        ).items
        revision = "deployment.kubernetes.io/revision"
        before = sorted(sets, key=lambda item: int(item.metadata.annotations[revision]))[-2]
        template = client.ApiClient().sanitize_for_serialization(before.spec.template)
        template["metadata"]["labels"].pop("pod-template-hash", None)
        body = [{"op": "replace", "path": "/spec/template", "value": template}]
        self.cluster.apps.patch_namespaced_deployment("litellm", NAMESPACE, body)

    def scale_database(self, replicas: int) -> None:
        self.cluster.apps.patch_namespaced_stateful_set_scale(
            "postgres", "postgres", {"spec": {"replicas": replicas}}
        )

    def select(self, **labels: str) -> None:
        self.cluster.core.patch_namespaced_service("litellm", NAMESPACE, {"spec": {"selector": labels}})

    def update_key(self, **changed: Any) -> None:
        self.admin.post("/key/update", json={"key": self.key, **changed}).raise_for_status()

    def change_vault(self, path: str, **properties: str) -> Callable[[], None]:
        """Change properties in Vault; gives the way back."""
        before = {name: self.vault.read(path)[name.replace("_", "-")] for name in properties}
        self.vault.change(path, **properties)
        return lambda: self.vault.change(path, **before)


@pytest.fixture(scope="module")
def ward(project: Project, cluster: Cluster, vault: Vault, master_key: SecretStr) -> Iterator[Ward]:
    with admin(project.outputs()["gatewayUrl"], master_key) as client_of_keys:
        yield Ward(project, cluster, vault, client_of_keys)


Injection = Callable[[Ward], object]


def scaled_to_zero(ward: Ward) -> None:
    ward.cluster.apps.patch_namespaced_deployment_scale("litellm", NAMESPACE, {"spec": {"replicas": 0}})


def scaled_back(ward: Ward) -> None:
    ward.cluster.apps.patch_namespaced_deployment_scale("litellm", NAMESPACE, {"spec": {"replicas": 1}})


# Name -> what makes it, what the first line says, what undoes it.
FAULTS: dict[str, tuple[Injection, str, Injection]] = {
    "switched off": (scaled_to_zero, "the gateway is switched off", scaled_back),
    "no such image": (
        lambda ward: ward.patch_deployment(image=NO_IMAGE, imagePullPolicy="Never"),
        "the image can't be had",
        Ward.undo_rollout,
    ),
    "no such Secret": (
        lambda ward: ward.patch_deployment(
            env=[{"name": "X", "valueFrom": {"secretKeyRef": {"name": "no-such-secret", "key": "x"}}}]
        ),
        "the Pod names a Secret, a ConfigMap or a key that isn't there",
        Ward.undo_rollout,
    ),
    "too little memory": (
        lambda ward: ward.patch_deployment(
            resources={"requests": {"memory": "64Mi"}, "limits": {"memory": "128Mi"}}
        ),
        "needs more memory than its limit",
        Ward.undo_rollout,
    ),
    "too large for a node": (
        lambda ward: ward.patch_deployment(
            resources={"requests": {"memory": "900Gi"}, "limits": {"memory": "900Gi"}}
        ),
        "no node has room",
        Ward.undo_rollout,
    ),
    "wrong arguments": (
        lambda ward: ward.patch_deployment(args=["--config", "/no/such/file"]),
        "LiteLLM ends right after its start",
        Ward.undo_rollout,
    ),
    "wrong database password": (
        lambda ward: ward.patch_deployment(
            env=[
                {
                    "name": "DATABASE_URL",
                    "value": "postgresql://litellm:wrong@postgres.postgres.svc:5432/litellm",
                }
            ]
        ),
        "refuses the user or password",
        Ward.undo_rollout,
    ),
    "database stopped": (
        lambda ward: ward.scale_database(0),
        "the database doesn't run",
        lambda ward: ward.scale_database(1),
    ),
    "Service selects nobody": (
        lambda ward: ward.select(**{"app.kubernetes.io/component": "nobody"}),
        "no Service leads to them|no Pod of the gateway is ready",
        lambda ward: ward.select(**{"app.kubernetes.io/component": "gateway"}),
    ),
    "key blocked": (
        lambda ward: ward.update_key(blocked=True),
        "was blocked at the gateway",
        lambda ward: ward.update_key(blocked=None),
    ),
    "key expired": (
        lambda ward: ward.update_key(duration="1s"),
        "has expired",
        lambda ward: ward.update_key(duration=None),
    ),
    "budget used up": (
        lambda ward: ward.update_key(spend=1000),
        "the budget of the key .* is used up",
        lambda ward: ward.update_key(spend=0),
    ),
    "key limit changed": (
        lambda ward: ward.update_key(max_budget=1),
        "somebody has changed the key",
        lambda ward: ward.update_key(max_budget=ward.state.keys[0]["outputs"]["max_budget"]),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_first_line_names_the_cause(ward: Ward, name: str) -> None:
    inject, cause, undo = FAULTS[name]
    inject(ward)
    try:
        verdict = ward.examine_until(lambda verdict: _says(verdict, cause))
        assert _says(verdict, cause), verdict
    finally:
        undo(ward)
    verdict = ward.examine_until(lambda verdict: not (verdict.roots or verdict.weak))
    assert not verdict.roots, verdict
    assert not verdict.weak, verdict


def test_a_master_key_that_is_changed_in_vault_alone_is_named(ward: Ward) -> None:
    undo = ward.change_vault(API_KEYS, master_key="sk-another-master-key-0123456789")
    cause = "the admin key isn't the one that the gateway knows"
    try:
        verdict = ward.examine_until(lambda verdict: _says(verdict, cause))
        assert _says(verdict, cause), verdict
    finally:
        undo()
    ward.examine_until(lambda verdict: not verdict.roots)


def test_a_healthy_chain_has_nothing_red_and_nothing_yellow_ten_times_in_a_row(ward: Ward) -> None:
    for _ in range(10):
        verdict = ward.examine()
        assert not verdict.roots, verdict
        assert not verdict.weak, verdict
        assert not verdict.unknown, verdict


def test_the_examination_changes_nothing(ward: Ward) -> None:
    """Every call is a read, or one of those that store nothing."""
    calls: list[str] = []
    ward.findings(calls.append)
    storing_nothing = (
        "/token",
        "/tokenreviews",
        "/subjectaccessreviews",
        "/login",
        "/v1/auth/token/revoke-self",
    )
    others = [call for call in calls if not call.startswith(("GET ", "TLS "))]
    assert calls
    assert all(call.startswith("POST ") and call.endswith(storing_nothing) for call in others), others


def _says(verdict: Verdict, cause: str) -> bool:
    named = [*(root.finding for root in verdict.roots), *verdict.weak]
    return bool(named) and re.search(cause, named[0].cause) is not None
