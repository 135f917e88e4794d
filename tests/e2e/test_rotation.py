"""A key is rotated while an app uses it all the time, on two replicas, and no request fails.

The tests are told in order, and leave the stack as the other ones expect it: deployed, and equal to its
configuration.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from tenacity import Retrying, stop_after_delay, wait_fixed

from tests.support.cluster import Cluster
from tests.support.gateway import Caller, chat
from tests.support.project import Project
from tests.support.vault import Vault

NAMESPACE = "rotating"
SECRET = "llm-key"
PATH = "litellm/apps/rotating/llm-key"


def patiently() -> Retrying:
    """Try for longer than a replica remembers a key, or keeps what was spent to itself."""
    return Retrying(stop=stop_after_delay(180), wait=wait_fixed(0.5))


def rotating(config: dict[str, Any]) -> None:
    """Deliver a key to Vault, and let an ExternalSecret bring it to its app's namespace."""
    config["llm-gateway:gateway"]["replicas"] = 2
    config["llm-gateway:apps"] = [
        {
            "name": NAMESPACE,
            "secrets": [
                {
                    "name": SECRET,
                    "wait": False,
                    "properties": {"OPENAI_API_KEY": {"path": "llm-key", "property": "api-key"}},
                }
            ],
        }
    ]
    config["llm-gateway:keys"].append(
        {
            "name": "rotating",
            "models": ["gpt-4o"],
            "maxBudget": 5,
            "budgetDuration": "30d",
            "rotation": {"number": 1},
            "grace": "60s",
            "deliver": {"path": "apps/rotating/llm-key"},
            "consumer": {"externalSecret": f"{NAMESPACE}/{SECRET}"},
        }
    )


@pytest.fixture(scope="module")
def stack(project: Project, cluster: Cluster, vault: Vault) -> Iterator[Project]:
    """Deploy two replicas and the app."""
    project.configure(rotating)
    project.up()
    key = vault.read(PATH)["api-key"]
    cluster.wait_for_secret(SECRET, "OPENAI_API_KEY", key, timeout_seconds=180, namespace=NAMESPACE)
    yield project
    project.reset_configuration()
    project.up()


def rotate(config: dict[str, Any]) -> None:
    config["llm-gateway:keys"][-1]["rotation"]["number"] += 1


class App:
    """What uses the key: through the Service and at each replica, as its Secret says at that moment.

    Another one holds on to the key that the Secret held in the beginning.
    """

    def __init__(self, stack: Project, cluster: Cluster) -> None:
        self._cluster = cluster
        self._old = self.key()
        self.replicas = [f"http://{pod.status.pod_ip}:4000" for pod in cluster.gateway_pods()]
        assert len(self.replicas) == 2
        addresses = [stack.outputs()["gatewayUrl"], *self.replicas]
        self.callers = {
            f"{what} key at {url}": Caller(url, key, "gpt-4o")
            for url in addresses
            for what, key in (("the Secret's", self.key), ("the old", self._old))
        }

    def key(self) -> str:
        return self._cluster.secret(SECRET, NAMESPACE)["OPENAI_API_KEY"]

    def assert_old_key_is_refused(self) -> None:
        """Wait until its grace is over, and each replica has forgotten the key without an end."""
        for url in self.replicas:
            for attempt in patiently():
                with attempt:
                    assert chat(url, self._old, "gpt-4o") == 401


def assert_none_failed(app: App) -> None:
    answers = {name: dict(caller.answers) for name, caller in app.callers.items()}
    assert all(found.keys() == {"200"} for found in answers.values()), answers


def row_of(gateway_admin: httpx.Client, token_id: str) -> dict[str, Any]:
    answer = gateway_admin.get("/key/info", params={"key": token_id}).raise_for_status()
    row: dict[str, Any] = answer.json()["info"]
    return row


def test_a_preview_says_what_a_rotation_will_do(stack: Project) -> None:
    stack.configure(rotate)
    sentence = (
        "rotating: rotation changed: a successor will be minted, which starts with the spend so far (its "
        "budget window of 30d ends as the old one's does); litellm/apps/rotating/llm-key in Vault gets a new "
        "version; rotating/llm-key must follow; the old key expires 60s after that"
    )
    for arguments in ([], ["--diff"]):
        code, out, err = stack.run("preview", "--stack", "dev", *arguments)
        assert (code, sentence in out + err) == (0, True), out + err
    steps = [(step.operation, step.changed) for step in stack.preview() if step.name == "rotating"]
    assert ("replace", frozenset({"rotation", "key_alias"})) in steps, steps


@pytest.mark.parametrize("by_force", [False, True], ids=["by a keeper", "by force"])
def test_no_request_fails_while_a_key_is_rotated(
    stack: Project, cluster: Cluster, vault: Vault, gateway_admin: httpx.Client, *, by_force: bool
) -> None:
    app, before = App(stack, cluster), vault.read(PATH)
    with ExitStack() as callers:
        for caller in app.callers.values():
            callers.enter_context(caller)
        for attempt in patiently():
            with attempt:
                assert row_of(gateway_admin, before["token-id"])["total_spend"] > 0
        if by_force:
            urn = next(r["urn"] for r in stack.resources() if r["urn"].endswith("VirtualKey::rotating"))
            stack.up("--replace", urn)
        else:
            stack.up()
    assert_none_failed(app)
    after = vault.read(PATH)
    assert app.key() == after["api-key"] != before["api-key"]
    old, new = row_of(gateway_admin, before["token-id"]), row_of(gateway_admin, after["token-id"])
    assert 0 < new["spend"] - new["total_spend"] <= old["spend"]
    assert new["budget_reset_at"] == old["budget_reset_at"]
    assert old["metadata"]["pulumi-superseded-by"] == after["token-id"]
    assert stack.preview() == []
    app.assert_old_key_is_refused()
    assert chat(app.replicas[0], after["api-key"], "gpt-4o") == 200


def test_a_key_is_dead_at_every_replica_when_its_destroy_is_over(stack: Project, cluster: Cluster) -> None:
    """Each replica has just seen it, and would go on accepting it for `keyCacheTtlSeconds`."""
    key = stack.outputs()["keys"]["team-search"]["key"]
    replicas = [f"http://{pod.status.pod_ip}:4000" for pod in cluster.gateway_pods()]
    assert [chat(replica, key, "gpt-4o") for replica in replicas] == [200, 200]
    keys = ("--target", "**llm-gateway:litellm:VirtualKeys**", "--target-dependents")
    stack.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev", *keys)
    assert [chat(replica, key, "gpt-4o") for replica in replicas] == [401, 401]
