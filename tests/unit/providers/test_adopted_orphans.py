"""Adopted keys that stand in no state: `orphans --remove` gives them back, and deletes none."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from providers.litellm.errors import AdoptionError
from providers.litellm.ownership import OWN_METADATA
from tests.unit.providers.engine import KeyEngine, urn
from tests.unit.providers.fake_gateway import FakeGateway, RefusedError
from tests.unit.providers.orphan_site import LONG_AGO, Site, deliver, served, verdicts
from tests.unit.providers.provider_engine import ProviderEngine, new_process

VALUE = "sk-somebody-elses"
REMOVE = ("--remove", "--yes")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with served(tmp_path, monkeypatch) as site:
        site.key("a")
        yield site


def adopted(site: Site, name: str = "b", **declared: Any) -> ProviderEngine:
    """Adopt somebody's key, whose state is lost."""
    theirs = {"key": VALUE, "key_alias": "theirs", "metadata": {"team": "theirs"}, "rpm_limit": 3}
    site.gateway._generate(theirs)
    engine = site.lost(name, adopt="theirs", **declared)
    site.gateway.rows[engine.id] |= {"settings_updated_at": LONG_AGO, "last_active": LONG_AGO}
    return engine


def test_a_search_says_what_becomes_of_it_and_changes_nothing(site: Site) -> None:
    key = adopted(site)
    before = dict(site.gateway.rows[key.id])
    code, document = site.search()
    assert (code, verdicts(document)) == (0, [("adopted", key.id, False)])
    [found] = document["findings"]
    why = "somebody else made it: never removed, but given back, which takes our marks off it"
    assert (found["why"], found["given_back"]) == (why, False)
    assert site.gateway.rows[key.id] == before
    result = site.run("--state", site.state())
    assert "Adopted: in no state, and to be given back to who made them" in result.stdout
    assert "0 orphans of llm-gateway/dev, 0 removed\n1 adopted key, 0 given back" in result.stderr


def test_it_is_given_back_and_lives_on(site: Site) -> None:
    key = adopted(site, max_budget=7)
    before = site.gateway.rows[key.id]
    kept = {name: before[name] for name in before if name not in ("metadata", "settings_updated_at")}
    code, document = site.search(*REMOVE)
    assert (code, verdicts(document)) == (0, [("adopted", key.id, False)])
    assert document["findings"][0]["given_back"]
    row = site.gateway.rows[key.id]
    assert row["metadata"] == {"team": "theirs"}
    assert row | kept == row
    assert site.search()[1]["findings"] == []
    assert site.key("renamed", adopt="theirs").id == key.id


def test_its_place_in_vault_is_given_back_too(site: Site) -> None:
    site.key("delivered", deliver=deliver("delivered"))  # so that the folder is looked at
    site.vault.put("kv", "keys/b", **{"api-key": VALUE, "theirs": "kept"})
    key = adopted(site, deliver=deliver("b"))
    _, document = site.search(*REMOVE)
    assert (document["findings"][0]["vault_path"], document["findings"][0]["given_back"]) == (
        "kv/keys/b",
        True,
    )
    standing = site.vault.standing("kv", "keys/b")
    assert (standing["api-key"], standing["theirs"]) == (VALUE, "kept")
    assert "managed-by-urn" not in standing
    assert site.key("renamed", adopt="theirs", deliver=deliver("b")).id == key.id


def test_one_of_the_state_or_of_another_stack_is_left_alone(site: Site) -> None:
    key = adopted(site)
    site.resources.append(key)
    other = {"pulumi-urn": urn("b").replace(":dev::", ":prod::"), "pulumi-adopted": True}
    theirs = site.gateway._generate({"key": "sk-of-prod", "key_alias": "y", "metadata": other})["token"]
    assert site.search(*REMOVE)[1]["findings"] == []
    assert site.gateway.rows[key.id]["metadata"]["pulumi-urn"] == urn("b")
    assert site.gateway.rows[theirs]["metadata"] == other


