"""What the doctor looks at: a chain of the tests' own, and the stack that is deployed."""

from collections.abc import Iterator, Mapping

import pytest
from pydantic import SecretStr

from tests.doctor.fault import is_healthy
from tests.doctor.ward import Ward
from tests.support.cluster import Cluster
from tests.support.gateway import admin
from tests.support.patient import Patient
from tests.support.project import Project
from tests.support.vault import Vault


@pytest.fixture(scope="package")
def patient(platform: Mapping[str, str], project: Project) -> Iterator[Patient]:
    del project  # only for its gateway, which is another server than Vault
    with Patient(platform) as patient:
        yield patient


@pytest.fixture(scope="package")
def ward(project: Project, cluster: Cluster, vault: Vault, master_key: SecretStr) -> Iterator[Ward]:
    with admin(project.outputs()["gatewayUrl"], master_key) as client_of_keys:
        ward = Ward(project, cluster, vault, client_of_keys)
        # Tests of before have restarted Vault: an operator that met it away waits, for up to minutes.
        ward.hurry()
        verdict = ward.examine_until(is_healthy)
        assert is_healthy(verdict), (verdict.roots, verdict.weak, verdict.unknown)
        yield ward
