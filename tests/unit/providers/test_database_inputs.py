"""What a database connection's inputs may say, and what of it is a change. No server."""

from typing import Any

import pytest

from providers.inputs import UNKNOWN
from providers.vault.database.connection import DatabaseConnectionProvider
from providers.vault.database.inputs import INPUTS, changed_inputs, check_inputs
from providers.vault.database.rotation import StaticRoleRotationProvider
from providers.vault.sources import fingerprint

PASSWORD = "DATABASE_PASSWORD_OF_THE_TESTS"
DECLARED: dict[str, Any] = {
    "mount": "database",
    "name": "shop",
    "plugin": "postgresql",
    "connection_url": "postgresql://{{username}}:{{password}}@db/shop",
    "username": "vault",
    "password": {"env": PASSWORD},
    "password_version": 1,
    "rotate_root": True,
    "verify_connection": True,
    "roles": [],
    "static_roles": [],
    "root_rotation_statements": [],
    "options": {},
    "vault": {},
    "retain_on_delete": False,
}
ROTATED = DECLARED | {"root": "rotated", "fingerprint": ""}
GIVEN = DECLARED | {"rotate_root": False, "root": "given", "fingerprint": fingerprint("first")}


@pytest.mark.parametrize(
    ("wrong", "field", "reason"),
    [
        ({"mount": "/database"}, "mount", "expected a path without a slash at its ends"),
        ({"plugin": "oracle"}, "plugin", "expected one of postgresql, mysql, got 'oracle'"),
        ({"connection_url": "postgresql://vault:hunter2@db"}, "connection_url", "expected {{username}}"),
        ({"connection_url": None}, "connection_url", "expected {{username}}:{{password}}@"),
        ({"password": {"value": "hunter2"}}, "password", "expected exactly one of env, file, vault or man"),
        ({"password": {"manual": False}}, "password", "expected exactly one of env, file, vault or manual"),
        ({"password": "hunter2"}, "password", "expected exactly one of env, file, vault or manual: true"),
        ({"verify_connection": False}, "verify_connection", "expected true with rotate_root"),
        ({"options": {"password": "hunter2"}}, "options", "'password' is not known here"),
        ({"vault": {"addr": "x"}}, "vault", "'addr' is not known here; did you mean 'address'?"),
    ],
)
def test_wrong_inputs_are_refused_and_not_repeated(wrong: dict[str, Any], field: str, reason: str) -> None:
    [problem] = check_inputs(DECLARED | wrong)
    assert problem.field == field
    assert reason in problem.reason
    assert "hunter2" not in problem.reason


def test_what_is_unknown_yet_is_not_refused() -> None:
    unknown = dict.fromkeys(("mount", "name", "connection_url", "password", "options", "vault"), UNKNOWN)
    assert check_inputs(DECLARED | unknown) == []


def test_the_engine_is_not_given_the_name_of_a_property_whose_value_it_would_print() -> None:
    checked = DatabaseConnectionProvider().check({}, DECLARED | {"connection_url": "x://u:hunter2@db"})
    assert [failure.property for failure in checked.failures] == [""]


@pytest.mark.parametrize(
    "source", [{"env": PASSWORD}, {"file": "/elsewhere"}, {"manual": True}, {"vault": UNKNOWN}, UNKNOWN]
)
def test_where_a_rotated_password_once_came_from_is_no_change(
    source: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD, "another")
    assert changed_inputs(ROTATED, DECLARED | {"password": source}) == []


def test_a_password_that_is_not_rotated_is_followed_where_it_can_be_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    news = DECLARED | {"rotate_root": False}
    assert changed_inputs(GIVEN, news) == []
    for value, changed in (("first", []), ("second", ["password"])):
        monkeypatch.setenv(PASSWORD, value)
        assert changed_inputs(GIVEN, news) == changed
    assert changed_inputs(GIVEN, DECLARED) == ["rotate_root"]


def test_a_password_that_was_rotated_stays_so_when_it_is_not_to_be_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(PASSWORD, "stale")
    news = DECLARED | {"rotate_root": False}
    assert changed_inputs(ROTATED, news) == ["rotate_root"]
    assert changed_inputs(ROTATED | {"rotate_root": False}, news) == []


def test_another_place_is_another_connection_and_all_else_an_update() -> None:
    diff = DatabaseConnectionProvider().diff
    assert diff("", ROTATED, DECLARED | {"name": "other"}).replaces == ["name"]
    assert diff("", ROTATED, DECLARED | {"username": "other"}).replaces == []
    assert diff("", ROTATED, DECLARED | {"username": "other"}).changes
    assert not diff("", ROTATED, DECLARED).changes


def test_every_input_is_kept_in_the_state_and_none_beside() -> None:
    assert set(INPUTS) == set(DECLARED)


def test_another_static_role_is_another_thing_to_look_at() -> None:
    state = {"mount": "database", "role": "app", "vault": {}, "last_rotation": "then"}
    diff = StaticRoleRotationProvider().diff
    assert not diff("", state, {"mount": "database", "role": "app", "vault": {}}).changes
    assert diff("", state, {"mount": "database", "role": "other", "vault": {}}).replaces == ["role"]
