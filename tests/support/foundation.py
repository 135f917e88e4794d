"""The tests' own hands on a foundation: its Pods, its folders on the node, and its API."""

import os
import signal
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import hvac
import requests
import yaml
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from requests.adapters import HTTPAdapter
from tenacity import retry, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from local.pki import Authority, Identity
from tests.support.cluster import Cluster

__all__ = ["Foundation", "foundation_configuration", "made_up_credentials"]

ROOT = Path(__file__).parents[2]
NAME, REPLICAS, PORT = "vault", 3, 8200
GONE = 404


def foundation_configuration(namespace: str) -> dict[str, Any]:
    """Give the tracked configuration for the local platform, in another namespace."""
    document = yaml.safe_load((ROOT / "foundation" / "Pulumi.local.yaml").read_text())["config"]
    return {key.partition(":")[2]: value for key, value in document.items()} | {"namespace": namespace}


def made_up_credentials(folder: Path, namespace: str) -> dict[str, str]:
    """Make a CA, a certificate and a seal key, and give the environment that names them."""
    host = f"{NAME}.{namespace}.svc"
    names = (host, f"{NAME}-active.{namespace}.svc", f"*.{NAME}-internal.{namespace}.svc")
    authority = Authority.ensure(folder, "ca", "a CA of the tests")
    authority.issue("tls", Identity(NAME, server_names=names))
    key = folder / "seal-key"
    key.write_bytes(os.urandom(32))
    return {"FOUNDATION_TLS": str(folder), "FOUNDATION_SEAL_KEY": str(key)}


