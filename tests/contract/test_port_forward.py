"""A gateway that is reached through the real Kubernetes API: a stand-in that may die, and LiteLLM itself."""

import logging
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import hvac
import pytest
from pydantic import SecretStr
from tenacity import retry, retry_if_exception_type, retry_if_result, stop_after_delay

from providers.kubernetes.cluster_input import ForwardedService
from providers.kubernetes.connection import ClusterConnection, close_all
from providers.kubernetes.errors import ClusterDeniedError, ClusterSetupError, ObjectMissingError
from providers.kubernetes.port_forward import PortForwardTransport
from providers.litellm.client import GatewayClient
from providers.litellm.connection import connect
from providers.litellm.errors import GatewayNotReadyError
from tests.contract.conftest import MOUNT
from tests.support.cluster import Cluster
from tests.support.namespace import Namespace, new_namespace
from tests.unit.providers.engine import KeyEngine

STAND_IN = """
import http.server, json, os, time
slow = []
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/slow":
            slow.append(self)
            time.sleep(3600)
        pod = os.environ["HOSTNAME"]
        facts = {"db": "connected", "pod": pod, "host": self.headers["Host"], "slow": len(slow)}
        body = json.dumps(facts).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"""
CONTAINER = {
    "image": "docker.io/local/litellm:1.106.2",
    "imagePullPolicy": "Never",
    "command": ["python", "-c", STAND_IN],
    "ports": [{"name": "api", "containerPort": 8080}],
    "readinessProbe": {"httpGet": {"path": "/", "port": "api"}, "periodSeconds": 1},
}


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[Namespace]:
    with new_namespace(cluster) as namespace:
        yield namespace


@pytest.fixture(scope="module")
def least(namespace: Namespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give a kubeconfig with the documented Role and nothing more."""
    yield namespace.kubeconfig(tmp_path_factory.mktemp("kubeconfig"), "llm-gateway-reach")
    close_all()


class StandIn:
    """A Service of the test's own, and the Pods behind it."""

    def __init__(self, namespace: Namespace, target_port: int | str) -> None:
        self.name = f"gateway-{secrets.token_hex(3)}"
        self.namespace = namespace
        self.service = ForwardedService(namespace.name, self.name, 80)
        namespace.create_deployment(self.name, CONTAINER, replicas=0)
        ports = [{"port": 80, "targetPort": target_port}]
        namespace.create("v1", "Service", self.name, spec={"selector": {"app": self.name}, "ports": ports})

    def scale(self, replicas: int, *, wait: bool = True) -> None:
        self.namespace.scale(self.name, replicas)
        if wait:
            self.namespace.wait_for_replicas(self.name, replicas)

    def kill(self, pod: str) -> None:
        self.namespace.cluster.core.delete_namespaced_pod(pod, self.namespace.name, grace_period_seconds=0)

    def client(self, kubeconfig: str) -> httpx.Client:
        transport = PortForwardTransport(ClusterConnection(kubeconfig), self.service)
        return httpx.Client(base_url=self.service.url, transport=transport, timeout=30)

    def gateway(self, kubeconfig: str, ready_timeout_seconds: float) -> GatewayClient:
        """Give what a resource with this Service as its `reach` uses."""
        service = {"namespace": self.namespace.name, "service": self.name, "port": 80}
        return connect(
            {
                "url": "https://gateway.example.com",
                "admin_key": {"env": "LITELLM_MASTER_KEY"},
                "cluster": {"kubeconfig": kubeconfig},
                "reach": {"port_forward": service},
                "ready_timeout_seconds": ready_timeout_seconds,
            }
        )


@pytest.fixture(scope="module", params=["api", 8080], ids=["port by name", "port by number"])
def stand_in(request: pytest.FixtureRequest, namespace: Namespace) -> StandIn:
    stand_in = StandIn(namespace, request.param)
    stand_in.scale(2)
    return stand_in


def test_requests_reach_a_pod_and_name_the_service(stand_in: StandIn, least: str) -> None:
    body = secrets.token_bytes(300_000)
    with stand_in.client(least) as client:
        answer = client.get("/").json()
        assert answer["host"] == f"{stand_in.name}.{stand_in.namespace.name}.svc"
        assert answer["pod"] in stand_in.namespace.pods(stand_in.name)
        assert client.post("/", content=body).content == body
        assert client.get("/").json()["pod"] == answer["pod"]


def test_another_pod_answers_when_one_has_died(stand_in: StandIn, least: str) -> None:
    with stand_in.client(least) as client:
        dying = client.get("/").json()["pod"]
        stand_in.kill(dying)

        @retry(
            retry=retry_if_result(lambda pod: pod == dying) | retry_if_exception_type(httpx.TransportError),
            stop=stop_after_delay(30),
        )
        def answering() -> Any:
            return client.get("/").json()["pod"]

        assert answering() != dying
        assert client.get("/").json()["pod"] != dying
    stand_in.scale(2)


def test_a_request_whose_pod_dies_fails_at_once(stand_in: StandIn, least: str) -> None:
    failed: list[Exception] = []
    stand_in.scale(1)

    def call() -> None:
        try:
            client.get("/slow", timeout=120)
        except httpx.TransportError as error:
            failed.append(error)

    with stand_in.client(least) as client:
        thread = threading.Thread(target=call)
        thread.start()
        while not client.get("/").json()["slow"]:
            pass
        stand_in.kill(client.get("/").json()["pod"])
        thread.join(60)
        assert not thread.is_alive()
    assert [type(error) for error in failed] in ([httpx.ReadError], [httpx.RemoteProtocolError])
    stand_in.scale(2)


def test_a_service_without_a_ready_pod_is_waited_for(
    namespace: Namespace, least: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in = StandIn(namespace, "api")
    with pytest.raises(GatewayNotReadyError) as failed:
        stand_in.gateway(least, ready_timeout_seconds=3).info("f" * 64)
    said = f"the Service {namespace.name}/{stand_in.name} has no ready Pod"
    assert (
        f"the gateway at {stand_in.service.url} isn't ready after 3 s: it can't be reached ({said})"
        in str(failed.value)
    )
    assert said in capsys.readouterr().err
    stand_in.scale(1, wait=False)
    stand_in.gateway(least, ready_timeout_seconds=120)._readiness.wait()
    stand_in.scale(0)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": "no-such"}, (ObjectMissingError, "has no Service .*/no-such; see that namespace")),
        ({"port": 81}, (ClusterSetupError, r"has no Pods behind port 81 \(its ports: 80\)")),
    ],
    ids=["no Service", "no port"],
)
def test_a_wrong_service_is_named_and_not_waited_for(
    stand_in: StandIn, least: str, change: dict[str, Any], expected: tuple[type[Exception], str]
) -> None:
    name, port = change.get("name", stand_in.name), change.get("port", 80)
    wrong = ForwardedService(stand_in.namespace.name, name, port)
    transport = PortForwardTransport(ClusterConnection(least), wrong)
    error, sentence = expected
    with (
        httpx.Client(base_url=wrong.url, transport=transport) as client,
        pytest.raises(error, match=sentence),
    ):
        client.get("/")


