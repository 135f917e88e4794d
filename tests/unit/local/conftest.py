"""Instances whose folders are the test's own."""

from pathlib import Path

import pytest

from local.instance import Instance


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance("spare", 2, tmp_path / "state" / "spare")
