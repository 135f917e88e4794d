"""What a preview refuses of the inputs that name something in a cluster."""

from typing import Any

import pytest

from providers.inputs import UNKNOWN
from providers.kubernetes.cluster_input import ForwardedService
from providers.kubernetes.connection import ClusterConnection
from providers.kubernetes.consumer_input import Consumer, consumer_problems
from providers.litellm.gateway_input import gateway_problems
from tests.unit.providers.engine import GATEWAY


@pytest.mark.parametrize(
    ("consumer", "reason"),
    [
        (5, "expected a mapping of external_secret, deployment, timeout_seconds, remote_ref"),
        ({}, "expected external_secret or deployment"),
        ({"deployments": "a/b"}, "'deployments' is not known here; did you mean 'deployment'?"),
        ({"deployment": "app"}, "deployment: expected namespace/name of an object, got 'app'"),
        ({"external_secret": "A/b"}, "external_secret: expected namespace/name"),
        (
            {"external_secret": "a/b", "remote_ref": "apps/a"},
            "remote_ref: expected a mapping of key, property",
        ),
        ({"external_secret": "a/b", "remote_ref": {"path": "a"}}, "remote_ref: 'path' is not known here"),
        ({"deployment": "a/b", "timeout_seconds": 0.0}, "timeout_seconds: expected a number of seconds"),
        ({"deployment": "a/b", "timeout_seconds": True}, "timeout_seconds: expected a number of seconds"),
        ({"deployment": "a/b", "timeout_seconds": float("nan")}, "timeout_seconds: expected"),
    ],
)
def test_a_wrong_consumer_is_refused(consumer: Any, reason: str) -> None:
    [problem] = consumer_problems(consumer)
    assert problem.startswith(reason)


@pytest.mark.parametrize(
    "consumer",
    [
        UNKNOWN,
        {"external_secret": "search/llm-key"},
        {"external_secret": "search/llm-key", "remote_ref": {"key": "apps/search/llm-key"}},
        {"deployment": "search/app.v2", "timeout_seconds": 30.0},
        {"deployment": UNKNOWN, "timeout_seconds": UNKNOWN},
    ],
)
def test_a_right_consumer_is_taken(consumer: Any) -> None:
    assert list(consumer_problems(consumer)) == []


def test_a_consumer_is_waited_for_two_minutes_unless_it_says_otherwise() -> None:
    assert Consumer.parse({"deployment": "a/b"}) == Consumer(None, "a/b", 120)
    assert Consumer.parse({"external_secret": "a/b", "timeout_seconds": 5.0}) == Consumer("a/b", None, 5)


FORWARD = {"namespace": "litellm", "service": "litellm"}


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ({"cluster": {"contxt": "a"}}, "cluster: 'contxt' is not known here; did you mean 'context'?"),
        ({"cluster": {"context": ""}}, "cluster: context: expected a text that is not empty, got ''"),
        ({"cluster": {"kubeconfig": 5.0}}, "cluster: kubeconfig: expected a text"),
        ({"reach": "port-forward"}, "reach: expected a mapping of port_forward"),
        ({"reach": {}}, "reach: port_forward: expected a mapping of namespace, service, port"),
        ({"reach": {"port_forward": {"service": "a"}}}, "reach: port_forward: namespace: expected the name"),
        ({"reach": {"port_forward": FORWARD | {"service": "a/b"}}}, "reach: port_forward: service: expected"),
        ({"reach": {"port_forward": FORWARD | {"port": "http"}}}, "reach: port_forward: port: expected"),
        ({"reach": {"port_forward": FORWARD | {"port": 65536.0}}}, "reach: port_forward: port: expected"),
    ],
)
def test_a_wrong_way_to_the_gateway_is_refused(part: dict[str, Any], reason: str) -> None:
    [problem] = gateway_problems(GATEWAY | part)
    assert problem.startswith(reason)


@pytest.mark.parametrize(
    "part",
    [
        {"cluster": {}, "reach": {"port_forward": FORWARD}},
        {"cluster": {"kubeconfig": "~/.kube/config", "context": "prod"}},
        {"reach": {"port_forward": {"namespace": UNKNOWN, "service": "litellm", "port": 80.0}}},
        {"cluster": UNKNOWN, "reach": UNKNOWN},
        {"reach": {"port_forward": UNKNOWN}},
    ],
)
def test_a_right_way_to_the_gateway_is_taken(part: dict[str, Any]) -> None:
    assert list(gateway_problems(GATEWAY | part)) == []


def test_a_connection_and_a_service_are_read_as_they_were_declared() -> None:
    assert ClusterConnection.parse(None) == ClusterConnection(None, None)
    assert ClusterConnection.parse({"context": "prod"}) == ClusterConnection(None, "prod")
    service = ForwardedService.parse({"port_forward": FORWARD | {"port": 80.0}})
    assert service == ForwardedService("litellm", "litellm", 80)
    assert ForwardedService.parse({"port_forward": FORWARD}).url == "http://litellm.litellm.svc:4000"
