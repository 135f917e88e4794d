"""A stack whose machine reaches the gateway only through the Kubernetes API.

It leaves the stack as the other tests expect it: deployed, and equal to its configuration.
"""

from typing import Any

import httpx

from tests.support.cluster import Cluster
from tests.support.project import Project

NOWHERE = "http://127.0.0.1:9"


def forwarded(config: dict[str, Any]) -> None:
    """Say a URL at which nobody answers, and the other way."""
    config["llm-gateway:gateway"].update(url=NOWHERE, reach="port-forward", replicas=2)


def test_keys_live_through_the_kubernetes_api_while_pods_die(
    project: Project, cluster: Cluster, gateway_admin: httpx.Client
) -> None:
    project.configure(forwarded)
    project.up()
    assert project.outputs()["gatewayUrl"] == NOWHERE
    assert project.preview() == []

    cluster.delete_gateway_pod()
    minted = {"name": "forwarded", "models": ["gpt-4o"], "maxBudget": 3}
    project.configure(lambda config: config["llm-gateway:keys"].append(minted))
    project.up()
    key = project.outputs()["keys"]["forwarded"]
    assert info(gateway_admin, key["id"])["max_budget"] == 3
    project.refresh()
    assert [step.name for step in project.preview() if step.type.endswith("VirtualKey")] == []

    cluster.scale_gateway(2)
    cluster.delete_gateway_pod()
    project.reset_configuration()
    project.up()
    assert info(gateway_admin, key["id"])["status"] == "deleted"
    assert project.preview() == []


def info(gateway_admin: httpx.Client, token_id: str) -> dict[str, Any]:
    answer = gateway_admin.get("/key/info", params={"key": token_id})
    found: dict[str, Any] = answer.raise_for_status().json()["info"]
    return found
