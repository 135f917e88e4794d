"""Nothing tells a secret: no log, no exception with its locals, no repr, no pickle, no id, no output."""

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from tenacity import stop_after_attempt

from providers.errors import ProviderError
from providers.litellm import connection, known
from providers.litellm.delivery import Delivery
from providers.litellm.minted_key import MintedKey
from providers.reference import SecretReference, SecretUnusableError
from providers.vault.connection import VaultConnection
from providers.vault.errors import VaultSetupError
from providers.vault.kv import KvPath
from tests.unit.providers.engine import KeyEngine, as_pulumi
from tests.unit.providers.fake_gateway import ADMIN_KEY, FakeGateway
from tests.unit.providers.fake_vault import TOKEN, FakeVault
from tests.unit.providers.http_server import serving

DELIVER = {"mount": "kv", "path": "keys/app"}
Answer = Callable[[httpx.Request], httpx.Response]


@dataclass
class Site:
    """A gateway and a Vault behind real sockets, either of which may answer something else.

    Attributes
    ----------
    faults
        Method and path of a request -> what is answered instead.
    """

    gateway: FakeGateway = field(default_factory=FakeGateway)
    vault: FakeVault = field(default_factory=lambda: FakeVault("kv"))
    faults: dict[str, Answer] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    minted: list[str] = field(default_factory=list)

    def answer(self, serve: Answer) -> Answer:
        def answer(request: httpx.Request) -> httpx.Response:
            fault = self.faults.get(f"{request.method} {request.url.path}")
            return fault(request) if fault else serve(request)

        return answer

    @property
    def input(self) -> dict[str, Any]:
        return {
            "url": self.addresses["gateway"],
            "admin_key": {"env": "ADMIN_KEY"},
            "vault": {"address": self.addresses["vault"]},
            "ready_timeout_seconds": 0,
        }

    def engine(self) -> KeyEngine:
        known.forget()
        return KeyEngine("app")

    def life(self, engine: KeyEngine) -> None:
        """Let a delivered key live from its creation to its end."""
        client = connection.connect(as_pulumi(self.input))
        client.patience_seconds = 0
        declared = {"gateway": self.input, "deliver": DELIVER}
        engine.up(client, max_budget=5, **declared)
        engine.up(client, max_budget=6, duration="1d", **declared)
        engine.refresh(client)
        engine.up(client, key_type="llm_api", **declared)
        engine.destroy(client)

    @property
    def secrets(self) -> dict[str, str]:
        """Name every secret there is."""
        standing = [
            version for paths in self.vault.paths.values() for path in paths.values() for version in path
        ]
        delivered = {version["api-key"] for version in standing if "api-key" in version}
        return {"admin key": ADMIN_KEY, "token": TOKEN} | {
            f"key {number}": value for number, value in enumerate(sorted({*delivered, *self.minted}))
        }


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    site = Site()
    monkeypatch.setenv("ADMIN_KEY", ADMIN_KEY)
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    monkeypatch.delenv("VAULT_CACERT", raising=False)
    monkeypatch.setattr("providers.vault.border.stop_after_delay", lambda _: stop_after_attempt(1))
    monkeypatch.setattr("providers.litellm.settling._ATTEMPTS", 1)
    # Reading the system's CAs takes a tenth of a second, and here is no TLS.
    monkeypatch.setattr(connection, "http_client", lambda url, _: httpx.Client(base_url=url, verify=False))  # noqa: S501
    mint = MintedKey.mint

    def minted() -> MintedKey:
        made = mint()
        site.minted.append(made.value.get_secret_value())
        return made

    monkeypatch.setattr(MintedKey, "mint", minted)
    with ExitStack() as servers:
        serve = site.gateway.transport.handler
        site.addresses["gateway"] = servers.enter_context(serving(site.answer(serve)))  # type: ignore[arg-type]
        site.addresses["vault"] = servers.enter_context(serving(site.answer(site.vault.serve)))
        yield site
        for client in connection._clients.values():
            client._http.close()
        connection._clients.clear()


def told(error: BaseException) -> str:
    """Give all that a traceback with its locals would tell, and all forms of the error itself."""
    trace = traceback.TracebackException.from_exception(error, capture_locals=True)
    lines = [line for line in "".join(trace.format()).splitlines() if "test_secrets" not in line]
    return "\n".join([*lines, str(error), repr(error), repr(error.args), repr(vars(error))])


