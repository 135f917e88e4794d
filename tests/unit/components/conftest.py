"""The dev stack's configuration, to change and to declare."""

from collections.abc import Iterator

import pulumi
import pytest

from tests.support.certificates import made_up_ca
from tests.support.declared import Document, dev_config


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    ca = tmp_path_factory.mktemp("ca") / "ca.crt"
    ca.write_text(made_up_ca())
    monkeypatch.setenv("LITELLM_DATABASE_URL", "postgresql://u:hunter2@db/x")
    monkeypatch.setenv("VAULT_CACERT", str(ca))
    yield
    pulumi.runtime.set_all_config({}, [])


@pytest.fixture
def config() -> Document:
    return dev_config()
