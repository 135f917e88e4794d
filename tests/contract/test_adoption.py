"""Keys of a real gateway that come under management, and are given back."""

import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import hvac
import pytest

from providers.litellm.errors import AdoptionError, GatewayUnavailableError
from providers.litellm.ownership import OWN_METADATA, URN
from tests.contract.conftest import NewProcess
from tests.contract.gateways import Fault, Faults
from tests.contract.test_delivery import Place
from tests.unit.providers.engine import KeyEngine, urn

OURS = {"metadata", "updated_at", "settings_updated_at"}
"""What a change of the metadata changes."""


@dataclass(frozen=True)
class Theirs:
    """A key that somebody made by hand."""

    admin: httpx.Client
    key: str
    token_id: str
    alias: str

    def row(self) -> dict[str, Any]:
        answer = self.admin.get("/key/info", params={"key": self.token_id}).raise_for_status()
        return dict(answer.json()["info"])

    def users_metadata(self) -> dict[str, Any]:
        return {name: value for name, value in self.row()["metadata"].items() if name not in OWN_METADATA}

    def status(self) -> int:
        headers = {"Authorization": f"Bearer {self.key}"}
        return self.admin.get("/v1/models", headers=headers).status_code


Make = Callable[..., Theirs]


@pytest.fixture
def make(admin: httpx.Client) -> Iterator[Make]:
    made = []

    def make(**fields: Any) -> Theirs:
        alias = f"theirs-{secrets.token_hex(4)}"
        answer = admin.post("/key/generate", json={"key_alias": alias, **fields}).raise_for_status().json()
        made.append(answer["token"])
        return Theirs(admin, answer["key"], answer["token"], alias)

    yield make
    for token_id in made:
        admin.post("/key/delete", json={"keys": [token_id]})


@pytest.fixture
def theirs(make: Make) -> Theirs:
    return make(
        metadata={"team": "search", "cost-centre": "4711"},
        models=["gpt-4o"],
        max_budget=7,
        rpm_limit=100,
        duration="30d",
        model_rpm_limit={"gpt-4o": 5},
    )


@pytest.fixture
def place(client: hvac.Client, vault_environment: None) -> Place:
    del vault_environment
    return Place(client)


@pytest.mark.parametrize("by", ["alias", "token_id"])
def test_what_is_not_declared_stays(process: NewProcess, engine: KeyEngine, theirs: Theirs, by: str) -> None:
    before = theirs.row()
    adopt = getattr(theirs, by)
    engine.up(process(), adopt=adopt)
    after = theirs.row()
    assert {name for name in before if before[name] != after[name]} <= OURS
    assert theirs.users_metadata() == before["metadata"]
    assert after["metadata"][URN] == urn(engine.name)
    assert engine.token_id == theirs.token_id
    assert engine.state is not None
    assert (engine.state["key_alias"], engine.state["key"]) == (theirs.alias, "")
    assert theirs.status() == httpx.codes.OK
    for declared in ({"adopt": adopt}, {}):
        assert engine.preview(**declared) == []
        assert engine.refresh(process())
        assert engine.preview(**declared) == []


def test_what_is_declared_is_brought_to_its_value(
    process: NewProcess, engine: KeyEngine, theirs: Theirs
) -> None:
    declared = {"max_budget": 9, "metadata": {"team": "web"}, "duration": "60d", "model_rpm_limit": {}}
    engine.up(process(), adopt=theirs.alias, **declared)
    row = theirs.row()
    assert (row["max_budget"], row["rpm_limit"], row["key_alias"]) == (9, 100, theirs.alias)
    assert row["metadata"]["model_rpm_limit"] == {}
    assert {**theirs.users_metadata(), "model_rpm_limit": 0} == {
        "team": "web",
        "cost-centre": "4711",
        "model_rpm_limit": 0,
    }
    assert engine.refresh(process())
    assert engine.preview(**declared) == []


def test_metadata_that_is_not_declared_stays_for_good(
    process: NewProcess, engine: KeyEngine, theirs: Theirs
) -> None:
    engine.up(process(), adopt=theirs.alias, metadata={"team": "web", "tier": "gold"})
    engine.up(process(), metadata={"team": "app"}, rpm_limit=5)
    assert engine.refresh(process())
    assert engine.preview(metadata={"team": "app"}, rpm_limit=5) == []
    engine.up(process(), rpm_limit=5)
    assert {name: theirs.users_metadata().get(name) for name in ("team", "tier", "cost-centre")} == {
        "team": None,
        "tier": None,
        "cost-centre": "4711",
    }
    assert engine.refresh(process())
    assert engine.preview(rpm_limit=5) == []