def without_tests(error: BaseException) -> BaseException:
    """Drop the frames of this module, which hold secrets on purpose."""
    trace = error.__traceback__
    while trace and "/tests/" in trace.tb_frame.f_code.co_filename:
        trace = trace.tb_next
    return error.with_traceback(trace)


# --- logs ------------------------------------------------------------------------------------------------


def test_the_loudest_log_tells_no_secret(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    site.life(site.engine())
    assert {"httpx", "httpcore.http11", "urllib3.connectionpool"} <= {r.name for r in caplog.records}
    assert len(site.secrets) == 4
    for name, secret in site.secrets.items():
        assert secret not in caplog.text, name


# --- exceptions ------------------------------------------------------------------------------------------


def refusing(status: int) -> Answer:
    """Answer as both servers do, the gateway with all that it was sent."""

    def answer(request: httpx.Request) -> httpx.Response:
        words = f"{request.headers.get('Authorization')} {request.content.decode()}"
        error = {"message": words, "code": str(status)} if "X-Vault-Token" not in request.headers else None
        return httpx.Response(status, json={"error": error, "errors": ["said by Vault"]})

    return answer


def breaking(_: httpx.Request) -> httpx.Response:
    raise ConnectionResetError


FAULTS = {
    "401": refusing(401),
    "400": refusing(400),
    "500": refusing(500),
    "broken off": breaking,
}
STEPS = (
    "POST /key/generate",
    "POST /key/update",
    "POST /key/delete",
    "GET /key/info",
    "GET /key/list",
    "GET /health/readiness",
    "GET /v1/kv/data/keys/app",
    "POST /v1/kv/data/keys/app",
    "DELETE /v1/kv/metadata/keys/app",
)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fault", FAULTS)
def test_no_failure_tells_a_secret_not_even_with_its_locals(site: Site, step: str, fault: str) -> None:
    site.faults[step] = FAULTS[fault]
    try:
        site.life(site.engine())
    except ProviderError as error:
        text = told(without_tests(error))
        for name, secret in site.secrets.items():
            assert secret not in text, name
    else:
        assert step == "GET /health/readiness"  # which is told without a key, and waited for


UNSENDABLE = pytest.mark.parametrize(
    "value",
    ["sk-a hidden one", "sk-a-hidden-one\n", "sk-a-hidden-one…"],
    ids=["blank", "line break", "accent"],
)


@UNSENDABLE
def test_an_admin_key_that_no_header_takes_is_refused_unseen(
    site: Site, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("ADMIN_KEY", value)
    with pytest.raises(SecretUnusableError, match="environment variable ADMIN_KEY holds a blank") as raised:
        site.life(site.engine())
    assert "hidden" not in told(without_tests(raised.value))


@UNSENDABLE
def test_a_token_that_no_header_takes_is_refused_unseen(
    site: Site, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", value)
    with pytest.raises(VaultSetupError, match="the token for Vault holds a blank") as raised:
        KvPath(VaultConnection(site.addresses["vault"]), "kv", "x").read()
    assert "hidden" not in told(without_tests(raised.value))


# --- objects ---------------------------------------------------------------------------------------------


def test_no_object_that_holds_a_secret_shows_it(site: Site) -> None:
    client = connection.connect(site.input)
    list(client.list_keys())
    vault = VaultConnection(site.addresses["vault"])
    path = KvPath(vault, "kv", "keys/app")
    path.merge(lambda _: {"api-key": "sk-a-secret-value"})
    minted = MintedKey(SecretStr("sk-a-secret-value"))
    reference = SecretReference.parse({"env": "ADMIN_KEY"})
    objects = [
        client,
        vars(client),
        path,
        path.read(),
        vars(path),
        minted,
        reference,
        reference.resolve(vault),
    ]
    objects += [Delivery(path, "api-key", "urn"), Delivery(path, "api-key", "urn").look_up]
    for thing in objects:
        assert "sk-a-secret-value" not in repr(thing)
        assert ADMIN_KEY not in repr(thing)
        assert TOKEN not in repr(thing)