def test_who_may_not_forward_is_told(stand_in: StandIn, namespace: Namespace, tmp_path: Path) -> None:
    nobody = namespace.kubeconfig(tmp_path)
    with (
        stand_in.client(nobody) as client,
        pytest.raises(ClusterDeniedError, match="to get Service") as denied,
    ):
        client.get("/")
    assert "docs/kubernetes-role.yaml" in str(denied.value)


@pytest.mark.usefixtures("vault_environment")
def test_a_key_of_the_real_gateway_lives_through_a_port_forward(
    engine: KeyEngine,
    platform: dict[str, str],
    client: hvac.Client,
    master_key: SecretStr,
    caplog: pytest.LogCaptureFixture,
) -> None:
    way = {
        "url": "https://gateway.example.com",
        "admin_key": {"vault": {"mount": "litellm", "path": "api-keys", "property": "master-key"}},
        "cluster": {"kubeconfig": platform["KUBECONFIG"]},
        "reach": {"port_forward": {"namespace": "litellm", "service": "litellm"}},
    }
    declared = {"gateway": way, "deliver": {"mount": MOUNT, "path": engine.name}}
    gateway = connect(way)
    assert gateway.url == "http://litellm.litellm.svc:4000"
    with caplog.at_level(logging.DEBUG):
        assert engine.up(gateway, **declared, max_budget=5) == "create"
        delivered = client.secrets.kv.v2.read_secret_version(
            engine.name, mount_point=MOUNT, raise_on_deleted_version=True
        )["data"]["data"]
        assert delivered["base-url"] == "https://gateway.example.com"
        assert engine.up(gateway, **declared, max_budget=6) == "update"
        assert engine.refresh(gateway)
        assert engine.preview(**declared, max_budget=6) == []
        token_id = engine.token_id
        engine.destroy(gateway)
        assert gateway.was_deleted(token_id)
    assert "connect_tcp.complete" in caplog.text
    for secret in (delivered["api-key"], master_key.get_secret_value()):
        assert secret not in caplog.text
    gateway._http.close()
    close_all()
