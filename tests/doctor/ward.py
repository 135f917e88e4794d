"""The deployed stack, and every hand that makes it ill and well again."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from doctor.examine import examine
from doctor.fix import retry_now
from doctor.kubernetes import Kubernetes
from doctor.links import LINKS
from doctor.model import Finding
from doctor.scene import Scene
from doctor.stack import StackState
from doctor.vault import Vault as DoctorsVault
from doctor.verdict import Verdict, judge
from tests.support.cluster import GONE, Cluster
from tests.support.postgres import Postgres
from tests.support.project import Project
from tests.support.vault import Vault

__all__ = ["NAMESPACE", "NO_IMAGE", "Ward"]

NAMESPACE = "litellm"
AGAIN = "migration-again"
NO_IMAGE = "docker.io/local/litellm:no-such-tag"


class Ward:
    """The stack of the tests, as the doctor and somebody with kubectl see it.

    Attributes
    ----------
    key, admin_key
        Hashes of one of the stack's keys, and of its platform admin's.
    admin_routes
        What the latter may call.
    """

    def __init__(self, project: Project, cluster: Cluster, vault: Vault, admin: httpx.Client) -> None:
        self.cluster, self.vault, self.admin = cluster, vault, admin
        self.platform = project.environment
        self.state = StackState.of({"deployment": {"resources": project.resources()}})
        self.key = str(self.state.keys[0]["id"])
        self.admin_key = hashlib.sha256(vault.read("litellm/platform-admin")["api-key"].encode()).hexdigest()
        deployment = cluster.apps.read_namespaced_deployment("litellm", NAMESPACE)
        self._template: dict[str, Any] = client.ApiClient().sanitize_for_serialization(
            deployment.spec.template
        )
        self.admin_routes = list(self.admin_row()["allowed_routes"])
        self._batch = client.BatchV1Api(cluster.core.api_client)
        self._networking = client.NetworkingV1Api(cluster.core.api_client)

    # --- the doctor --------------------------------------------------------------------------------------

    def examine(self) -> Verdict:
        return judge(self.findings(lambda _: None), LINKS)

    def findings(self, record: Callable[[str], None]) -> list[Finding]:
        """Let the doctor look; each of its calls is told to `record`."""
        kubernetes = Kubernetes(self.platform["KUBECONFIG"], None, record)
        try:
            return examine(self._scene(kubernetes, record), LINKS)
        finally:
            kubernetes.close()

    def hurry(self) -> None:
        """Let the operator try again at once, as `--fix` does."""
        kubernetes = Kubernetes(self.platform["KUBECONFIG"], None, lambda _: None)
        try:
            retry_now(self._scene(kubernetes, lambda _: None))
        finally:
            kubernetes.close()

    def _scene(self, kubernetes: Kubernetes, record: Callable[[str], None]) -> Scene:
        platform = self.platform
        vault = DoctorsVault(
            platform["VAULT_ADDR"], platform["VAULT_TOKEN"], platform["VAULT_CACERT"], None, record
        )
        return Scene(kubernetes, vault, [NAMESPACE], stack=self.state)

    def examine_until(self, enough: Callable[[Verdict], bool], timeout_seconds: float = 240) -> Verdict:
        """Look again until the cluster has reacted; gives the last verdict, whatever it is."""
        looking = Retrying(
            retry=retry_if_result(lambda verdict: not enough(verdict)),
            stop=stop_after_delay(timeout_seconds),
            wait=wait_fixed(0.5),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        verdict: Verdict = looking(self.examine)
        return verdict

    # --- the gateway's Pods ------------------------------------------------------------------------------

    def patch_container(self, **container: Any) -> None:
        """Change the gateway's container, which begins a rollout; the Pod of before serves on."""
        spec = {"template": {"spec": {"containers": [{"name": "litellm", **container}]}}}
        self.cluster.apps.patch_namespaced_deployment("litellm", NAMESPACE, {"spec": spec})

    def restore_template(self) -> None:
        """Go back to the Pod template that was deployed."""
        body = [{"op": "replace", "path": "/spec/template", "value": self._template}]
        self.cluster.apps.patch_namespaced_deployment("litellm", NAMESPACE, body)

    def scale(self, replicas: int) -> None:
        self.cluster.apps.patch_namespaced_deployment_scale(
            "litellm", NAMESPACE, {"spec": {"replicas": replicas}}
        )

    def scale_database(self, replicas: int) -> None:
        self.cluster.apps.patch_namespaced_stateful_set_scale(
            "postgres", "postgres", {"spec": {"replicas": replicas}}
        )

    def migrate_again(self, retries: int = 6) -> None:
        """Run the migration once more, in a Job beside the stack's."""
        [job] = self._batch.list_namespaced_job(NAMESPACE).items
        template = client.ApiClient().sanitize_for_serialization(job.spec.template)
        component = "app.kubernetes.io/component"
        metadata = {"labels": {component: template["metadata"]["labels"][component]}}
        spec = {"backoffLimit": retries, "template": {"metadata": metadata, "spec": template["spec"]}}
        self._batch.create_namespaced_job(NAMESPACE, {"metadata": {"name": AGAIN}, "spec": spec})

    def take_migration_away(self) -> None:
        self._batch.delete_namespaced_job(AGAIN, NAMESPACE, propagation_policy="Background")

    def sql(self, statement: str) -> str:
        """Run a statement in LiteLLM's database."""
        return Postgres(self.cluster).sql(statement, database="litellm")

    # --- the way to them ---------------------------------------------------------------------------------

    def select(self, **labels: str) -> None:
        self.cluster.core.patch_namespaced_service("litellm", NAMESPACE, {"spec": {"selector": labels}})

    def lead_to(self, service: str) -> None:
        """Let the Ingress lead to a Service."""
        path = "/spec/rules/0/http/paths/0/backend/service/name"
        body = [{"op": "replace", "path": path, "value": service}]
        self._networking.patch_namespaced_ingress("litellm", NAMESPACE, body)

    def serve_class(self, name: str) -> None:
        """Make an Ingress class, as an ingress controller does."""
        body = {"metadata": {"name": name}, "spec": {"controller": "example.com/of-the-tests"}}
        self._networking.create_ingress_class(body)

    def certify(self, certificate: str, key: str) -> None:
        """Write the certificate that the Ingress names, and let a controller serve it."""
        secret = {
            "metadata": {"name": "gateway-tls"},
            "type": "kubernetes.io/tls",
            "stringData": {"tls.crt": certificate, "tls.key": key},
        }
        self.cluster.core.create_namespaced_secret(NAMESPACE, secret)
        self.serve_class("nginx")

    def serve_nothing(self) -> None:
        """Take away what an ingress controller and its certificates would be."""
        for item in self._networking.list_ingress_class().items:
            self._networking.delete_ingress_class(item.metadata.name)
        try:
            self.cluster.core.delete_namespaced_secret("gateway-tls", NAMESPACE)
        except ApiException as error:
            if error.status != GONE:
                raise

    # --- keys --------------------------------------------------------------------------------------------

    def update_key(self, **changed: Any) -> None:
        self.post("/key/update", {"key": self.key, **changed})

    def update_admin_key(self, **changed: Any) -> None:
        self.post("/key/update", {"key": self.admin_key, **changed})

    def admin_row(self) -> Mapping[str, Any]:
        """Give what the gateway knows of the platform admin's key."""
        answer = self.admin.get("/key/info", params={"key": self.admin_key}).raise_for_status()
        return dict(answer.json()["info"])

    def give_role(self, role: str) -> None:
        """Give the platform admin's user another role."""
        self.post("/user/update", {"user_id": self.admin_row()["user_id"], "user_role": role})

    def leave_a_key(self) -> None:
        """Make a key that bears the mark of a resource that is in no state."""
        urn = f"urn:pulumi:{self.state.name}::{self.state.project}::litellm:VirtualKey::left-over"
        self.post("/key/generate", {"key_alias": "left-over", "metadata": {"pulumi-urn": urn}})

    def delete_left_key(self) -> None:
        self.post("/key/delete", {"key_aliases": ["left-over"]})

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        self.admin.post(path, json=dict(body)).raise_for_status()
