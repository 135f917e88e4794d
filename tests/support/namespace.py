"""A namespace of a test's own, and credentials that may do only what a Role says."""

import base64
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from tests.support.cluster import Cluster

__all__ = ["Namespace", "new_namespace"]

_ROOTS = {
    "v1": "/api/v1",
    "apps/v1": "/apis/apps/v1",
    "rbac.authorization.k8s.io/v1": "/apis/rbac.authorization.k8s.io/v1",
    "external-secrets.io/v1": "/apis/external-secrets.io/v1",
}
_CREATED = 201


class Namespace:
    """Makes objects in one namespace."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster = cluster
        self.name = name

    def create(self, api_version: str, kind: str, name: str, **body: Any) -> None:
        """Create an object of any kind whose plural is its name with an s."""
        api = self.cluster.core.api_client
        document = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **body}
        call = api.param_serialize(
            method="POST",
            resource_path=f"{_ROOTS[api_version]}/namespaces/{self.name}/{kind.lower()}s",
            header_params={"Content-Type": "application/json"},
            body=document,
            auth_settings=["BearerToken"],
        )
        response = api.call_api(*call)
        assert response.status == _CREATED, response.read()

    def create_deployment(self, name: str, container: Mapping[str, Any], replicas: int = 1) -> None:
        """Run a container that ends at once when it is told to."""
        pod = {"terminationGracePeriodSeconds": 0, "containers": [{"name": name, **container}]}
        labels = {"app": name}
        template = {"metadata": {"labels": labels}, "spec": pod}
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
        self.create("apps/v1", "Deployment", name, spec=spec)

    def scale(self, deployment: str, replicas: int) -> None:
        """Set the number of a Deployment's replicas."""
        self.cluster.apps.patch_namespaced_deployment_scale(
            deployment, self.name, {"spec": {"replicas": replicas}}
        )

    def wait_for_replicas(self, deployment: str, replicas: int, timeout_seconds: float = 60) -> None:
        """Wait until just as many Pods are ready."""

        @retry(
            retry=retry_if_result(lambda reached: not reached),
            stop=stop_after_delay(timeout_seconds),
            wait=wait_fixed(0.2),
        )
        def reached() -> bool:
            status = self.cluster.apps.read_namespaced_deployment(deployment, self.name).status
            return (status.ready_replicas or 0) == replicas == len(self.pods(deployment))

        reached()

    def pods(self, app: str) -> list[str]:
        """Name the Pods of a Deployment that aren't about to end."""
        found = self.cluster.core.list_namespaced_pod(self.name, label_selector=f"app={app}").items
        return [pod.metadata.name for pod in found if pod.metadata.deletion_timestamp is None]

    def kubeconfig(self, folder: Path, *roles: str) -> str:
        """Write a kubeconfig for a new ServiceAccount that has these Roles of the documentation."""
        account = f"account-{secrets.token_hex(3)}"
        self.create("v1", "ServiceAccount", account)
        for role in roles:
            self._bind(account, role)
        asked = {"spec": {"expirationSeconds": 3600}}
        answer = self.cluster.core.create_namespaced_service_account_token(account, self.name, asked)
        settings = self.cluster.core.api_client.configuration
        authority = base64.b64encode(Path(settings.ssl_ca_cert).read_bytes()).decode()
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "least",
            "clusters": [
                {
                    "name": "c",
                    "cluster": {"server": settings.host, "certificate-authority-data": authority},
                }
            ],
            "users": [{"name": "u", "user": {"token": answer.status.token}}],
            "contexts": [{"name": "least", "context": {"cluster": "c", "user": "u"}}],
        }
        file = folder / f"{account}.kubeconfig"
        file.write_text(yaml.safe_dump(document))
        return str(file)

    def _bind(self, account: str, role: str) -> None:
        name = f"{role}-{account}"
        self.create("rbac.authorization.k8s.io/v1", "Role", name, rules=_documented_rules(role))
        self.create(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            name,
            roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            subjects=[{"kind": "ServiceAccount", "name": account, "namespace": self.name}],
        )


def _documented_rules(role: str) -> Any:
    file = Path(__file__).parents[2] / "docs" / "kubernetes-role.yaml"
    documents = {document["metadata"]["name"]: document for document in yaml.safe_load_all(file.read_text())}
    return documents[role]["rules"]


@contextmanager
def new_namespace(cluster: Cluster) -> Iterator[Namespace]:
    """Make a namespace, and have it removed."""
    name = f"test-{secrets.token_hex(4)}"
    cluster.core.create_namespace({"metadata": {"name": name}})
    yield Namespace(cluster, name)
    cluster.core.delete_namespace(name)
