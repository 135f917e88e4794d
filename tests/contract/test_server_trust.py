"""The certificates of the real OpenBao and of a real API server, as Pods and as Vault will see them."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from providers.tls.handshake import ServerUntrustedError
from providers.tls.server_trust import ServerTrustProvider

PROVIDER = ServerTrustProvider()


@pytest.fixture
def cluster(platform: Mapping[str, str]) -> dict[str, str]:
    kubeconfig: Any = yaml.safe_load(Path(platform["KUBECONFIG"]).read_text())
    found: dict[str, str] = kubeconfig["clusters"][0]["cluster"]
    return found


@pytest.mark.usefixtures("vault_environment")
def test_openbao_is_trusted_by_the_name_that_pods_use(vault_env: Mapping[str, str]) -> None:
    ca = Path(vault_env["VAULT_CACERT"]).read_text()
    for server_name in ("openbao.vault.svc", "openbao.vault.svc.cluster.local"):
        assert PROVIDER.create({"address_env": "VAULT_ADDR", "ca": ca, "server_name": server_name})
    with pytest.raises(ServerUntrustedError, match=r"as vault\.vault\.svc \(Hostname mismatch"):
        PROVIDER.create({"address_env": "VAULT_ADDR", "ca": ca, "server_name": "vault.vault.svc"})


def test_each_servers_ca_vouches_for_it_alone(cluster: dict[str, str], vault_env: Mapping[str, str]) -> None:
    of_openbao = Path(vault_env["VAULT_CACERT"]).read_text()
    of_cluster = base64.b64decode(cluster["certificate-authority-data"]).decode()
    name = "kubernetes.default.svc"
    assert PROVIDER.create({"address": cluster["server"], "ca": of_cluster, "server_name": name})
    with pytest.raises(ServerUntrustedError, match="doesn't vouch for"):
        PROVIDER.create({"address": cluster["server"], "ca": of_openbao, "server_name": name})