def test_an_alias_that_is_declared_renames_the_key(
    process: NewProcess, engine: KeyEngine, theirs: Theirs
) -> None:
    alias = f"{theirs.alias}-ours"
    engine.up(process(), adopt=theirs.alias, alias=alias)
    assert theirs.row()["key_alias"] == alias
    assert engine.preview(adopt=theirs.alias, alias=alias) == []
    engine.state = None  # it was never saved
    engine.up(process(), adopt=theirs.alias, alias=alias)
    assert engine.token_id == theirs.token_id


def test_a_key_that_is_not_there_is_not_adopted(process: NewProcess, engine: KeyEngine) -> None:
    for adopt in (f"nobody-{secrets.token_hex(4)}", secrets.token_hex(32)):
        with pytest.raises(AdoptionError, match=f"the key '{adopt}', which is to be adopted .* isn't there"):
            engine.up(process(), adopt=adopt)


def test_a_deleted_key_is_not_adopted(process: NewProcess, engine: KeyEngine, theirs: Theirs) -> None:
    theirs.admin.post("/key/delete", json={"keys": [theirs.token_id]}).raise_for_status()
    with pytest.raises(AdoptionError, match="isn't there"):
        engine.up(process(), adopt=theirs.token_id)


def test_somebody_elses_key_is_not_adopted(process: NewProcess, engine: KeyEngine, theirs: Theirs) -> None:
    engine.up(process(), adopt=theirs.alias)
    other = KeyEngine(f"contract-{secrets.token_hex(4)}")
    with pytest.raises(AdoptionError, match=re.escape(f"is managed as {urn(engine.name)}; take it out of")):
        other.up(process(), adopt=theirs.alias)
    assert theirs.row()["metadata"][URN] == urn(engine.name)


def test_a_field_that_only_a_new_key_can_have_is_not_forced_on_it(
    process: NewProcess, engine: KeyEngine, theirs: Theirs
) -> None:
    before = theirs.row()
    with pytest.raises(AdoptionError, match="has key_type 'default', which can't be changed"):
        engine.up(process(), adopt=theirs.alias, key_type="llm_api", max_budget=1)
    assert theirs.row() == before


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
def test_an_adoption_that_is_given_up_is_repeated(
    process: NewProcess, engine: KeyEngine, living: Callable[[], list[str]], theirs: Theirs, fault: Fault
) -> None:
    gone = Faults({"/key/update": [fault] * 9, "/key/info": [None] * 2 + [Fault.REFUSED] * 50})
    with pytest.raises(GatewayUnavailableError):
        engine.up(process(gone, patience_seconds=0.1), adopt=theirs.alias, max_budget=5)
    engine.up(process(), adopt=theirs.alias, max_budget=6)
    assert living() == [engine.token_id] == [theirs.token_id]
    assert theirs.row()["max_budget"] == 6
    assert engine.refresh(process())
    assert engine.preview(max_budget=6) == []


def test_an_adopted_key_of_a_lost_state_is_nobodys_orphan(
    process: NewProcess, engine: KeyEngine, living: Callable[[], list[str]], theirs: Theirs
) -> None:
    engine.up(process(), adopt=theirs.alias)
    engine.state = None
    engine.up(process(), models=["gpt-4o"])
    assert theirs.token_id in living()
    assert theirs.status() == httpx.codes.OK


def test_another_key_to_adopt_replaces_the_one_before(
    process: NewProcess, engine: KeyEngine, make: Make, theirs: Theirs
) -> None:
    other = make()
    engine.up(process(), adopt=theirs.alias, retain_on_delete=True)
    assert engine.up(process(), adopt=other.alias) == "replace"
    assert engine.token_id == other.token_id
    assert theirs.status() == httpx.codes.OK
    assert URN not in theirs.row()["metadata"]


