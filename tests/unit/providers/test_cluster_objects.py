"""What is read off Secrets, Deployments, Services and Pods."""

import base64
from typing import Any

import pytest
from pydantic import SecretStr

from providers.kubernetes.errors import ClusterSetupError
from providers.kubernetes.external_secret import holds
from providers.kubernetes.pods import container_port, is_ready, label_selector, trouble
from providers.kubernetes.rollout import unfinished

KEY = SecretStr("sk-of-the-test")


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"key": b"sk-of-the-test"}, True),
        ({"url": b"http://x", "config": b"[llm]\nkey = sk-of-the-test\n"}, True),
        ({"binary": b"\xff\x00sk-of-the-test"}, True),
        ({"key": b"sk-of-yesterday"}, False),
        ({}, False),
    ],
)
def test_a_secret_holds_a_key_wherever_it_stands(data: dict[str, bytes], found: bool) -> None:
    encoded = {name: base64.b64encode(value).decode() for name, value in data.items()}
    assert holds({"data": encoded}, KEY) is found
    assert not holds({}, KEY)


def deployment(wanted: int = 2, seen: int = 3, *, paused: bool = False, **status: int) -> dict[str, Any]:
    spec = {"replicas": wanted, **({"paused": True} if paused else {})}
    return {"metadata": {"generation": 3}, "spec": spec, "status": {"observedGeneration": seen, **status}}


@pytest.mark.parametrize(
    ("document", "missing"),
    [
        (
            deployment(seen=2, replicas=2, updatedReplicas=2, availableReplicas=2),
            "has not been looked at yet",
        ),
        ({"metadata": {"generation": 1}, "spec": {"replicas": 1}}, "has not been looked at yet"),
        (deployment(replicas=2, availableReplicas=2), "0 of 2 new Pods are made"),
        (deployment(replicas=3, updatedReplicas=2, availableReplicas=3), "1 old Pods are still there"),
        (deployment(replicas=2, updatedReplicas=2, availableReplicas=1), "1 of 2 new Pods are available"),
        (deployment(paused=True), "it is paused"),
        (deployment(replicas=2, updatedReplicas=2, availableReplicas=2), None),
        (deployment(wanted=0), None),
    ],
)
def test_a_rollout_says_what_it_lacks(document: dict[str, Any], missing: str | None) -> None:
    said = unfinished(document)
    assert said is missing if missing is None else missing in (said or "")


def pod(name: str = "p", *, ready: str = "True", deleted: bool = False, **status: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "n", **({"deletionTimestamp": "now"} if deleted else {})}
    container = {"name": "c", "ports": [{"name": "http", "containerPort": 4000}]}
    conditions = [{"type": "Ready", "status": ready}, *status.pop("conditions", ())]
    return {
        "metadata": metadata,
        "spec": {"containers": [container]},
        "status": {"conditions": conditions, **status},
    }


def test_only_a_pod_that_takes_traffic_is_ready() -> None:
    assert is_ready(pod())
    assert not is_ready(pod(ready="False"))
    assert not is_ready(pod(deleted=True))
    assert not is_ready({"metadata": {"name": "new"}, "status": {}})


def test_each_pod_that_is_not_ready_says_why() -> None:
    waiting = [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]
    unscheduled = [{"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}]
    pods = [
        pod("ready"),
        pod("pulling", ready="False", containerStatuses=waiting),
        pod("nowhere", ready="False", conditions=unscheduled),
        pod("starting", ready="False", containerStatuses=[{"state": {"running": {}}}]),
    ]
    assert trouble(pods) == "Pod pulling: ImagePullBackOff, Pod nowhere: 0/1 nodes are available"
    assert trouble([]) == ""


def test_a_port_by_name_is_found_in_the_pod() -> None:
    assert container_port(pod(), 80) == 80
    assert container_port(pod(), "http") == 4000
    with pytest.raises(ClusterSetupError, match="Pod n/p has no port named 'https'"):
        container_port(pod(), "https")


def test_labels_become_a_query() -> None:
    assert label_selector({"b": "2", "a": "1"}) == "a=1,b=2"
