"""What the gateway makes of a key by itself, and whether another one can be made of the row that it gives."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from providers.litellm import clock
from providers.litellm.drift import live_value, undeclared
from providers.litellm.fields import BY_NAME, FIELDS, Field, Stored
from providers.litellm.kinds import parse_instant
from tests.support.field_samples import make_neighbours, samples
from tests.support.gateway import admin

NAME = secrets.token_hex(4)
SAMPLES = samples(NAME)
IN_A_ROW = [field for field in FIELDS if field.stored not in (Stored.NOWHERE, Stored.EXPIRES)]
"""Fields whose value stands there: of `duration` only the end does, and `spend` is one of its own."""
Make = Callable[[Mapping[str, Any]], dict[str, Any]]
_GRAIN = timedelta(minutes=1)
"""More than a call takes."""


@pytest.fixture(scope="module", autouse=True)
def _neighbours(gateway_url: str, master_key: SecretStr) -> None:
    with admin(gateway_url, master_key) as client:
        make_neighbours(client, NAME)


@pytest.fixture
def make(admin: httpx.Client) -> Iterator[Make]:
    """Make a key of a body, and give its row."""
    made: list[str] = []

    def make(body: Mapping[str, Any]) -> dict[str, Any]:
        made.append(admin.post("/key/generate", json=body).raise_for_status().json()["token"])
        answer = admin.get("/key/info", params={"key": made[-1]}).raise_for_status()
        return dict(answer.json()["info"])

    yield make
    admin.post("/key/delete", json={"keys": made}).raise_for_status()


def body_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Say fields as /key/generate takes them."""
    body: dict[str, Any] = {}
    inside: dict[str, Any] = {}
    for name, value in values.items():
        (inside if BY_NAME[name].by_metadata else body)[BY_NAME[name].api] = value
    return {**body, "metadata": {**body.get("metadata", {}), **inside}}


def values_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Take every field out of a row, also those that aren't set."""
    return {field.name: _shared(field, live_value(field, row, {})) for field in IN_A_ROW}


def _shared(field: Field, value: Any) -> Any:
    """Leave out the id of a row of permissions, which is each key's own."""
    if field.name == "object_permission" and value:
        return {name: item for name, item in value.items() if name != "object_permission_id"}
    return value


def test_a_key_of_which_nothing_is_said_has_nothing_set(make: Make) -> None:
    assert undeclared({}, make({})) == []


@pytest.mark.parametrize("name", sorted(SAMPLES.keys() - {"duration", "soft_budget"}))
def test_another_key_can_be_made_of_a_row(make: Make, name: str) -> None:
    sample = SAMPLES[name]
    row = make(body_of({**sample.beside, name: sample.first}))
    again = {field: value for field, value in values_of(row).items() if value is not None}
    assert again.get(name), "the row doesn't tell it"
    assert values_of(make(body_of(again))) == values_of(row)


def test_a_soft_budget_is_carried_by_its_budget_alone(make: Make) -> None:
    """Of both, the gateway makes a budget of that alone: the other limits of a shared one are lost."""
    row = make({"soft_budget": 3})
    assert make({"budget_id": row["budget_id"]})["litellm_budget_table"] == row["litellm_budget_table"]
    both = make({"budget_id": f"budget-{NAME}", "soft_budget": 3})
    assert both["budget_id"] not in (f"budget-{NAME}", row["budget_id"])
    assert both["litellm_budget_table"]["max_budget"] is None


def test_the_routes_of_a_key_type_win_over_those_that_stand_beside_it(make: Make) -> None:
    """So the row of a key whose routes were changed later makes no key like it."""
    assert make({"key_type": "read_only", "allowed_routes": ["/v1/models"]})["allowed_routes"] == [
        "info_routes"
    ]


LICENSED = {
    "tags": ["a"],
    "guardrails": ["g"],
    "policies": ["p"],
    "prompts": ["p"],
    "disable_global_guardrails": True,
    "allowed_passthrough_routes": ["/x"],
    "denied_passthrough_routes": ["/x"],
}


def test_metadata_is_taken_as_it_stands_in_a_row(make: Make) -> None:
    """Also what would need a licence as a parameter, and what the gateway has encrypted, which it sees."""
    logging = [{"callback_name": "langfuse", "callback_vars": {"langfuse_secret_key": "of-the-test"}}]
    inside = {
        name: SAMPLES[name].first
        for name in SAMPLES
        if BY_NAME[name].stored is Stored.METADATA and name != "service_account_id"
    }
    row = make({"metadata": {"a": 1, **inside, **LICENSED, "logging": logging}})
    assert row["metadata"].keys() == {"a", *inside, *LICENSED}
    assert "of-the-test" not in str(row)
    assert make({"metadata": row["metadata"]})["metadata"] == row["metadata"]


@pytest.mark.parametrize(
    ("word", "days"), [("hourly", 1 / 24), ("daily", 1), (" Weekly ", 7), ("Monthly", 30)]
)
def test_words_are_durations(make: Make, word: str, days: float) -> None:
    row = make({"duration": word, "auto_rotate": True, "rotation_interval": word})
    for name in ("expires", "key_rotation_at"):
        assert abs(parse_instant(row[name]) - clock.now() - timedelta(days=days)) < _GRAIN
