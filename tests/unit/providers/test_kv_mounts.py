"""Which mounts are looked at, and when; the contract tests say what is seen there."""

from collections.abc import Iterator
from typing import Any

import pytest

from providers.inputs import UNKNOWN
from providers.vault.errors import VaultNotVersion2Error
from providers.vault.kv_mounts import KvMountsProvider
from tests.unit.providers.fake_vault import TOKEN, FakeVault
from tests.unit.providers.http_server import serving

PROVIDER = KvMountsProvider()


def props(**mounts: str) -> dict[str, Any]:
    return {"mounts": mounts, "vault": {}}


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeVault]:
    vault = FakeVault("shared")
    with serving(vault.serve) as address:
        monkeypatch.setenv("VAULT_ADDR", address)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        yield vault


def test_only_new_mounts_are_looked_at(vault: FakeVault) -> None:
    assert PROVIDER.create(props(shared="apps[0].mount")).outs == props(shared="apps[0].mount")
    olds, news = props(nowhere="apps[0].mount"), props(nowhere="apps[1].mount", shared="apps[0].mount")
    assert PROVIDER.update("", olds, news).outs == news
    with pytest.raises(VaultNotVersion2Error, match=r"apps\[1\]\.mount: Vault at .* has no mount nowhere"):
        PROVIDER.update("", olds | {"vault": {"namespace": "team"}}, news)
    assert vault.calls["GET /v1/sys/internal/ui/mounts/shared"] == 3


def test_another_mount_is_a_change_and_another_key_that_names_it_is_none() -> None:
    olds = props(shared="apps[0].mount")
    assert not PROVIDER.diff("", olds, props(shared="apps[1].mount")).changes
    assert PROVIDER.diff("", olds, props(shared="apps[0].mount", other="apps[1].mount")).changes
    assert PROVIDER.diff("", olds, olds | {"vault": {"namespace": "team"}}).changes


def test_inputs_are_checked_without_vault() -> None:
    assert PROVIDER.check({}, {"mounts": UNKNOWN, "vault": {}}).failures == []
    [failure] = PROVIDER.check({}, {"mounts": ["shared"], "vault": {}}).failures
    assert failure.property == "mounts"
