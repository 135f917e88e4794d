"""A key on its way from a real Vault into a real Secret, and from there into a real Deployment's Pods."""

import base64
import logging
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import hvac
import pytest
from pydantic import SecretStr

from providers.kubernetes.connection import ClusterConnection, close_all
from providers.kubernetes.consumer_input import Consumer
from providers.kubernetes.consumers import follow
from providers.kubernetes.errors import ClusterDeniedError, NotFollowedError, ObjectMissingError
from providers.vault.sources import fingerprint
from tests.contract.conftest import MOUNT, NewProcess
from tests.support.cluster import Cluster
from tests.support.gateway import chat
from tests.support.namespace import Namespace, new_namespace
from tests.unit.providers.engine import GATEWAY, KeyEngine

PAUSE = {"image": "docker.io/local/pause:1", "imagePullPolicy": "Never"}


@pytest.fixture(scope="module")
def namespace(cluster: Cluster, client: hvac.Client, vault_env: dict[str, str]) -> Iterator[Namespace]:
    """Give a namespace with a SecretStore that reads this run's mount."""
    client.sys.create_or_update_policy(MOUNT, f'path "{MOUNT}/*" {{ capabilities = ["read"] }}')
    token = client.auth.token.create(policies=[MOUNT], ttl="1h")["auth"]["client_token"]
    authority = base64.b64encode(Path(vault_env["VAULT_CACERT"]).read_bytes()).decode()
    vault = {
        "server": "https://openbao.vault.svc:8200",
        "path": MOUNT,
        "version": "v2",
        "caBundle": authority,
        "auth": {"tokenSecretRef": {"name": "vault-token", "key": "token"}},
    }
    with new_namespace(cluster) as namespace:
        namespace.create("v1", "Secret", "vault-token", stringData={"token": token})
        namespace.create(
            "external-secrets.io/v1", "SecretStore", "vault", spec={"provider": {"vault": vault}}
        )
        yield namespace
    client.delete(f"sys/policies/acl/{MOUNT}")


@pytest.fixture(scope="module")
def least(namespace: Namespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterConnection]:
    """Give a connection with the documented Role and nothing more."""
    folder = tmp_path_factory.mktemp("kubeconfig")
    yield ClusterConnection(namespace.kubeconfig(folder, "llm-gateway-consumer"))
    close_all()