def test_a_replacement_mints_a_key_though_adopt_still_stands_there(
    process: NewProcess, engine: KeyEngine, living: Callable[[], list[str]], theirs: Theirs
) -> None:
    engine.up(process(), adopt=theirs.alias)
    assert engine.up(process(), adopt=theirs.alias, key_type="llm_api") == "replace"
    assert engine.state is not None
    assert engine.token_id != theirs.token_id
    assert engine.state["key"].startswith("sk-")
    assert engine.state["key_alias"].startswith(f"{engine.name}-")
    assert engine.token_id in living()
    assert engine.refresh(process())
    assert engine.preview(adopt=theirs.alias, key_type="llm_api") == []
    assert engine.preview(key_type="llm_api") == []
    assert engine.up(process(), adopt=theirs.alias, key_type="read_only") == "replace"
    assert engine.state["key_alias"].startswith(f"{engine.name}-")


# --- given back ------------------------------------------------------------------------------------------


def test_a_key_that_is_given_back_lives_on_unmarked(
    process: NewProcess, engine: KeyEngine, theirs: Theirs
) -> None:
    before = theirs.row()["metadata"]
    engine.up(process(), adopt=theirs.alias, retain_on_delete=True, max_budget=8)
    faults = Faults({"/key/update": [Fault.LOST_ANSWER]})
    engine.destroy(process(faults))
    row = theirs.row()
    assert (row["metadata"], row["max_budget"], row["key_alias"]) == (before, 8, theirs.alias)
    assert theirs.status() == httpx.codes.OK


def test_a_minted_key_can_be_given_back_and_adopted_elsewhere(
    process: NewProcess, engine: KeyEngine, place: Place, admin: httpx.Client
) -> None:
    engine.up(process(), deliver=place.deliver, retain_on_delete=True, alias=f"x-{engine.name}")
    token_id, value = engine.token_id, place.live()["api-key"]
    engine.destroy(process())
    assert place.live()["api-key"] == value
    assert "managed-by-urn" not in place.live()
    elsewhere = KeyEngine(f"{engine.name}-elsewhere")
    elsewhere.up(process(), adopt=f"x-{engine.name}", deliver=place.deliver)
    assert elsewhere.token_id == token_id
    assert place.live()["managed-by-urn"] == urn(elsewhere.name)
    assert value not in str(elsewhere.state)
    assert elsewhere.refresh(process())
    assert elsewhere.preview(deliver=place.deliver) == []
    elsewhere.destroy(process())
    assert admin.get("/key/info", params={"key": token_id}).json()["info"]["status"] == "deleted"


def test_to_give_back_what_is_gone_is_no_error(
    process: NewProcess, engine: KeyEngine, theirs: Theirs
) -> None:
    engine.up(process(), adopt=theirs.alias, retain_on_delete=True)
    theirs.admin.post("/key/delete", json={"keys": [theirs.token_id]}).raise_for_status()
    engine.destroy(process())


# --- to Vault --------------------------------------------------------------------------------------------


def test_a_key_whose_value_nobody_knows_is_not_delivered(
    process: NewProcess, engine: KeyEngine, theirs: Theirs, place: Place
) -> None:
    before = theirs.row()
    place.put(**{"api-key": "sk-another-one-altogether"})
    with pytest.raises(AdoptionError, match="in Vault doesn't hold it"):
        engine.up(process(), adopt=theirs.alias, deliver=place.deliver)
    assert theirs.row() == before
    assert place.live() == {"api-key": "sk-another-one-altogether"}


def test_a_key_that_vault_holds_is_adopted_with_its_place(
    process: NewProcess, engine: KeyEngine, theirs: Theirs, place: Place
) -> None:
    place.put(**{"api-key": theirs.key, "theirs": "kept"})
    engine.up(process(), adopt=theirs.alias, deliver=place.deliver)
    live = place.live()
    assert (live["api-key"], live["theirs"]) == (theirs.key, "kept")
    assert (live["token-id"], live["key-alias"]) == (theirs.token_id, theirs.alias)
    assert theirs.key not in str(engine.state)
    assert engine.refresh(process())
    assert engine.preview(deliver=place.deliver) == []


def test_an_adopted_key_gets_a_delivered_successor(
    process: NewProcess, engine: KeyEngine, theirs: Theirs, place: Place
) -> None:
    engine.up(process(), adopt=theirs.alias, max_budget=7)
    assert engine.up(process(), deliver=place.deliver, max_budget=7) == "replace"
    assert place.token_id() == engine.token_id != theirs.token_id
    assert theirs.status() == httpx.codes.OK  # for its grace
