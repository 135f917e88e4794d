"""The recordings say what the real gateway says. `make record` writes them anew."""

import os
import secrets
from contextlib import closing

import httpx
import pytest
from pydantic import SecretStr

from tests.support.field_samples import make_neighbours
from tests.support.recording import Recorder, load, save
from tests.support.scenarios import SCENARIOS, Stage

RECORD = bool(os.environ.get("LLM_GATEWAY_RECORD"))


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_gateway_still_answers_as_recorded(
    admin: httpx.Client, gateway_url: str, master_key: SecretStr, name: str
) -> None:
    suffix = secrets.token_hex(4)
    make_neighbours(admin, suffix)
    with closing(Recorder(suffix)) as recorder:
        SCENARIOS[name](Stage(gateway_url, recorder, master_key, suffix))
    if RECORD:
        save(name, admin.get("/openapi.json").json()["info"]["version"], recorder.exchanges)
    assert recorder.exchanges == load(name)