@dataclass(frozen=True)
class Foundation:
    """Three servers of OpenBao in one namespace."""

    cluster: Cluster
    namespace: str
    ca_file: Path
    data_folder: Path
    """Where the node's folder is on this machine."""

    # --- the API ---

    @contextmanager
    def api(self, token: str = "", service: str = NAME) -> Iterator[httpx.Client]:
        """Talk to the servers through a Service, each time with a connection of its own."""
        found = self.cluster.core.read_namespaced_service(service, self.namespace)
        context = ssl.create_default_context(cafile=str(self.ca_file))
        transport = _Named(f"{NAME}.{self.namespace}.svc", context)
        address = f"https://{found.spec.cluster_ip}:{PORT}"
        headers = {"X-Vault-Token": token} if token else {}
        with httpx.Client(base_url=address, transport=transport, headers=headers, timeout=3) as api:
            yield api

    def vault(self, token: str) -> hvac.Client:
        """Give the same API to whoever walks through it."""
        found = self.cluster.core.read_namespaced_service(f"{NAME}-active", self.namespace)
        session = requests.Session()
        session.verify = str(self.ca_file)
        session.mount("https://", _NamedAdapter(f"{NAME}.{self.namespace}.svc"))
        address = f"https://{found.spec.cluster_ip}:{PORT}"
        return hvac.Client(url=address, token=token, session=session)

    def log_in(self, role: str, audience: str = "openbao", account: str | None = None) -> httpx.Response:
        """Log in with a token of the account that belongs to a role."""
        asked = {"spec": {"audiences": [audience], "expirationSeconds": 3600}}
        answer = self.cluster.core.create_namespaced_service_account_token(
            account or f"{NAME}-{role}", self.namespace, asked
        )
        with self.api() as api:
            return api.post("/v1/auth/foundation/login", json={"role": role, "jwt": answer.status.token})

    def token(self, role: str, patience_seconds: float = 90) -> str:
        """Log in, and wait while there is no leader."""

        @retry(
            retry=retry_if_exception_type((httpx.HTTPError, KeyError)),
            stop=stop_after_delay(patience_seconds),
            wait=wait_fixed(0.5),
            reraise=True,
        )
        def logged_in() -> str:
            token: str = self.log_in(role).raise_for_status().json()["auth"]["client_token"]
            return token

        return logged_in()

    # --- the Pods ---

    @property
    def members(self) -> list[str]:
        return [f"{NAME}-{ordinal}" for ordinal in range(REPLICAS)]

    def leader(self) -> str | None:
        """Name the Pod that has labelled itself as the leader."""
        found = self.cluster.core.list_namespaced_pod(
            self.namespace, label_selector="openbao-active=true"
        ).items
        return found[0].metadata.name if len(found) == 1 else None

    def kill(self, member: str) -> None:
        """Take a Pod away without a word: its server hasn't the time to hand the leadership over."""
        wanted = {f"POD_NAME={member}", f"BAO_K8S_NAMESPACE={self.namespace}"}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if wanted <= set((process / "environ").read_text(errors="replace").split("\0")):
                    os.kill(int(process.name), signal.SIGKILL)
            except OSError:
                continue  # it has just ended by itself, or is somebody else's
        self.cluster.core.delete_namespaced_pod(member, self.namespace, grace_period_seconds=0)

    def scale(self, replicas: int) -> None:
        """Set the number of servers, and wait until as many are ready and no other is left."""
        self.cluster.apps.patch_namespaced_stateful_set_scale(
            NAME, self.namespace, {"spec": {"replicas": replicas}}
        )
        self.wait_until_ready(replicas)

    def wait_until_ready(self, replicas: int = REPLICAS, patience_seconds: float = 180) -> None:
        """Wait until just as many servers are ready."""

        @retry(
            retry=retry_if_result(lambda reached: not reached),
            stop=stop_after_delay(patience_seconds),
            wait=wait_fixed(0.5),
        )
        def reached() -> bool:
            pods = self.cluster.core.list_namespaced_pod(
                self.namespace, label_selector="app.kubernetes.io/component=server"
            ).items
            return len(pods) == replicas == sum(map(_is_ready, pods))

        reached()

    def healthy(self, token: str, patience_seconds: float = 120) -> dict[str, Any]:
        """Wait until autopilot finds every member healthy, and give what it says."""

        @retry(
            retry=(
                retry_if_exception_type(httpx.HTTPError)
                | retry_if_result(lambda state: not state["healthy"] or len(state["voters"] or ()) < REPLICAS)
            ),
            stop=stop_after_delay(patience_seconds),
            wait=wait_fixed(0.5),
        )
        def state() -> dict[str, Any]:
            with self.api(token) as api:
                answer = api.get("/v1/sys/storage/raft/autopilot/state").raise_for_status().json()
            data: dict[str, Any] = answer["data"]
            return data

        return state()

    # --- what they keep ---

    def folder(self, claim: str) -> Path:
        """Give the folder of a claim, as this machine sees it."""
        return self.data_folder / f"{self.namespace}-{claim}"

    def take_snapshot(self, patience_seconds: float = 120) -> Path:
        """Run a Job of the CronJob, which goes with it, and give the file that it wrote."""
        batch = client.BatchV1Api(self.cluster.core.api_client)
        cron_job = batch.read_namespaced_cron_job(f"{NAME}-snapshot", self.namespace)
        owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": cron_job.metadata.name}
        owned = [{**owner, "uid": cron_job.metadata.uid, "controller": True}]
        name = f"by-hand-{time.monotonic_ns()}"
        before = set(self.folder(f"{NAME}-snapshots").glob("*"))
        job = {"metadata": {"name": name, "ownerReferences": owned}, "spec": cron_job.spec.job_template.spec}
        batch.create_namespaced_job(self.namespace, job)

        @retry(
            retry=retry_if_result(lambda ended: ended is None),
            stop=stop_after_delay(patience_seconds),
            wait=wait_fixed(0.5),
        )
        def end() -> str | None:
            """Give how it has ended; that it is about to, as SuccessCriteriaMet, is no end."""
            conditions = batch.read_namespaced_job_status(name, self.namespace).status.conditions or []
            return next((each.type for each in conditions if each.type in {"Complete", "Failed"}), None)

        assert end() == "Complete", self._said(name)
        [made] = set(self.folder(f"{NAME}-snapshots").glob("*")) - before
        return made

    def restore(self, token: str, snapshot: Path, *, force: bool = False) -> None:
        """Give the leader a snapshot."""
        path = "/v1/sys/storage/raft/snapshot-force" if force else "/v1/sys/storage/raft/snapshot"
        with self.api(token, f"{NAME}-active") as api:
            api.post(path, content=snapshot.read_bytes(), timeout=60).raise_for_status()

    def objects(self) -> list[str]:
        """Name what is left in the cluster, whether in the namespace or outside."""
        left = []
        try:
            self.cluster.core.read_namespace(self.namespace)
            left.append(self.namespace)
        except ApiException as error:
            if error.status != GONE:
                raise
        volumes = self.cluster.core.list_persistent_volume().items
        bindings = (
            client.RbacAuthorizationV1Api(self.cluster.core.api_client).list_cluster_role_binding().items
        )
        named = [each.metadata.name for each in (*volumes, *bindings)]
        return [*left, *(name for name in named if name.startswith(self.namespace))]

    def _said(self, job: str) -> str:
        [pod, *_] = self.cluster.core.list_namespaced_pod(
            self.namespace, label_selector=f"job-name={job}"
        ).items
        said: str = self.cluster.core.read_namespaced_pod_log(pod.metadata.name, self.namespace)
        return said


class _Named(httpx.HTTPTransport):
    """Reaches an address, and expects the certificate of a name there."""

    def __init__(self, server_name: str, context: ssl.SSLContext) -> None:
        super().__init__(verify=context, limits=httpx.Limits(max_keepalive_connections=0))
        self._server_name = server_name

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "sni_hostname": self._server_name}
        return super().handle_request(request)


class _NamedAdapter(HTTPAdapter):
    """The same for requests."""

    def __init__(self, server_name: str) -> None:
        self._server_name = server_name
        super().__init__()

    def init_poolmanager(self, *sizes: Any, **options: Any) -> None:
        options |= {"server_hostname": self._server_name, "assert_hostname": self._server_name}
        super().init_poolmanager(*sizes, **options)


def _is_ready(pod: Any) -> bool:
    conditions: Mapping[str, str] = {each.type: each.status for each in pod.status.conditions or ()}
    return conditions.get("Ready") == "True" and pod.metadata.deletion_timestamp is None
