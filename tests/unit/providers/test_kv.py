"""What a server may answer, over a real socket, and the sentence it becomes."""

from contextlib import AbstractContextManager

import httpx
import pytest

from providers.vault.connection import VaultConnection
from providers.vault.errors import (
    VaultConflictError,
    VaultDeniedError,
    VaultError,
    VaultMountMissingError,
    VaultRefusedError,
    VaultUnavailableError,
)
from providers.vault.kv import KvPath, KvVersion
from tests.unit.providers.fake_vault import TOKEN, FakeVault
from tests.unit.providers.http_server import serving


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    monkeypatch.delenv("VAULT_CACERT", raising=False)


def path_at(address: str) -> KvPath:
    return KvPath(VaultConnection(address, patience_seconds=0), "litellm", "api-keys")


def answering(status: int, **content: object) -> AbstractContextManager[str]:
    return serving(lambda _: httpx.Response(status, **content))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "errors", "kind", "says"),
    [
        (403, ["permission denied"], VaultDeniedError, "doesn't allow the token to read litellm/api-keys"),
        (503, ["Vault is sealed"], VaultUnavailableError, "is sealed; see that it runs and is unsealed"),
        (503, ["no leader"], VaultUnavailableError, "is down"),
        (501, ["not initialized"], VaultUnavailableError, "isn't initialized"),
        (500, ["internal error"], VaultUnavailableError, "answers: internal error"),
        (429, ["rate limit"], VaultUnavailableError, "answers: rate limit"),
        (400, ["Upgrading from non-versioned"], VaultUnavailableError, "is still making the mount ready"),
        (400, ["something else"], VaultRefusedError, "refused to read litellm/api-keys: something else"),
        (404, ['no handler for route "litellm/data/x".'], VaultMountMissingError, "has no mount litellm;"),
    ],
)
def test_an_error_becomes_one_sentence(
    status: int, errors: list[str], kind: type[VaultError], says: str
) -> None:
    with answering(status, json={"errors": errors}) as address, pytest.raises(kind) as raised:
        path_at(address).read()
    assert says in str(raised.value)
    assert address in str(raised.value)
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize(("status", "text"), [(200, "<html>"), (404, "default backend - 404")])
def test_another_server_is_not_taken_for_vault(status: int, text: str) -> None:
    with (
        answering(status, text=text) as address,
        pytest.raises(VaultRefusedError, match="isn't one of Vault"),
    ):
        path_at(address).read()


def test_a_path_that_never_was_has_version_0() -> None:
    with answering(404, json={"errors": []}) as address:
        assert path_at(address).read() == KvVersion(0, {})


def test_a_deleted_version_keeps_its_number() -> None:
    body = {"data": {"data": None, "metadata": {"version": 3, "deletion_time": "2026-01-01T00:00:00Z"}}}
    with answering(404, json=body) as address:
        assert path_at(address).read() == KvVersion(3, {})


def test_a_lost_race_is_a_conflict() -> None:
    reason = "check-and-set parameter did not match the current version"
    with answering(400, json={"errors": [reason]}) as address, pytest.raises(VaultConflictError):
        path_at(address).write({"a": "b"}, after=1)


def test_a_sealed_server_is_waited_for() -> None:
    answers = [
        httpx.Response(200, json={"data": {"data": {"a": "b"}, "metadata": {"version": 1}}}),
        httpx.Response(503, json={"errors": ["Vault is sealed"]}),
        httpx.Response(503, json={"errors": ["Vault is sealed"]}),
    ]
    with serving(lambda _: answers.pop()) as address:
        path = KvPath(VaultConnection(address, patience_seconds=10), "litellm", "api-keys")
        assert path.read().data == {"a": "b"}


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://127.0.0.1:1", "can't be reached (connection refused)"),
        ("http://vault.invalid:8200", "can't be reached (name or service not known)"),
    ],
)
def test_nobody_there(address: str, says: str) -> None:
    with pytest.raises(VaultUnavailableError) as raised:
        path_at(address).read()
    assert says in str(raised.value)


def test_what_is_below_a_path_is_listed() -> None:
    vault = FakeVault("litellm")
    vault.put("litellm", "keys/a", x="1")
    vault.put("litellm", "keys/team/b", x="1")
    vault.put("litellm", "api-keys", x="1")
    with serving(vault.serve) as address:
        connection = VaultConnection(address, patience_seconds=0)
        assert KvPath(connection, "litellm", "").children() == ["api-keys", "keys/"]
        assert KvPath(connection, "litellm", "keys").children() == ["a", "team/"]
        assert KvPath(connection, "litellm", "nothing").children() == []
        with pytest.raises(VaultMountMissingError):
            KvPath(connection, "elsewhere", "").children()


def test_another_server_lists_nothing() -> None:
    with answering(404, text="default backend - 404") as address, pytest.raises(VaultRefusedError):
        path_at(address).children()