def test_one_that_has_a_successor_is_expiring(site: Site) -> None:
    key = adopted(site)
    predecessor = key.id
    new_process()
    assert key.up(gateway=site.input, adopt="theirs", rotation={"n": 1}) == "replace"
    site.resources.append(key)
    _, document = site.search(*REMOVE, "--older-than", "0")
    assert verdicts(document) == [("expiring", predecessor, False)]
    assert site.gateway.rows[predecessor]["metadata"]["pulumi-superseded-by"] == key.id


def test_one_that_has_a_successor_but_no_resource_ends_all_the_same(site: Site) -> None:
    key = adopted(site)
    predecessor = key.id
    new_process()
    key.up(gateway=site.input, adopt="theirs", rotation={"n": 1})
    ends = site.gateway.rows[predecessor]["expires"]
    site.search(*REMOVE, "--older-than", "0")
    assert site.gateway.rows.keys() == {site.resources[0].id, predecessor}
    row = site.gateway.rows[predecessor]
    assert (row["expires"], OWN_METADATA & row["metadata"].keys()) == (ends, set())


def test_one_that_an_up_may_be_adopting_is_left_alone(site: Site) -> None:
    key = adopted(site)
    site.gateway.rows[key.id]["settings_updated_at"] = datetime.now(UTC).isoformat()
    result = site.run("--state", site.state(), *REMOVE)
    assert result.exit_code == 0
    assert "1 adopted key, 0 given back" in result.stderr
    assert "some were made or adopted just now" in result.stderr
    assert "pulumi-urn" in site.gateway.rows[key.id]["metadata"]
    assert site.search(*REMOVE, "--older-than", "0")[1]["findings"][0]["given_back"]


@pytest.mark.parametrize(
    ("with_orphan", "asks"),
    [(False, "Give 1 of them back?"), (True, "Remove 1 of them for good, and give 1 back?")],
)
def test_it_asks_first(site: Site, monkeypatch: pytest.MonkeyPatch, *, with_orphan: bool, asks: str) -> None:
    key = adopted(site)
    if with_orphan:
        site.lost("c")
    monkeypatch.setattr("providers.litellm.__main__._is_asked_by_a_person", lambda: True)
    result = site.run("--state", site.state(), "--remove", answer="n\n")
    assert asks in result.stderr
    assert "pulumi-urn" in site.gateway.rows[key.id]["metadata"]
    site.run("--state", site.state(), "--remove", answer="y\n")
    assert site.gateway.rows.keys() == {site.resources[0].id, key.id}
    assert "pulumi-urn" not in site.gateway.rows[key.id]["metadata"]


def test_one_that_can_not_be_given_back_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    key = adopted(site)

    def refuse(_: Any) -> None:
        raise RefusedError(403, "this key may not call /key/update")

    monkeypatch.setattr(site.gateway, "_update", refuse)
    code, document = site.search(*REMOVE)
    assert (code, document["findings"][0]["given_back"]) == (2, False)
    assert "this key may not call /key/update" in document["unchecked"][0]
    assert "pulumi-urn" in site.gateway.rows[key.id]["metadata"]


# --- the way there ---------------------------------------------------------------------------------------


def test_the_refusal_of_an_adoption_names_the_command() -> None:
    gateway = FakeGateway()
    gateway._generate({"key": VALUE, "key_alias": "theirs", "metadata": {}})
    KeyEngine("app").up(gateway.client(), adopt="theirs")
    says = (
        "if no state has it any more, `python -m providers.litellm orphans --remove` for its stack gives it"
    )
    with pytest.raises(AdoptionError, match=says):
        KeyEngine("renamed").up(gateway.client(), adopt="theirs")


def test_the_command_is_not_named_for_a_key_that_it_would_delete() -> None:
    gateway = FakeGateway()
    KeyEngine("app").up(gateway.client(), alias="ours")
    with pytest.raises(AdoptionError, match=r"with `retain_on_delete` first$"):
        KeyEngine("renamed").up(gateway.client(), adopt="ours")
