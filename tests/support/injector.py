"""The real agent injector on the local node, for the namespaces of a test alone; and Pods that it changes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from kubernetes import client, utils
from tenacity import retry, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from local.images import import_missing, local_image
from local.instance import Instance
from local.node import lifecycle
from local.node.layout import Layout
from local.templates import load_documents
from tests.support.cluster import Cluster

__all__ = ["APP_USER", "InjectedApp", "running_injector"]

MANIFEST = Path(__file__).with_name("injector.yaml")
ARCHIVE = "injector-images"
APP_USER = 10001
"""As whom the app's container runs."""
# A shell that is the first process of a container ignores signals that it has no trap for.
WAITING = "trap 'exit 0' TERM; while true; do sleep 1; done"


@contextmanager
def running_injector(
    instance: Instance, cluster: Cluster, name: str, namespaces: Sequence[str]
) -> Iterator[None]:
    """Run the webhook in a namespace of its own, and take away everything of it.

    Parameters
    ----------
    name
        Of its namespace and of what it has outside of namespaces.
    namespaces
        Whose Pods it is asked about; without it there are none of these.
    """
    _import_image(instance)
    values = {
        "name": name,
        "namespaces": list(namespaces),
        "image": local_image("vault-k8s", ARCHIVE),
        "agent_image": local_image("openbao"),
    }
    api = cluster.core.api_client
    rbac, admission = client.RbacAuthorizationV1Api(api), client.AdmissionregistrationV1Api(api)
    deletions = {
        "Namespace": cluster.core.delete_namespace,
        "ClusterRole": rbac.delete_cluster_role,
        "ClusterRoleBinding": rbac.delete_cluster_role_binding,
        "MutatingWebhookConfiguration": admission.delete_mutating_webhook_configuration,
    }
    with ExitStack() as stack:
        for document in load_documents(MANIFEST, values):
            utils.create_from_dict(api, document)
            if delete := deletions.get(document["kind"]):
                stack.callback(delete, name)
        _wait_until_ready(cluster, name)
        yield


def _import_image(instance: Instance) -> None:
    node = lifecycle.find(instance)
    assert node, f"the node of instance {instance.name} doesn't run"
    import_missing(Layout.ready(instance), node, ARCHIVE)


def _wait_until_ready(cluster: Cluster, namespace: str) -> None:
    """Wait for its readiness: by then it has a certificate, and the webhook its CA."""

    @retry(retry=retry_if_result(lambda ready: not ready), stop=stop_after_delay(120), wait=wait_fixed(0.3))
    def ready() -> bool:
        status = cluster.apps.read_namespaced_deployment("injector", namespace).status
        return bool(status.ready_replicas)

    ready()


class InjectedApp:
    """A Deployment with one replica that takes over what the stack says of an app.

    Parameters
    ----------
    injector
        The app's output: annotations, serviceAccountName and volume.
    pod
        Of the Pod's specification, beside what is taken over.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        name: str,
        injector: Mapping[str, Any],
        **pod: Any,
    ) -> None:
        self._cluster, self._namespace, self._name = cluster, namespace, name
        labels = {"app": name}
        container = {
            "name": "web",
            "image": local_image("openbao"),
            "imagePullPolicy": "Never",
            "command": ["/bin/sh", "-c", WAITING],
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
        spec = {
            "serviceAccountName": injector["serviceAccountName"],
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 10,
            "securityContext": {"runAsNonRoot": True, "runAsUser": APP_USER, "runAsGroup": APP_USER},
            "containers": [container],
            "volumes": [injector["volume"]],
            **pod,
        }
        template = {"metadata": {"labels": labels, "annotations": injector["annotations"]}, "spec": spec}
        cluster.apps.create_namespaced_deployment(
            namespace,
            {
                "metadata": {"name": name},
                "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
            },
        )

    def pod(self) -> Any:
        """Give the Pod as soon as there is one."""

        @retry(
            retry=retry_if_result(lambda pod: pod is None), stop=stop_after_delay(60), wait=wait_fixed(0.2)
        )
        def first() -> Any:
            found = self._cluster.core.list_namespaced_pod(
                self._namespace, label_selector=f"app={self._name}"
            ).items
            return found[0] if found else None

        return first()

    def ready_pod(self) -> Any:
        """Give the Pod once all its containers run."""

        @retry(
            retry=retry_if_exception_type(AssertionError),
            stop=stop_after_delay(180),
            wait=wait_fixed(0.3),
            reraise=True,
        )
        def ready() -> Any:
            pod = self.pod()
            conditions = {each.type: each.status for each in pod.status.conditions or ()}
            assert conditions.get("Ready") == "True", self.log()
            return pod

        return ready()

    def log(self, container: str = "vault-agent-init") -> str:
        """Give what a container has said, which is nothing before it runs."""
        try:
            said: str = self._cluster.core.read_namespaced_pod_log(
                self.pod().metadata.name, self._namespace, container=container
            )
        except client.ApiException:
            return ""
        return said

    def run(self, *command: str, container: str = "web") -> tuple[int, str]:
        """Run a command in one of its containers, and give its exit code and what it says."""
        return self._cluster.execute(
            self.pod().metadata.name, *command, namespace=self._namespace, container=container
        )

    def file(self, path: str) -> str:
        """Read a file as the app does."""
        code, said = self.run("cat", path)
        assert code == 0, said
        return said

    def delete(self) -> None:
        self._cluster.apps.delete_namespaced_deployment(self._name, self._namespace)
