"""What came before and after a key goes with it, at the real gateway and in the real Vault."""

from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import hvac
import hvac.exceptions
import pytest

from providers.vault.sources import fingerprint
from tests.contract.conftest import NewProcess
from tests.contract.test_delivery import Place
from tests.unit.providers.engine import KeyEngine, urn
from tests.unit.providers.test_key_line import ROTATED, cut_short

pytestmark = pytest.mark.usefixtures("vault_environment")

Use = Callable[[str], float]
GRACE = {"grace": "30d"}


@pytest.fixture
def place(client: hvac.Client) -> Place:
    return Place(client)


def moved(engine: KeyEngine) -> str:
    """Give the URN that the resource has after a rename."""
    return urn(f"{engine.name}-moved")


def row(admin: httpx.Client, token_id: str) -> dict[str, Any]:
    return dict(admin.get("/key/info", params={"key": token_id}).raise_for_status().json()["info"])


def is_gone(place: Place) -> bool:
    try:
        place.live()
    except hvac.exceptions.InvalidPath:
        return True
    return False


def test_a_renamed_key_takes_its_predecessors_along(
    process: NewProcess, engine: KeyEngine, place: Place, admin: httpx.Client
) -> None:
    up = partial(engine.up, deliver=place.deliver, **GRACE)
    up(process())
    first = engine.token_id
    up(process(), **ROTATED)
    assert up(process(), owner=moved(engine), **ROTATED) == "update"
    assert {row(admin, token)["metadata"]["pulumi-urn"] for token in (first, engine.token_id)} == {
        moved(engine)
    }
    last = engine.token_id
    engine.destroy(process())
    assert [row(admin, token)["status"] for token in (first, last)] == ["deleted", "deleted"]
    assert is_gone(place)


def test_a_key_that_is_renamed_and_rotated_at_once_takes_its_predecessors_along(
    process: NewProcess, engine: KeyEngine, place: Place, admin: httpx.Client
) -> None:
    up = partial(engine.up, deliver=place.deliver, **GRACE)
    tokens = []
    for declared in ({}, ROTATED, {"owner": moved(engine), "rotation": {"again": 1}}):
        up(process(), **declared)
        tokens.append(engine.token_id)
    assert {row(admin, token)["metadata"]["pulumi-urn"] for token in tokens} == {moved(engine)}
    engine.destroy(process())
    assert {row(admin, token)["status"] for token in tokens} == {"deleted"}


def test_a_predecessor_that_waits_is_retired_for_a_key_that_is_renamed_meanwhile(
    process: NewProcess, engine: KeyEngine, place: Place, admin: httpx.Client
) -> None:
    up = partial(engine.up, deliver=place.deliver, **GRACE)
    up(process())
    first = engine.token_id
    cut_short(engine, lambda: up(process(), **ROTATED))
    gateway = process()
    other = KeyEngine(f"{engine.name}-other")
    other.up(gateway)  # from now on this process knows what bore which URN
    assert up(gateway, owner=moved(engine), **ROTATED) == "update"
    assert row(admin, engine.token_id)["status"] == "active"
    assert place.token_id() == engine.token_id
    former = row(admin, first)
    assert (former["status"], former["metadata"]["pulumi-superseded-by"]) == ("active", engine.token_id)
    assert former["expires"]
    for each in (engine, other):
        each.destroy(process())


def test_a_forced_replacement_that_has_adopted_the_same_key_never_deletes_it(
    process: NewProcess, engine: KeyEngine, admin: httpx.Client
) -> None:
    token: str = admin.post("/key/generate", json={"key_alias": f"theirs-{engine.name}"}).json()["token"]
    engine.up(process(), adopt=token)
    cut_short(engine, lambda: engine.force_replacement(process(), adopt=token))
    assert engine.up(process(), adopt=token) == "same"
    assert not engine.waiting
    assert row(admin, token)["status"] == "active"
    engine.destroy(process())


