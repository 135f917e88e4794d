"""Orphans on the real gateway and in the real Vault: found, and removed with nothing else."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import hvac
import pytest
from pydantic import SecretStr
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed
from typer.testing import CliRunner

from providers.litellm.__main__ import app
from providers.litellm.errors import AdoptionError
from providers.litellm.virtual_key import VirtualKeyProvider
from tests.contract.conftest import MOUNT
from tests.support.gateway import chat
from tests.unit.providers.provider_engine import ProviderEngine, new_process

pytestmark = pytest.mark.usefixtures("vault_environment")


class Stack:
    """A stack of a name of its own: the search takes no key of another one for its."""

    def __init__(self, url: str, api: httpx.Client, folder: Path) -> None:
        self.name = f"contract-{secrets.token_hex(4)}"
        self.input = {"url": url, "admin_key": {"env": "CONTRACT_MASTER_KEY"}}
        self.api, self._folder = api, folder
        self.made: list[ProviderEngine] = []

    def deliver(self, name: str) -> dict[str, str]:
        return {"mount": MOUNT, "path": f"{self.name}/{name}"}

    def key(self, name: str, **declared: Any) -> ProviderEngine:
        new_process()
        urn = f"urn:pulumi:{self.name}::orphans::pulumi-python:dynamic/litellm:VirtualKey::{name}"
        engine = ProviderEngine(VirtualKeyProvider(), urn)
        engine.up(gateway=self.input, deliver=self.deliver(name), **declared)
        self.made.append(engine)
        return engine

    def orphans(self, *known: ProviderEngine, arguments: tuple[str, ...] = ()) -> tuple[int, dict[str, Any]]:
        """Run the command with a state that knows some of the keys: its exit code, and what it prints."""
        resources = [
            {
                "urn": key.urn,
                "id": key.id,
                "type": "pulumi-python:dynamic/litellm:VirtualKey",
                "inputs": key.inputs,
                "outputs": key.state,
            }
            for key in known
        ]
        file = self._folder / "state.json"
        file.write_text(json.dumps({"version": 3, "deployment": {"resources": resources}}))
        new_process()
        result = CliRunner().invoke(app, ["orphans", "--state", str(file), "--json", *arguments])
        return result.exit_code, json.loads(result.stdout)

    def status(self, key: ProviderEngine) -> str:
        return str(self.api.get("/key/info", params={"key": key.id}).json()["info"]["status"])


@pytest.fixture
def stack(
    gateway_url: str,
    master_key: SecretStr,
    admin: httpx.Client,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Stack]:
    monkeypatch.setenv("CONTRACT_MASTER_KEY", master_key.get_secret_value())
    stack = Stack(gateway_url, admin, tmp_path)
    yield stack
    new_process()
    for key in stack.made:
        admin.post("/key/delete", json={"keys": [key.id]})


def test_an_orphan_is_found_and_removed_with_nothing_else(stack: Stack, client: hvac.Client) -> None:
    kept, orphan = stack.key("kept"), stack.key("orphan", max_budget=5)
    code, document = stack.orphans(kept)
    [found] = document["findings"]
    assert (code, found["token_id"], found["used"]) == (1, orphan.id, False)
    assert (found["gateway"], found["vault_path"]) == (stack.input["url"], f"{MOUNT}/{stack.name}/orphan")
    assert stack.status(orphan) == "active"

    code, document = stack.orphans(kept, arguments=("--remove", "--yes"))
    assert (code, document["findings"][0]["removed"]) == (1, False)  # it is younger than ten minutes
    code, document = stack.orphans(kept, arguments=("--remove", "--yes", "--older-than", "0"))
    assert (code, document["findings"][0]["removed"]) == (0, True)
    assert (stack.status(orphan), stack.status(kept)) == ("deleted", "active")
    listed = client.secrets.kv.v2.list_secrets(stack.name, mount_point=MOUNT)["data"]["keys"]
    assert listed == ["kept"]
    assert stack.orphans(kept) == (0, document | {"findings": []})


def test_an_adopted_key_that_stands_in_no_state_is_given_back(
    stack: Stack, client: hvac.Client, gateway_url: str
) -> None:
    kept, alias = stack.key("kept"), f"theirs-{stack.name}"
    theirs = {"key_alias": alias, "metadata": {"team": "theirs"}, "rpm_limit": 100, "models": ["gpt-4o"]}
    made = stack.api.post("/key/generate", json=theirs).raise_for_status().json()
    client.secrets.kv.v2.create_or_update_secret(
        f"{stack.name}/lost", secret={"api-key": made["key"]}, mount_point=MOUNT
    )
    lost = stack.key("lost", adopt=alias, max_budget=7)
    code, document = stack.orphans(kept)
    [found] = document["findings"]
    assert (code, found["verdict"], found["token_id"]) == (0, "adopted", lost.id)
    with pytest.raises(AdoptionError, match=r"`python -m providers.litellm orphans --remove` for its stack"):
        stack.key("renamed", adopt=alias)

    young = stack.orphans(kept, arguments=("--remove", "--yes"))[1]["findings"][0]
    assert not young["given_back"]  # it was adopted less than ten minutes ago, though it may be older
    document = stack.orphans(kept, arguments=("--remove", "--yes", "--older-than", "0"))[1]
    assert (document["findings"][0]["given_back"], document["findings"][0]["removed"]) == (True, False)
    row = stack.api.get("/key/info", params={"key": lost.id}).json()["info"]
    assert row | theirs | {"max_budget": 7, "status": "active"} == row
    assert chat(gateway_url, made["key"], "gpt-4o") == 200
    place = client.secrets.kv.v2.read_secret_version(
        f"{stack.name}/lost", mount_point=MOUNT, raise_on_deleted_version=True
    )
    assert (place["data"]["data"]["api-key"], "managed-by-urn" in place["data"]["data"]) == (
        made["key"],
        False,
    )
    assert stack.orphans(kept)[1]["findings"] == []
    lost.urn = lost.urn.replace("::lost", "::renamed")
    lost.inputs, lost.state = {}, None
    lost.up(gateway=stack.input, deliver=stack.deliver("lost"), adopt=alias)
    assert lost.id == made["token"]


def test_a_predecessor_is_expiring_and_no_orphan(stack: Stack) -> None:
    key = stack.key("rotated", rotation={"n": 1})
    predecessor = key.id
    new_process()
    assert key.up(gateway=stack.input, deliver=stack.deliver("rotated"), rotation={"n": 2}) == "replace"
    code, document = stack.orphans(key, arguments=("--remove", "--yes", "--older-than", "0"))
    [found] = document["findings"]
    assert (code, found["verdict"], found["token_id"]) == (0, "expiring", predecessor)
    assert stack.api.get("/key/info", params={"key": predecessor}).json()["info"]["status"] == "active"


def test_a_key_in_use_is_only_removed_when_that_is_said(
    stack: Stack, gateway_url: str, client: hvac.Client
) -> None:
    kept, orphan = stack.key("kept"), stack.key("orphan")
    place = client.secrets.kv.v2.read_secret_version(
        f"{stack.name}/orphan", mount_point=MOUNT, raise_on_deleted_version=True
    )
    assert chat(gateway_url, place["data"]["data"]["api-key"], "gpt-4o") == 200
    # The gateway notes a key's use every few seconds.
    noted = Retrying(
        retry=retry_if_result(lambda found: not found["used"]), stop=stop_after_delay(90), wait=wait_fixed(1)
    )(lambda: stack.orphans(kept)[1]["findings"][0])
    assert noted["spend"] > 0
    arguments = ("--remove", "--yes", "--older-than", "0")
    assert stack.orphans(kept, arguments=arguments)[0] == 1
    assert stack.status(orphan) == "active"
    assert stack.orphans(kept, arguments=(*arguments, "--used"))[0] == 0
    assert stack.status(orphan) == "deleted"
