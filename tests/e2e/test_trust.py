"""A Vault that isn't what the configuration says: found before anything is made."""

import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import made_up_ca
from tests.support.cluster import Cluster
from tests.support.project import CommandError, Project
from tests.support.vault import Vault


@pytest.fixture
def version_1(vault: Vault) -> Iterator[str]:
    mount = f"shared-{secrets.token_hex(3)}"
    vault.client.sys.enable_secrets_engine("kv", path=mount, options={"version": "1"})
    yield mount
    vault.client.delete(f"sys/mounts/{mount}")


def test_nothing_is_made_for_an_app_whose_mount_is_kv_v1(
    platform: Mapping[str, str], cluster: Cluster, vault: Vault, version_1: str, tmp_path: Path
) -> None:
    name = f"mounts-{secrets.token_hex(3)}"
    project = Project(tmp_path / "project", platform)

    def spoil(config: dict[str, dict[str, object]]) -> None:
        config["llm-gateway:gateway"]["namespace"] = name
        config["llm-gateway:vault"].update(mount=name, auth={"method": "kubernetes", "mount": name})
        apps: Any = [{"name": name, "mount": version_1, "read": ["settings"], "namespace": f"{name}-app"}]
        config["llm-gateway:apps"] = apps

    project.configure(spoil)
    with pytest.raises(CommandError) as caught:
        project.up()
    assert "Traceback" not in caught.value.output
    assert f"llm-gateway:apps[0].mount: Vault at {platform['VAULT_ADDR']} has KV v1" in caught.value.output
    nothing_was_made(project, cluster, vault, name)


def test_nothing_is_made_for_a_vault_that_pods_would_not_trust(
    platform: Mapping[str, str], cluster: Cluster, vault: Vault, tmp_path: Path
) -> None:
    name = f"trust-{secrets.token_hex(3)}"
    project = Project(tmp_path / "project", platform)

    def spoil(config: dict[str, dict[str, object]]) -> None:
        config["llm-gateway:gateway"]["namespace"] = name
        own = config["llm-gateway:vault"]
        own.update(mount=name, caCert=made_up_ca(), auth={"method": "kubernetes", "mount": name})
        del own["caCertEnv"]

    project.configure(spoil)
    with pytest.raises(CommandError) as caught:
        project.up()
    assert "doesn't vouch for as openbao.vault.svc" in caught.value.output
    assert "llm-gateway:vault.checkCa: false" in caught.value.output
    assert "Traceback" not in caught.value.output
    nothing_was_made(project, cluster, vault, name)


def nothing_was_made(project: Project, cluster: Cluster, vault: Vault, name: str) -> None:
    made = {resource["type"] for resource in project.resources()}
    assert made <= {
        "pulumi:pulumi:Stack",
        "pulumi:providers:kubernetes",
        "pulumi:providers:pulumi-python",
        "pulumi-python:dynamic/tls:ServerTrust",  # of a CA that is right: it makes nothing
    }
    assert not cluster.namespace_exists(name)
    assert f"{name}/" not in {*vault.mounts(), *vault.data("sys/auth")}