def test_of_a_kept_key_that_was_rotated_the_predecessor_ends(
    process: NewProcess, engine: KeyEngine, place: Place, admin: httpx.Client
) -> None:
    up = partial(engine.up, deliver=place.deliver, retain_on_delete=True)
    up(process())
    first = engine.token_id
    cut_short(engine, lambda: up(process(), **ROTATED))
    kept, value = engine.token_id, place.live()["api-key"]
    engine.destroy(process())
    assert row(admin, first)["expires"]
    assert (row(admin, kept)["expires"], row(admin, kept)["metadata"]) == (None, {})
    assert (fingerprint(value), place.live()["api-key"]) == (kept, value)
    for token in (first, kept):
        admin.post("/key/delete", json={"keys": [token]}).raise_for_status()


def test_a_key_that_is_gone_stays_in_the_state_while_vault_holds_it(
    process: NewProcess, engine: KeyEngine, place: Place, admin: httpx.Client
) -> None:
    engine.up(process(), deliver=place.deliver)
    for _ in range(2):  # by hand, and by a destroy that got no further
        admin.post("/key/delete", json={"keys": [engine.token_id]}).raise_for_status()
        assert engine.refresh(process())
        assert engine.up(process(), deliver=place.deliver) == "replace"
        assert place.token_id() == engine.token_id
    admin.post("/key/delete", json={"keys": [engine.token_id]}).raise_for_status()
    assert engine.refresh(process())
    engine.destroy(process())
    assert is_gone(place)


def test_the_used_successor_of_a_given_up_rotation_ends_when_the_key_goes_elsewhere(
    process: NewProcess,
    engine: KeyEngine,
    place: Place,
    admin: httpx.Client,
    *,
    client: hvac.Client,
    use: Use,
) -> None:
    engine.up(process(), deliver=place.deliver, **GRACE)
    first, state, inputs = engine.token_id, engine.state, engine.inputs
    cut_short(engine, lambda: engine.up(process(), deliver=place.deliver, **GRACE, **ROTATED))
    lost = engine.token_id
    # The engine was killed before it wrote the state, when consumers had the successor already.
    engine.state, engine.inputs, engine.waiting = state, inputs, []
    use(place.live()["api-key"])
    elsewhere = Place(client)
    assert engine.up(process(), deliver=elsewhere.deliver, **GRACE, **ROTATED) == "replace"
    assert is_gone(place)
    assert elsewhere.token_id() == engine.token_id
    assert all(row(admin, token)["expires"] for token in (first, lost))
    engine.destroy(process())
    assert {row(admin, token)["status"] for token in (first, lost)} == {"deleted"}
    assert is_gone(elsewhere)


def test_a_key_that_is_to_be_kept_from_now_on_outlives_the_deletion_of_its_predecessor(
    process: NewProcess, engine: KeyEngine, place: Place, admin: httpx.Client
) -> None:
    up = partial(engine.up, deliver=place.deliver, **GRACE)
    up(process())
    first = engine.token_id
    cut_short(engine, lambda: up(process(), **ROTATED))
    cut_short(engine, lambda: up(process(), retain_on_delete=True, **ROTATED))
    kept = engine.token_id
    engine.destroy(process())
    assert (row(admin, kept)["status"], row(admin, kept)["metadata"]) == ("active", {})
    assert row(admin, first)["expires"]
    assert place.token_id() == kept
    for token in (first, kept):
        admin.post("/key/delete", json={"keys": [token]}).raise_for_status()


def test_a_key_that_takes_its_former_alias_back_gets_it_from_its_predecessor(
    process: NewProcess, engine: KeyEngine, admin: httpx.Client
) -> None:
    mine, second = f"mine-{engine.name}", f"second-{engine.name}"
    engine.up(process(), alias=mine)
    first = engine.token_id
    engine.up(process(), alias=second, **ROTATED)
    assert engine.up(process(), alias=mine, **ROTATED) == "update"
    assert row(admin, engine.token_id)["key_alias"] == mine
    assert row(admin, first)["key_alias"] == f"{mine}-{first[:7]}"
