"""A CA that Pods couldn't use: found before anything is made."""

import secrets
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.certificates import made_up_ca
from tests.support.cluster import Cluster
from tests.support.project import CommandError, Project
from tests.support.vault import Vault


def test_nothing_is_made_for_a_vault_that_pods_would_not_trust(
    platform: Mapping[str, str], cluster: Cluster, vault: Vault, tmp_path: Path
) -> None:
    name = f"trust-{secrets.token_hex(3)}"
    project = Project(tmp_path / "project", platform)

    def spoil(config: dict[str, dict[str, object]]) -> None:
        config["llm-gateway:gateway"]["namespace"] = name
        own = config["llm-gateway:vault"]
        own.update(
            mount=name, caCert=made_up_ca(), checkCa=True, auth={"method": "kubernetes", "mount": name}
        )
        del own["caCertEnv"]

    project.configure(spoil)
    with pytest.raises(CommandError) as caught:
        project.up()
    assert "doesn't vouch for as openbao.vault.svc" in caught.value.output
    assert "Traceback" not in caught.value.output
    made = {resource["type"] for resource in project.resources()}
    assert made <= {"pulumi:pulumi:Stack", "pulumi:providers:kubernetes", "pulumi:providers:pulumi-python"}
    assert not cluster.namespace_exists(name)
    assert f"{name}/" not in {*vault.mounts(), *vault.data("sys/auth")}
