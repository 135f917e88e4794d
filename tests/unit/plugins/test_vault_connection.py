"""The border to Vault, against a small HTTP server that answers as OpenBao does."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from toolchain.plugins.vault import errors
from toolchain.plugins.vault.connection import Settings, Vault

TOKEN = "hvs.made-up"


class Handler(BaseHTTPRequestHandler):
    answers: ClassVar[dict[str, tuple[int, Any]]] = {}
    seen: ClassVar[list[Any]] = []

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.seen.append((self.command, self.path, dict(self.headers), body))
        status, answer = self.answers.get(self.path, (404, {"errors": []}))
        data = b"" if status == 204 else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = do_PUT = _answer  # noqa: N815 - the names are the library's

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    Handler.answers, Handler.seen = {"/v1/auth/token/lookup-self": (200, {"data": {}})}, []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def vault(address: str, **settings: str) -> Vault:
    configuration = {"address": address, "token": TOKEN, **settings}
    return Vault(Settings.read(configuration, {}), threading.Event())


def test_a_call_carries_token_namespace_and_body(address: str) -> None:
    Handler.answers["/v1/a/b"] = (200, {"data": {"x": 1}})
    assert vault(address, namespace="team/").within("/app").write("/a/b", {"y": 2}) == {"data": {"x": 1}}
    method, path, headers, body = Handler.seen[0]
    assert (method, path, body) == ("POST", "/v1/a/b", {"y": 2})
    assert (headers["X-Vault-Token"], headers["X-Vault-Namespace"]) == (TOKEN, "team/app")


def test_an_empty_answer_is_an_empty_document(address: str) -> None:
    Handler.answers["/v1/a"] = (204, None)
    assert vault(address).within("").write("a", {}) == {}


def test_nothing_there_is_none(address: str) -> None:
    root = vault(address).within("")
    assert root.get("nothing") is None
    root.delete("nothing")
    with pytest.raises(errors.VaultRefusedError, match="404"):
        root.write("nothing", {})


@pytest.mark.parametrize(
    ("status", "reasons", "kind", "said"),
    [
        (503, ["Vault is sealed"], errors.VaultSealedError, "is sealed: unseal it"),
        (503, ["standby"], errors.VaultRefusedError, r"with 503 \(standby\)"),
        (403, ["permission denied"], errors.VaultRefusedError, "token's policies don't allow it"),
        (
            400,
            ["failed to parse\n  policy"],
            errors.VaultRefusedError,
            r"POST a with 400 \(failed to parse policy\)",
        ),
        (500, [], errors.VaultRefusedError, "no reason given"),
    ],
)
def test_refusals_are_sentences(
    address: str, status: int, reasons: list[str], kind: type[Exception], said: str
) -> None:
    Handler.answers["/v1/a"] = (status, {"errors": reasons})
    with pytest.raises(kind, match=said) as raised:
        vault(address).within("").write("a", {"password": "hunter2"})
    assert address in str(raised.value)
    assert "hunter2" not in str(raised.value)
    assert TOKEN not in str(raised.value)


def test_an_expired_token_is_told_from_a_missing_right(address: str) -> None:
    Handler.answers["/v1/a"] = Handler.answers["/v1/auth/token/lookup-self"] = (
        403,
        {"errors": ["permission denied"]},
    )
    with pytest.raises(errors.VaultTokenError, match="wrong, expired or revoked; log in again"):
        vault(address).within("").get("a")


def test_nobody_answers() -> None:
    with pytest.raises(errors.VaultUnreachableError, match=r"127\.0\.0\.1:9 \(Connection refused\)"):
        vault("http://127.0.0.1:9").within("").get("a")


def test_a_certificate_authority_that_is_no_file(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere.pem"
    with pytest.raises(errors.VaultUnreachableError, match="nowhere"):
        vault("https://127.0.0.1:9", caCertFile=str(nowhere)).within("").get("a")


@pytest.mark.parametrize("missing", ["address", "token"])
def test_nothing_is_configured(missing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(errors.VaultNotNamedError, match=f"No Vault {missing} is configured"):
        vault(**{"address": "http://127.0.0.1:9", missing: ""}).within("").get("a")


def test_settings_come_from_the_provider_then_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    environment = {
        "VAULT_ADDR": "https://env:8200/",
        "VAULT_TOKEN": "env",
        "VAULT_NAMESPACE": "ns/",
        "VAULT_CACERT": "/ca.pem",
    }
    given = Settings.read({"address": "https://given", "token": ""}, environment)
    assert given == Settings("https://given", "env", "ns", "/ca.pem", verify=True)
    assert Settings.read({"skipTlsVerify": "true"}, environment).verify is False
    (tmp_path / ".vault-token").write_text("from-login\n")
    assert Settings.read({}, {}).token == "from-login"