class App:
    """A consumer of the test's own: a path in Vault, an ExternalSecret, and perhaps a Deployment."""

    def __init__(self, namespace: Namespace, client: hvac.Client, cluster: ClusterConnection) -> None:
        self.name = f"app-{secrets.token_hex(3)}"
        self.namespace, self._client, self._cluster = namespace, client, cluster
        self.lines: list[str] = []

    @property
    def full_name(self) -> str:
        return f"{self.namespace.name}/{self.name}"

    def deliver(self) -> SecretStr:
        """Write a new value to Vault."""
        value = SecretStr(f"sk-{secrets.token_urlsafe(24)}")
        data = {"api-key": value.get_secret_value(), "base-url": "http://gateway.test"}
        self._client.secrets.kv.v2.create_or_update_secret(self.name, secret=data, mount_point=MOUNT)
        return value

    def declare_external_secret(self, **target: Any) -> None:
        """Declare one that by itself would look at Vault once an hour."""
        data = [{"secretKey": "key", "remoteRef": {"key": self.name, "property": "api-key"}}]
        store = {"kind": "SecretStore", "name": "vault"}
        spec = {"refreshInterval": "1h", "secretStoreRef": store, "target": target, "data": data}
        self.namespace.create("external-secrets.io/v1", "ExternalSecret", self.name, spec=spec)

    def follow(self, value: SecretStr, *, timeout_seconds: float = 60, **objects: str) -> None:
        consumer = Consumer.parse({**objects, "timeout_seconds": timeout_seconds})
        follow(self._cluster, consumer, value, self.lines.append)

    def secret(self, name: str | None = None) -> dict[str, str]:
        return self.namespace.cluster.secret(name or self.name, self.namespace.name)

    @property
    def kubeconfig(self) -> str | None:
        return self._cluster.kubeconfig

    @property
    def variable(self) -> dict[str, Any]:
        """Give the variable by which its Pods would have the key."""
        return {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": self.name, "key": "key"}}}

    def use_image(self, image: str) -> None:
        """Change the image of its Pods, as a release of the app does."""
        container = {"name": self.name, "image": image}
        patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
        self.namespace.cluster.apps.patch_namespaced_deployment(self.name, self.namespace.name, patch)

    def generation(self) -> int:
        apps = self.namespace.cluster.apps
        generation: int = apps.read_namespaced_deployment(self.name, self.namespace.name).metadata.generation
        return generation


@pytest.fixture
def app(namespace: Namespace, client: hvac.Client, least: ClusterConnection) -> App:
    return App(namespace, client, least)


def test_a_secret_follows_without_waiting_for_its_interval(app: App) -> None:
    first = app.deliver()
    app.declare_external_secret()
    app.follow(first, external_secret=app.full_name)
    second = app.deliver()
    app.follow(second, external_secret=app.full_name, timeout_seconds=30)
    assert app.secret()["key"] == second.get_secret_value()


def test_a_value_inside_a_template_is_found(app: App) -> None:
    template = {"data": {"config.ini": "[llm]\nkey = {{ .key }}\n"}}
    value = app.deliver()
    app.declare_external_secret(name=f"{app.name}-config", template=template)
    app.follow(value, external_secret=app.full_name)
    assert value.get_secret_value() in app.secret(f"{app.name}-config")["config.ini"]


def test_a_deployment_is_restarted_once_for_a_key(app: App) -> None:
    app.namespace.create_deployment(app.name, PAUSE, replicas=2)
    app.declare_external_secret()
    value = app.deliver()
    app.follow(value, external_secret=app.full_name, deployment=app.full_name)
    generation, pods = app.generation(), set(app.namespace.pods(app.name))
    assert generation > 1
    assert len(pods) == 2
    app.follow(value, external_secret=app.full_name, deployment=app.full_name)
    assert (app.generation(), set(app.namespace.pods(app.name))) == (generation, pods)
    app.follow(app.deliver(), external_secret=app.full_name, deployment=app.full_name)
    assert app.generation() > generation
    assert not pods & set(app.namespace.pods(app.name))


def test_an_external_secret_that_fails_says_why(app: App) -> None:
    app.declare_external_secret()
    value = SecretStr("sk-never-written")
    with pytest.raises(NotFollowedError, match="the new key within 4 s") as failed:
        app.follow(value, external_secret=app.full_name, timeout_seconds=4)
    said = str(failed.value)
    assert f"Secret {app.full_name} isn't there" in said
    assert "it is SecretSyncedError" in said
    assert "last warning: " in said
    assert "Secret does not exist" in said
    [line] = app.lines
    assert line.startswith(f"waiting for ExternalSecret {app.full_name} to bring the new key into Secret ")


def test_a_rollout_that_hangs_says_where(app: App) -> None:
    missing = {"image": "docker.io/local/no-such-image:1", "imagePullPolicy": "Never"}
    app.namespace.create_deployment(app.name, missing)
    with pytest.raises(NotFollowedError, match="the new key within 4 s") as failed:
        app.follow(SecretStr("sk-any"), deployment=app.full_name, timeout_seconds=4)
    assert "0 of 1 new Pods are available" in str(failed.value) or "old Pods" in str(failed.value)
    assert "ErrImageNeverPull" in str(failed.value)


@pytest.mark.parametrize("kind", ["external_secret", "deployment"])
def test_a_consumer_that_is_not_there_is_named(app: App, least: ClusterConnection, kind: str) -> None:
    with pytest.raises(ObjectMissingError, match=rf"has no \w+ {app.full_name}; see that namespace"):
        follow(least, Consumer.parse({kind: app.full_name}), SecretStr("sk-any"), app.lines.append)


def test_what_may_not_be_done_is_said(app: App, namespace: Namespace, tmp_path: Path) -> None:
    app.declare_external_secret()
    nobody = App(namespace, app._client, ClusterConnection(namespace.kubeconfig(tmp_path)))
    with pytest.raises(
        ClusterDeniedError, match=f"to get ExternalSecret {app.full_name}: .*forbidden.*"
    ) as it:
        nobody.follow(SecretStr("sk-any"), external_secret=app.full_name)
    assert "docs/kubernetes-role.yaml" in str(it.value)


def test_the_value_stands_in_no_line_and_no_event(app: App, caplog: pytest.LogCaptureFixture) -> None:
    app.namespace.create_deployment(app.name, PAUSE)
    app.declare_external_secret()
    value = app.deliver()
    with caplog.at_level(logging.DEBUG):
        app.follow(value, external_secret=app.full_name, deployment=app.full_name)
    cluster = app.namespace.cluster
    deployment = cluster.apps.read_namespaced_deployment(app.name, app.namespace.name)
    events = cluster.core.list_namespaced_event(app.namespace.name)
    for text in (caplog.text, *app.lines, str(deployment), str(events)):
        assert value.get_secret_value() not in text


# --- a rotation ------------------------------------------------------------------------------------------


class Rotated:
    """A delivered key whose successor an app has to follow."""

    def __init__(self, app: App, engine: KeyEngine, process: NewProcess, admin: httpx.Client) -> None:
        self.app, self.engine = app, engine
        self._process, self._admin = process, admin

    def up(self, number: int, *, timeout_seconds: float = 120) -> str:
        """Run an `up` whose key has been rotated so many times."""
        consumer = {"external_secret": self.app.full_name, "deployment": self.app.full_name}
        return self.engine.up(
            self._process(),
            gateway=GATEWAY | {"cluster": {"kubeconfig": self.app.kubeconfig}},
            deliver={"mount": MOUNT, "path": self.app.name},
            consumer=consumer | {"timeout_seconds": timeout_seconds},
            rotation={"number": number},
        )

    def row(self, token_id: str) -> dict[str, Any]:
        answer = self._admin.get("/key/info", params={"key": token_id}).raise_for_status()
        row: dict[str, Any] = answer.json()["info"]
        return row


@pytest.fixture
def rotated(
    app: App, engine: KeyEngine, process: NewProcess, admin: httpx.Client, vault_environment: None
) -> Rotated:
    """Give one whose app has the first key."""
    del vault_environment
    rotated = Rotated(app, engine, process, admin)
    rotated.up(1)
    app.declare_external_secret()
    app.namespace.create_deployment(app.name, PAUSE | {"env": [app.variable]})
    app.namespace.wait_for_replicas(app.name, 1)
    return rotated


def test_a_rotated_key_is_in_the_deployments_pods_before_the_old_one_ends(
    rotated: Rotated, living: Callable[[], list[str]]
) -> None:
    app, engine = rotated.app, rotated.engine
    predecessor, generation, pods = engine.token_id, app.generation(), set(app.namespace.pods(app.name))
    assert rotated.up(2) == "replace"
    assert fingerprint(app.secret()["key"]) == engine.token_id != predecessor
    assert app.generation() == generation + 1
    [pod] = app.namespace.pods(app.name)
    assert pod not in pods
    assert living() == [engine.token_id]
    assert rotated.row(predecessor)["metadata"]["pulumi-superseded-by"] == engine.token_id
    assert rotated.up(2) == "same"
    assert app.generation() == generation + 1


def test_both_keys_are_accepted_while_the_deployment_has_not_followed_and_the_next_up_goes_on(
    rotated: Rotated, living: Callable[[], list[str]], gateway_url: str
) -> None:
    app, engine = rotated.app, rotated.engine
    predecessor, old = engine.token_id, app.secret()["key"]
    app.use_image("docker.io/local/no-such-image:1")
    with pytest.raises(NotFollowedError, match=f"Deployment {app.full_name}"):
        rotated.up(2, timeout_seconds=10)
    assert engine.token_id == predecessor
    new = app.secret()["key"]
    assert new != old
    assert [chat(gateway_url, key, "gpt-4o") for key in (old, new)] == [200, 200]
    assert rotated.row(predecessor)["expires"] is None
    app.use_image(PAUSE["image"])
    assert rotated.up(2) == "replace"
    assert living() == [engine.token_id] == [fingerprint(new)]
    assert rotated.row(predecessor)["metadata"]["pulumi-superseded-by"] == engine.token_id
