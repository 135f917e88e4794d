"""The real servers of the tests: one platform and one stack, started once and taken down at the end.

`LLM_GATEWAY_KEEP=1` leaves the platform and the stack up, so that the next run starts at once.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from local.environment import with_environment
from local.instance import Instance
from local.stack import Stack
from tests.support.cluster import Cluster
from tests.support.gateway import admin
from tests.support.project import Project
from tests.support.vault import Vault

ROOT = Path(__file__).parents[1]
INSTANCE = os.environ.get("LLM_GATEWAY_TEST_INSTANCE", "test")
KEEP = bool(os.environ.get("LLM_GATEWAY_KEEP"))


def local(*arguments: str, instance: str = INSTANCE) -> None:
    """Run the platform's own command; its sentence is the failure."""
    done = subprocess.run(
        [sys.executable, "-m", "local", *arguments, "--instance", instance],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.exit(f"the local platform: {' '.join(arguments)}:\n{done.stdout}{done.stderr}", returncode=1)


@pytest.fixture(scope="session")
def platform() -> Iterator[Mapping[str, str]]:
    """Environment of a running platform: KUBECONFIG, VAULT_ADDR and the like."""
    if not KEEP:
        local("down", "--purge", "--yes")
    local("up")
    yield with_environment(Stack.ready(Instance.named(INSTANCE)).variables)
    if not KEEP:
        local("down", "--purge", "--yes")


@pytest.fixture(scope="session")
def project(platform: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Deploy the program with a configuration and a state of its own."""
    if KEEP:
        yield Project.kept(Instance.named(INSTANCE).folder / "tests", platform)
        return
    project = Project(tmp_path_factory.mktemp("pulumi") / "project", platform)
    project.up()
    yield project
    if project.resources():
        project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")


@pytest.fixture(scope="session")
def vault_env(platform: Mapping[str, str]) -> dict[str, str]:
    """VAULT_ADDR, VAULT_TOKEN and VAULT_CACERT of the real OpenBao."""
    return {name: platform[name] for name in ("VAULT_ADDR", "VAULT_TOKEN", "VAULT_CACERT")}


@pytest.fixture(scope="session")
def vault(vault_env: dict[str, str]) -> Vault:
    return Vault(vault_env)


@pytest.fixture(scope="session")
def cluster(platform: Mapping[str, str]) -> Cluster:
    return Cluster(platform["KUBECONFIG"])


@pytest.fixture(scope="session")
def gateway_url(project: Project) -> str:
    """Address of the real gateway."""
    url: str = project.outputs()["gatewayUrl"]
    return url


@pytest.fixture(scope="session")
def master_key(project: Project, vault: Vault) -> SecretStr:
    """Read the master key from Vault, where the program has put it."""
    del project  # only for the order: the stack writes it
    return SecretStr(vault.read("litellm/api-keys")["master-key"])


@pytest.fixture
def gateway_admin(gateway_url: str, master_key: SecretStr) -> Iterator[httpx.Client]:
    with admin(gateway_url, master_key) as client:
        yield client


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Take Ctrl-C as Python does by default: a shell starts background jobs with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
