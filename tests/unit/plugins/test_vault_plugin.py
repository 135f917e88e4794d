import json
from typing import Any

import pytest

from tests.unit.plugins.fakes import OWN_NAMES, engine, fake_vault, subject
from toolchain.plugins.errors import UnsupportedError
from toolchain.plugins.plugin import Naming, NamingMode
from toolchain.plugins.values import UNKNOWN, plain, struct
from toolchain.plugins.vault.plugin import VaultPlugin

POLICY = "vault:index/policy:Policy"
SECRET = "vault:kv/secretV2:SecretV2"
ROLE = "vault:kubernetes/authBackendRole:AuthBackendRole"
MOUNT = "vault:index/mount:Mount"


@pytest.fixture
def plugin() -> VaultPlugin:
    return VaultPlugin("7.14.0", engine())


def connected(plugin: VaultPlugin, answers: dict[str, Any]) -> Any:
    vault = fake_vault(answers)
    plugin._vault = vault
    return vault


def checked(
    plugin: VaultPlugin, type_token: str, new: dict[str, Any], old: dict[str, Any] | None = None
) -> Any:
    return plain(struct(plugin.check(subject(type_token, "reader"), old or {}, new, OWN_NAMES).inputs))


def test_a_name_is_made_and_kept(plugin: VaultPlugin) -> None:
    first = checked(plugin, POLICY, {"policy": "x"})
    assert first["name"] == "reader-0123456"
    assert checked(plugin, POLICY, {"policy": "y"}, old={"name": "reader-old"})["name"] == "reader-old"


def test_without_automatic_names_one_has_to_be_given(plugin: VaultPlugin) -> None:
    failures = plugin.check(subject(POLICY), {}, {"policy": "x"}, Naming(NamingMode.DISABLED)).failures
    assert [failure.property for failure in failures] == ["name"]


def test_unknown_values_pass_the_check(plugin: VaultPlugin) -> None:
    assert (
        checked(plugin, SECRET, {"mount": UNKNOWN, "name": "s", "dataJson": UNKNOWN})["dataJson"] == UNKNOWN
    )
    assert checked(plugin, ROLE, {"backend": UNKNOWN, "tokenPolicies": [UNKNOWN]})["tokenPolicies"] == [
        UNKNOWN
    ]


def test_json_in_another_order_is_no_change(plugin: VaultPlugin) -> None:
    old = {"dataJson": json.dumps({"a": 1, "b": 2}), "mount": "m", "name": "n"}
    new = {**old, "dataJson": '{"b":2,  "a":1}'}
    before, after = plugin.comparable(subject(SECRET), {}, old, new)
    assert before == after


def test_what_is_only_written_is_not_compared(plugin: VaultPlugin) -> None:
    old, new = plugin.comparable(subject(SECRET), {}, {"dataJsonWo": "{}"}, {"dataJsonWo": '{"a": 1}'})
    assert old == new == {}


@pytest.mark.parametrize(
    ("old", "new", "first"),
    [
        ({"name": "a"}, {"name": "a"}, True),
        ({"name": "a"}, {"name": "b"}, False),
    ],
)
def test_what_keeps_its_id_is_deleted_before_it_is_replaced(
    plugin: VaultPlugin, old: dict[str, Any], new: dict[str, Any], first: bool
) -> None:
    assert plugin.is_deleted_first(subject(POLICY), old, new) is first


def test_the_successor_of_a_token_may_come_first(plugin: VaultPlugin) -> None:
    assert not plugin.is_deleted_first(subject("vault:index/token:Token"), {}, {})


def test_reading_what_is_gone(plugin: VaultPlugin) -> None:
    connected(plugin, {})
    assert plugin.read(subject(ROLE, id="auth/k8s/role/x"), {"backend": "k8s", "roleName": "x"}, {}) is None


def test_drift_is_in_the_inputs_of_a_read(plugin: VaultPlugin) -> None:
    connected(plugin, {"auth/k8s/role/x": {"data": {"token_ttl": 77}}})
    inputs = {"backend": "k8s", "roleName": "x", "tokenTtl": 60}
    found = plugin.read(subject(ROLE, id="auth/k8s/role/x"), inputs, {"tokenTtl": 60, "kept": 1})
    assert found is not None
    assert found.inputs["tokenTtl"] == 77
    assert (found.state["tokenTtl"], found.state["kept"]) == (77, 1)


def test_the_id_follows_a_mount_that_has_moved(plugin: VaultPlugin) -> None:
    connected(plugin, {"sys/mounts": {"data": {"new/": {"type": "kv", "accessor": "a"}}}})
    found = plugin.read(subject(MOUNT, id="old"), {"path": "new", "type": "kv"}, {"path": "new"})
    assert found is not None
    assert found.id == "new"


def test_an_import_takes_the_inputs_from_id_and_server(plugin: VaultPlugin) -> None:
    connected(plugin, {"auth/k8s/role/x": {"data": {"token_ttl": 77, "audience": ""}}})
    found = plugin.read(subject(ROLE, id="auth/k8s/role/x"), {}, {})
    assert found is not None
    assert found.inputs == {"backend": "k8s", "roleName": "x", "tokenTtl": 77}


def test_an_unknown_type_names_the_official_plugin(plugin: VaultPlugin) -> None:
    with pytest.raises(UnsupportedError, match=r"vault:aws/x:X: install .* resource vault 7\.14\.0"):
        plugin.check(subject("vault:aws/x:X"), {}, {}, OWN_NAMES)


@pytest.mark.parametrize(
    ("inputs", "names"),
    [
        ({"address": "http://x", "skipChildToken": "true"}, []),
        ({"authLoginUserpass": "{}"}, ["authLoginUserpass"]),
        ({"headers": "[{}]", "tlsServerName": ""}, ["headers"]),
    ],
)
def test_options_of_the_official_plugin_alone(
    plugin: VaultPlugin, inputs: dict[str, Any], names: list[str]
) -> None:
    assert [failure.property for failure in plugin.check_configuration(inputs)] == names


def test_nothing_connects_before_a_resource_is_made(plugin: VaultPlugin) -> None:
    plugin.configure({"address": "http://127.0.0.1:9", "token": "t"})
    assert plugin.preview_create(subject(POLICY), {"name": "a"}) == {"name": "a"}
    assert plugin.preview_update(subject(POLICY), {"name": "a"}, {"x": 1}) == {"name": "a", "x": 1}
