"""A stack with its gateway and its Vault, on which `python -m providers.litellm orphans` is run."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tenacity import stop_after_attempt
from typer.testing import CliRunner, Result

from providers.litellm import connection
from providers.litellm.__main__ import app
from providers.litellm.virtual_key import VirtualKeyProvider
from tests.unit.providers.engine import urn
from tests.unit.providers.fake_gateway import ADMIN_KEY
from tests.unit.providers.fake_users import FakeGatewayWithUsers
from tests.unit.providers.fake_vault import TOKEN, FakeVault
from tests.unit.providers.http_server import serving
from tests.unit.providers.provider_engine import ProviderEngine, new_process

__all__ = ["LONG_AGO", "Site", "deliver", "served", "verdicts"]

LONG_AGO = (datetime.now(UTC) - timedelta(days=1)).isoformat()


@dataclass
class Site:
    """A stack with its gateway and its Vault."""

    folder: Path
    gateway: FakeGatewayWithUsers = field(default_factory=FakeGatewayWithUsers)
    vault: FakeVault = field(default_factory=lambda: FakeVault("kv"))
    resources: list[ProviderEngine] = field(default_factory=list)
    addresses: dict[str, str] = field(default_factory=dict)

    @property
    def input(self) -> dict[str, Any]:
        return {
            "url": self.addresses["gateway"],
            "admin_key": {"env": "ADMIN_KEY"},
            "vault": {"address": self.addresses["vault"]},
            "ready_timeout_seconds": 0,
        }

    def key(self, name: str, **declared: Any) -> ProviderEngine:
        """Bring up a key; the state knows it as long as it stands in `resources`."""
        new_process()
        engine = ProviderEngine(VirtualKeyProvider(), urn(name))
        engine.up(gateway=self.input, **declared)
        self.gateway.rows[engine.id]["created_at"] = LONG_AGO
        self.resources.append(engine)
        return engine

    def lost(self, name: str, **declared: Any) -> ProviderEngine:
        """Bring up a key whose state is lost."""
        self.key(name, **declared)
        return self.resources.pop()

    def state(self) -> str:
        stack = {"urn": "urn:pulumi:dev::llm-gateway::pulumi:pulumi:Stack::x", "type": "pulumi:pulumi:Stack"}
        bound = {
            "urn": urn("bound").replace("VirtualKey", "RevocationBound"),
            "id": "revocation-bound",
            "type": "pulumi-python:dynamic/litellm:RevocationBound",
            "inputs": {"url": self.addresses["gateway"], "ttl_seconds": 60},
        }
        keys = [
            {
                "urn": engine.urn,
                "id": engine.id,
                "type": "pulumi-python:dynamic/litellm:VirtualKey",
                "inputs": engine.inputs,
                "outputs": engine.state,
            }
            for engine in self.resources
        ]
        file = self.folder / "state.json"
        file.write_text(json.dumps({"version": 3, "deployment": {"resources": [stack, bound, *keys]}}))
        return str(file)

    def run(self, *arguments: str, answer: str | None = None) -> Result:
        new_process()
        result = CliRunner().invoke(app, ["orphans", *arguments], input=answer)
        secrets = [ADMIN_KEY, TOKEN, *(v for path in self.vault.paths["kv"].values() for v in _keys(path))]
        assert not any(secret in result.output for secret in secrets)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    def search(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Search and give the exit code and the document."""
        result = self.run("--state", self.state(), "--json", *arguments)
        return result.exit_code, json.loads(result.stdout)


def _keys(versions: list[dict[str, Any]]) -> list[str]:
    return [version[name] for version in versions for name in version if name.startswith("api-key")]


def verdicts(document: dict[str, Any]) -> list[tuple[str, str, bool]]:
    return [(found["verdict"], found["token_id"], found["removed"]) for found in document["findings"]]


def deliver(name: str) -> dict[str, str]:
    return {"mount": "kv", "path": f"keys/{name}"}


@contextmanager
def served(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Serve the gateway and the Vault of a stack whose state is written to this folder."""
    site = Site(folder)
    monkeypatch.setenv("ADMIN_KEY", ADMIN_KEY)
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    monkeypatch.delenv("VAULT_CACERT", raising=False)
    monkeypatch.setattr("providers.vault.border.stop_after_delay", lambda _: stop_after_attempt(1))
    monkeypatch.setattr("providers.litellm.client.stop_after_delay", lambda _: stop_after_attempt(1))
    # Reading the system's CAs takes a tenth of a second, and here is no TLS.
    monkeypatch.setattr(connection, "http_client", lambda url, _: httpx.Client(base_url=url, verify=False))  # noqa: S501
    with ExitStack() as servers:
        serve: Any = site.gateway.transport.handler
        site.addresses["gateway"] = servers.enter_context(serving(serve))
        site.addresses["vault"] = servers.enter_context(serving(site.vault.serve))
        monkeypatch.setenv("VAULT_ADDR", site.addresses["vault"])
        yield site
        new_process()
