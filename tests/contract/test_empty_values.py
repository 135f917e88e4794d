"""An empty value is a value: whoever declares one sees no diff, whatever the gateway makes of it."""

import secrets
from typing import Any

import httpx
import pytest

from tests.contract.conftest import NewProcess
from tests.support.empty_values import DECLARABLE, WAYS
from tests.support.field_samples import Sample, samples
from tests.unit.providers.engine import KeyEngine

SAMPLES = samples(secrets.token_hex(4))
NO_OTHER = Sample(None, None)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("name", "empty"), DECLARABLE)
def test_a_declared_empty_value_is_no_diff(
    process: NewProcess, engine: KeyEngine, name: str, empty: Any, way: str
) -> None:
    WAYS[way](process(), engine, name, empty, SAMPLES.get(name, NO_OTHER))


def test_windows_that_are_emptied_are_gone(
    process: NewProcess, admin: httpx.Client, engine: KeyEngine
) -> None:
    engine.up(process(), budget_limits=SAMPLES["budget_limits"].first)
    engine.up(process(), budget_limits=[])
    info = admin.get("/key/info", params={"key": engine.token_id}).json()["info"]
    assert info["budget_limits"] is None


def test_an_interval_that_a_new_key_forgets_comes_back_when_it_is_wanted(
    process: NewProcess, admin: httpx.Client, engine: KeyEngine
) -> None:
    def interval() -> Any:
        return admin.get("/key/info", params={"key": engine.token_id}).json()["info"]["rotation_interval"]

    gateway = process()
    engine.up(gateway, auto_rotate=False, rotation_interval="30d")
    assert interval() is None
    assert engine.refresh(gateway)
    assert engine.preview(auto_rotate=True, rotation_interval="30d") == ["auto_rotate"]
    engine.up(gateway, auto_rotate=True, rotation_interval="30d")
    assert interval() == "30d"
