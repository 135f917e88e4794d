"""The tests' own hands on the real cluster."""

import base64
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

__all__ = ["Cluster"]

GONE = 404


class Cluster:
    """Reads objects and changes them as somebody beside the program would."""

    def __init__(self, kubeconfig: str, namespace: str = "litellm") -> None:
        api = config.new_client_from_config(config_file=kubeconfig)
        self.core, self.apps = client.CoreV1Api(api), client.AppsV1Api(api)
        self.custom = client.CustomObjectsApi(api)
        self.kubeconfig, self.namespace = kubeconfig, namespace

    def secret(self, name: str, namespace: str | None = None) -> dict[str, str]:
        """Give a Secret's values in the clear."""
        data = self.core.read_namespaced_secret(name, namespace or self.namespace).data or {}
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def wait_for_secret(
        self, name: str, key: str, value: str, timeout_seconds: float = 60, namespace: str | None = None
    ) -> None:
        """Wait until a Secret holds a value; fails by running out of time."""

        @retry(
            retry=retry_if_result(lambda equal: not equal),
            stop=stop_after_delay(timeout_seconds),
            wait=wait_fixed(0.2),
        )
        def holds() -> bool:
            try:
                return self.secret(name, namespace).get(key) == value
            except ApiException as error:
                if error.status == GONE:
                    return False
                raise

        holds()

    def account_token(self, namespace: str, account: str, audience: str = "openbao") -> str:
        """Ask for a token of a ServiceAccount, as the operator does."""
        asked = {"spec": {"audiences": [audience], "expirationSeconds": 600}}
        answer = self.core.create_namespaced_service_account_token(account, namespace, asked)
        token: str = answer.status.token
        return token

    def gateway_pods(self) -> list[Any]:
        """Give the replicas that run and aren't about to stop."""
        pods = self.core.list_namespaced_pod(
            self.namespace, label_selector="app.kubernetes.io/component=gateway"
        ).items
        return [
            pod for pod in pods if pod.status.phase == "Running" and pod.metadata.deletion_timestamp is None
        ]

    def delete_gateway_pod(self) -> None:
        """Take one of the replicas away; another one takes its place after a while."""
        name = self.gateway_pods()[0].metadata.name
        self.core.delete_namespaced_pod(name, self.namespace, grace_period_seconds=0)

    def scale_gateway(self, replicas: int, timeout_seconds: float = 180) -> None:
        """Set the number of replicas and wait until just as many are ready and none is left over."""
        self.apps.patch_namespaced_deployment_scale(
            "litellm", self.namespace, {"spec": {"replicas": replicas}}
        )

        @retry(
            retry=retry_if_result(lambda reached: not reached),
            stop=stop_after_delay(timeout_seconds),
            wait=wait_fixed(0.5),
        )
        def reached() -> bool:
            pods = self.core.list_namespaced_pod(
                self.namespace, label_selector="app.kubernetes.io/component=gateway"
            ).items
            ready = self.apps.read_namespaced_deployment("litellm", self.namespace).status.ready_replicas or 0
            return ready == replicas and len(pods) == replicas

        reached()

    def restart_gateway(self, timeout_seconds: float = 180) -> None:
        """Roll the Pods, as Stakater's Reloader does, and wait until the new one is alone."""
        before = {pod.metadata.name for pod in self.gateway_pods()}
        template = {"metadata": {"annotations": {"restarted": "by-the-tests"}}}
        self.apps.patch_namespaced_deployment("litellm", self.namespace, {"spec": {"template": template}})

        @retry(
            retry=retry_if_result(lambda done: not done),
            stop=stop_after_delay(timeout_seconds),
            wait=wait_fixed(0.5),
        )
        def rolled() -> bool:
            pods = {pod.metadata.name for pod in self.gateway_pods()}
            ready = self.apps.read_namespaced_deployment("litellm", self.namespace).status.ready_replicas or 0
            return not before & pods and ready == len(pods) > 0

        rolled()

    def sync(self, name: str, timeout_seconds: float = 60) -> None:
        """Have the operator compare an ExternalSecret with Vault at once, and wait until it has."""
        place = ("external-secrets.io", "v1", self.namespace, "externalsecrets", name)
        before: Any = self.custom.get_namespaced_custom_object(*place)
        stamp = {"metadata": {"annotations": {"force-sync": "by-the-tests"}}}
        self.custom.patch_namespaced_custom_object(*place, stamp)

        @retry(
            retry=retry_if_result(lambda done: not done),
            stop=stop_after_delay(timeout_seconds),
            wait=wait_fixed(0.2),
        )
        def synced() -> bool:
            now: Any = self.custom.get_namespaced_custom_object(*place)
            return bool(now["status"]["syncedResourceVersion"] != before["status"]["syncedResourceVersion"])

        synced()

    def variable_of(self, pod: Any, name: str) -> str:
        """Give an environment variable of a Pod's first process."""
        program = f"import os; print(os.environ['{name}'], end='')"
        return self.execute(pod.metadata.name, "python", "-c", program)[1]

    def execute(
        self, pod: str, *command: str, namespace: str | None = None, container: str | None = None
    ) -> tuple[int, str]:
        """Run a command in a Pod, and give its exit code and what it says."""
        from kubernetes.stream import stream  # noqa: PLC0415 - imports a WebSocket client that few tests need

        session = stream(
            self.core.connect_get_namespaced_pod_exec,
            pod,
            namespace or self.namespace,
            command=list(command),
            **({"container": container} if container else {}),
            stdout=True,
            stderr=True,
            stdin=False,
            tty=False,
            _preload_content=False,
        )
        session.run_forever(timeout=30)
        text, code = session.read_stdout() + session.read_stderr(), session.returncode
        # Its own close() leaves the socket open once the other side has ended the session.
        session.sock.shutdown()
        return code, text

    def namespace_exists(self, name: str) -> bool:
        try:
            self.core.read_namespace(name)
        except ApiException as error:
            if error.status == GONE:
                return False
            raise
        return True
