"""Mounts of a real Vault or OpenBao, as the configuration names them: KV v2, or refused by name."""

import re
from collections.abc import Iterator
from typing import Any

import hvac
import pytest

from providers.vault.errors import VaultNotVersion2Error
from providers.vault.kv_mounts import KvMountsProvider
from tests.contract.conftest import MOUNT

PLACE = "llm-gateway:apps[0].mount"
VERSION_1, BELOW = f"{MOUNT}-v1", f"{MOUNT}/team"


def look(*mounts: str) -> None:
    KvMountsProvider().create({"mounts": dict.fromkeys(mounts, PLACE), "vault": {}})


@pytest.fixture
def powerless_token(client: hvac.Client) -> Iterator[str]:
    """Give a token that may read one app's path in one mount and nothing else."""
    rules = f'path "{MOUNT}/data/apps/*" {{ capabilities = ["read"] }}'
    client.sys.create_or_update_policy(f"{MOUNT}-powerless", rules)
    asked = {"policies": [f"{MOUNT}-powerless"], "no_default_policy": True, "ttl": "5m"}
    answer: Any = client.write_data("auth/token/create", data=asked)
    yield answer["auth"]["client_token"]
    client.delete(f"sys/policies/acl/{MOUNT}-powerless")


@pytest.mark.usefixtures("vault_environment")
def test_a_mount_of_kv_v2_is_taken() -> None:
    look(MOUNT)


@pytest.mark.usefixtures("vault_environment")
@pytest.mark.parametrize(
    ("mount", "found", "what_to_do"),
    [
        (VERSION_1, f"has KV v1 at {VERSION_1}", f"vault kv enable-versioning {VERSION_1}"),
        ("nowhere", "has no mount nowhere", "vault secrets enable -path=nowhere -version=2 kv"),
        (BELOW, f"has no mount {BELOW}", f"vault secrets enable -path={BELOW} -version=2 kv"),
        ("sys", "has system at sys", "name another"),
    ],
    ids=["version 1", "missing", "a path below a mount", "another kind"],
)
def test_another_mount_is_refused_by_the_key_that_names_it(mount: str, found: str, what_to_do: str) -> None:
    with pytest.raises(VaultNotVersion2Error) as refused:
        look(MOUNT, mount)
    [sentence] = str(refused.value).splitlines()
    assert sentence.startswith(f"{PLACE}: Vault at https://")
    assert f"{found}; expected a KV v2 mount: " in sentence.replace(" that this token may see", "")
    assert what_to_do in sentence


@pytest.fixture
def exchanged(client: hvac.Client) -> Iterator[str]:
    """Give a mount of KV v2, in whose place another one is when it has been looked at once."""
    mount = f"{MOUNT}-exchanged"
    client.sys.enable_secrets_engine("kv", path=mount, options={"version": "2"})
    look(mount)
    client.delete(f"sys/mounts/{mount}")
    client.sys.enable_secrets_engine("kv", path=mount, options={"version": "1"})
    yield mount
    client.delete(f"sys/mounts/{mount}")


@pytest.mark.usefixtures("vault_environment")
def test_a_mount_that_was_exchanged_is_seen_by_a_refresh_and_refused_by_the_next_up(exchanged: str) -> None:
    declared = {"mounts": dict.fromkeys([MOUNT, exchanged], PLACE), "vault": {}}
    provider = KvMountsProvider()
    seen = provider.read("kv-mounts", declared)
    assert seen.outs == seen.inputs == {"mounts": {MOUNT: PLACE}, "vault": {}}
    assert provider.diff("kv-mounts", seen.outs, declared).changes
    with pytest.raises(
        VaultNotVersion2Error, match=f"{re.escape(PLACE)}: Vault at .* has KV v1 at {exchanged}"
    ):
        provider.update("kv-mounts", seen.outs, declared)


@pytest.mark.usefixtures("vault_environment")
def test_a_refresh_of_what_is_right_changes_nothing() -> None:
    declared = {"mounts": {MOUNT: PLACE}, "vault": {}}
    assert KvMountsProvider().read("kv-mounts", declared).outs == declared


@pytest.mark.usefixtures("vault_environment")
def test_every_wrong_mount_is_named() -> None:
    with pytest.raises(VaultNotVersion2Error) as refused:
        look(VERSION_1, "nowhere")
    assert len(str(refused.value).splitlines()) == 2


@pytest.mark.usefixtures("vault_environment")
def test_whoever_may_do_little_in_a_mount_can_look_at_it_all_the_same(
    powerless_token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", powerless_token)
    look(MOUNT)
    with pytest.raises(
        VaultNotVersion2Error, match=f"no mount {VERSION_1} that this token may see.*sys/mounts"
    ):
        look(VERSION_1)


@pytest.mark.usefixtures("vault_environment")
def test_the_list_of_mounts_is_enough_for_one_in_which_the_token_may_do_nothing(
    client: hvac.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token of the documentation has no rights in the mounts of apps."""
    client.sys.create_or_update_policy(f"{MOUNT}-list", 'path "sys/mounts" { capabilities = ["read"] }')
    asked = {"policies": [f"{MOUNT}-list"], "no_default_policy": True, "ttl": "5m"}
    answer: Any = client.write_data("auth/token/create", data=asked)
    monkeypatch.setenv("VAULT_TOKEN", answer["auth"]["client_token"])
    look(MOUNT)
    with pytest.raises(VaultNotVersion2Error, match=f"has KV v1 at {VERSION_1}"):
        look(VERSION_1)
    client.delete(f"sys/policies/acl/{MOUNT}-list")
