"""`python -m providers.litellm orphans`: what it finds and removes, and what it says when it can't look."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.unit.providers.engine import urn
from tests.unit.providers.fake_gateway import ADMIN_KEY
from tests.unit.providers.orphan_site import LONG_AGO, Site, deliver, served, verdicts
from tests.unit.providers.provider_engine import new_process


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with served(tmp_path, monkeypatch) as site:
        yield site


# --- found -----------------------------------------------------------------------------------------------


def test_a_stack_whose_keys_all_stand_in_its_state_has_none(site: Site) -> None:
    site.key("a")
    site.key("b", deliver=deliver("b"))
    code, document = site.search()
    assert (code, document["findings"], document["unchecked"]) == (0, [], [])
    assert (document["project"], document["stack"]) == ("llm-gateway", "dev")


def test_a_key_that_stands_in_no_state_is_found(site: Site) -> None:
    site.key("a", deliver=deliver("a"))
    orphan = site.lost("b", deliver=deliver("b"), max_budget=5)
    code, document = site.search()
    assert code == 1
    [found] = document["findings"]
    assert (found["verdict"], found["token_id"]) == ("orphan", orphan.id)
    assert (found["gateway"], found["vault_path"]) == (site.addresses["gateway"], "kv/keys/b")
    assert (found["used"], found["spend"], found["created"]) == (False, 0.0, LONG_AGO)
    assert found["why"] == "no resource of the state has its URN (b)"
    assert found["alias"].startswith("b-")


def test_a_key_beside_that_of_its_resource_was_left_by_an_interrupted_run(site: Site) -> None:
    orphan = site.lost("a")
    site.gateway.rows[orphan.id]["last_active"] = LONG_AGO  # or the next create would remove it
    site.key("a")
    _, document = site.search()
    [found] = document["findings"]
    assert (found["token_id"], found["used"]) == (orphan.id, True)
    assert found["why"] == "a has another key: left by an interrupted run"


def test_keys_of_others_are_nobody_s_business(site: Site) -> None:
    site.key("a", deliver=deliver("a"))
    site.gateway._generate({"key": "sk-by-hand", "key_alias": "x", "metadata": {}})
    other = {"pulumi-urn": urn("b").replace(":dev::", ":prod::")}
    site.gateway._generate({"key": "sk-of-prod", "key_alias": "y", "metadata": other})
    site.vault.put("kv", "keys/prod", **{"managed-by-urn": other["pulumi-urn"], "token-id": "1" * 64})
    site.vault.put("kv", "keys/theirs", anything="else")
    code, document = site.search()
    assert (code, document["findings"], document["unchecked"]) == (0, [], [])


def test_a_predecessor_in_its_grace_is_expiring_and_no_orphan(site: Site) -> None:
    key = site.key("a", rotation={"n": 1})
    predecessor = key.id
    new_process()
    assert key.up(gateway=site.input, rotation={"n": 2}) == "replace"
    code, document = site.search("--remove", "--yes", "--older-than", "0")
    assert (code, verdicts(document)) == (0, [("expiring", predecessor, False)])
    assert document["findings"][0]["why"].startswith(f"predecessor of {key.id[:12]}…: expires 20")


def test_a_predecessor_without_its_resource_is_an_orphan(site: Site) -> None:
    key = site.key("a", rotation={"n": 1})
    predecessor = key.id
    new_process()
    key.up(gateway=site.input, rotation={"n": 2})
    site.resources.clear()
    site.key("b")
    _, document = site.search()
    assert sorted(verdicts(document)) == sorted([("orphan", predecessor, False), ("orphan", key.id, False)])


def test_a_path_whose_key_no_gateway_has_is_found(site: Site) -> None:
    site.key("a", deliver=deliver("a"))
    orphan = site.lost("b", deliver=deliver("folder/b"))
    del site.gateway.rows[orphan.id]
    _, document = site.search()
    [found] = document["findings"]
    assert (found["verdict"], found["token_id"], found["gateway"]) == ("orphan", orphan.id, None)
    assert (found["vault_path"], found["why"]) == ("kv/keys/folder/b", "no gateway has it")


def test_a_key_that_was_only_staged_is_found(site: Site) -> None:
    site.key("a", deliver=deliver("a"))
    site.vault.put("kv", "keys/b", **{"api-key-next": "sk-staged", "managed-by-urn": urn("b")})
    _, document = site.search()
    [found] = document["findings"]
    assert found["why"] == "staged by an interrupted create; no gateway has it"
    code, document = site.search("--remove", "--yes")
    assert (code, document["findings"][0]["removed"]) == (0, True)
    assert site.vault.paths["kv"].keys() == {"keys/a"}


def test_a_key_of_the_state_that_no_gateway_has_is_dead_and_left_to_pulumi(site: Site) -> None:
    key = site.key("a", deliver=deliver("a"))
    site.gateway.archive[key.id] = site.gateway.rows.pop(key.id)
    code, document = site.search("--remove", "--yes")
    assert (code, verdicts(document)) == (0, [("dead", key.id, False)])
    assert "`pulumi up --refresh` makes a new one" in document["findings"][0]["why"]
    assert "keys/a" in site.vault.paths["kv"]


def test_a_path_at_the_root_of_a_mount_is_compared_with_its_siblings_alone(site: Site) -> None:
    site.key("a", deliver={"mount": "kv", "path": "a"})
    orphan = site.lost("b", deliver={"mount": "kv", "path": "b"})
    deeper = site.lost("c", deliver={"mount": "kv", "path": "deep/c"})
    del site.gateway.rows[orphan.id], site.gateway.rows[deeper.id]
    assert verdicts(site.search()[1]) == [("orphan", orphan.id, False)]
    assert {found[1] for found in verdicts(site.search("--vault-folder", "kv:deep")[1])} == {
        orphan.id,
        deeper.id,
    }


# --- removed ---------------------------------------------------------------------------------------------


def test_nothing_is_changed_without_being_asked_for(site: Site) -> None:
    site.key("a", deliver=deliver("a"))
    site.lost("b", deliver=deliver("b"))
    rows, paths = dict(site.gateway.rows), {name: len(v) for name, v in site.vault.paths["kv"].items()}
    site.search()
    assert site.gateway.rows == rows
    assert {name: len(versions) for name, versions in site.vault.paths["kv"].items()} == paths


def test_orphans_are_removed_from_the_gateway_and_from_vault(site: Site) -> None:
    kept = site.key("a", deliver=deliver("a"))
    orphan = site.lost("b", deliver=deliver("b"))
    code, document = site.search("--remove", "--yes")
    assert (code, verdicts(document)) == (0, [("orphan", orphan.id, True)])
    assert site.gateway.rows.keys() == {kept.id}
    assert site.vault.paths["kv"].keys() == {"keys/a"}
    assert site.search()[0] == 0


def test_what_others_keep_at_the_path_stays(site: Site) -> None:
    site.key("a", deliver=deliver("a"))
    site.vault.put("kv", "keys/b", theirs="kept")
    site.lost("b", deliver=deliver("b"))
    site.search("--remove", "--yes")
    assert site.vault.standing("kv", "keys/b") == {"theirs": "kept"}


def test_used_keys_are_removed_only_when_that_is_said(site: Site) -> None:
    site.key("a")
    orphan = site.lost("b")
    site.gateway.rows[orphan.id]["last_active"] = LONG_AGO
    result = site.run("--state", site.state(), "--remove", "--yes")
    assert result.exit_code == 1
    assert "some were used, and are only removed with --used in addition" in result.stderr
    code, document = site.search("--remove", "--used", "--yes")
    assert (code, verdicts(document)) == (0, [("orphan", orphan.id, True)])
    assert orphan.id not in site.gateway.rows


def test_a_key_that_an_up_may_be_making_is_left_alone(site: Site) -> None:
    site.key("a")
    orphan = site.lost("b")
    site.gateway.rows[orphan.id]["created_at"] = datetime.now(UTC).isoformat()
    result = site.run("--state", site.state(), "--remove", "--yes")
    assert result.exit_code == 1
    assert "see --older-than" in result.stderr
    code, document = site.search("--remove", "--yes", "--older-than", "0")
    assert (code, verdicts(document)) == (0, [("orphan", orphan.id, True)])


def test_it_asks_and_takes_no_for_an_answer(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.key("a")
    orphan = site.lost("b")
    monkeypatch.setattr("providers.litellm.__main__._is_asked_by_a_person", lambda: True)
    result = site.run("--state", site.state(), "--remove", answer="n\n")
    assert result.exit_code == 1
    assert "Remove 1 of them for good?" in result.stderr
    assert orphan.id in site.gateway.rows
    assert site.run("--state", site.state(), "--remove", answer="y\n").exit_code == 0
    assert orphan.id not in site.gateway.rows


def test_without_anybody_to_ask_nothing_is_removed(site: Site) -> None:
    site.key("a")
    orphan = site.lost("b")
    result = site.run("--state", site.state(), "--remove")
    assert result.exit_code == 1
    assert "nothing is removed: there is nobody to ask, and --yes isn't said" in result.stderr
    assert orphan.id in site.gateway.rows


def test_a_key_that_a_listing_didn_t_show_is_not_taken_out_of_vault(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.key("a", deliver=deliver("a"))
    hidden = site.lost("b", deliver=deliver("b"))
    listed = site.gateway._list

    def partial(query: Any) -> dict[str, Any]:
        answer = listed(query)
        answer["keys"] = [row for row in answer["keys"] if row["token"] != hidden.id]
        return answer

    monkeypatch.setattr(site.gateway, "_list", partial)
    code, document = site.search("--remove", "--yes")
    assert (code, verdicts(document)) == (2, [("orphan", hidden.id, False)])
    assert document["unchecked"] == [f"the key {hidden.id[:12]}… is alive after all, and stays"]
    assert "keys/b" in site.vault.paths["kv"]


# --- what can't be looked at -----------------------------------------------------------------------------


def test_a_gateway_that_is_away_is_said_and_the_rest_still_looked_at(site: Site) -> None:
    site.key("a", deliver=deliver("a"))
    orphan = site.lost("b")
    away = site.key("c")
    assert away.state is not None
    away.state["gateway"] = away.state["gateway"] | {"url": "http://127.0.0.1:1"}
    code, document = site.search()
    assert (code, verdicts(document)) == (2, [("orphan", orphan.id, False)])
    assert document["unchecked"][0].startswith("the gateway at http://127.0.0.1:1 isn't ready after 0 s")


def test_a_vault_that_refuses_is_said_and_the_gateway_still_looked_at(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.key("a", deliver=deliver("a"))
    orphan = site.lost("b")
    monkeypatch.setenv("VAULT_TOKEN", "s.wrong")
    code, document = site.search()
    assert (code, verdicts(document)) == (2, [("orphan", orphan.id, False)])
    assert "doesn't allow the token to list kv/keys" in document["unchecked"][0]
    monkeypatch.delenv("VAULT_TOKEN")
    monkeypatch.setenv("HOME", "/nonexistent")
    assert "there is no token for Vault" in site.search()[1]["unchecked"][0]


def test_a_wrong_admin_key_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.key("a")
    monkeypatch.setenv("ADMIN_KEY", "sk-wrong")
    code, document = site.search()
    assert code == 2
    assert "refuses the admin key from the environment variable ADMIN_KEY" in document["unchecked"][0]


def test_another_connection_of_the_state_takes_the_place_of_a_broken_one(site: Site) -> None:
    broken = site.key("a")
    site.key("b")
    assert broken.state is not None
    broken.state["gateway"] = broken.state["gateway"] | {"admin_key": {"env": "NO_SUCH_VARIABLE"}}
    assert site.search()[0] == 0


def test_a_key_of_a_gateway_that_was_not_asked_is_never_taken_for_an_orphan(site: Site) -> None:
    site.key("a", deliver=deliver("a"))
    facts = {"managed-by-urn": urn("b"), "token-id": "1" * 64, "base-url": "https://elsewhere.test"}
    site.vault.put("kv", "keys/b", **facts)
    code, document = site.search("--remove", "--yes")
    assert (code, document["findings"]) == (2, [])
    assert (
        "holds a key of the gateway at https://elsewhere.test, which wasn't asked" in document["unchecked"][0]
    )
    assert "keys/b" in site.vault.paths["kv"]


# --- without a state -------------------------------------------------------------------------------------


def test_without_a_state_every_key_of_the_stack_is_an_orphan(site: Site) -> None:
    key = site.key("a", deliver=deliver("a"))
    gateway = ("--gateway-url", site.addresses["gateway"], "--admin-key-env", "ADMIN_KEY")
    result = site.run("--owner", "llm-gateway/dev", *gateway, "--vault-folder", "kv:keys", "--json")
    assert result.exit_code == 1
    [found] = json.loads(result.stdout)["findings"]
    assert (found["token_id"], found["vault_path"]) == (key.id, "kv/keys/a")


def test_the_admin_key_can_be_in_a_file_or_in_vault(site: Site) -> None:
    site.key("a")
    (site.folder / "key").write_text(ADMIN_KEY + "\n")
    site.vault.put("kv", "admin", key=ADMIN_KEY)
    url = ("--owner", "llm-gateway/dev", "--gateway-url", site.addresses["gateway"])
    assert site.run(*url, "--admin-key-file", str(site.folder / "key")).exit_code == 1
    assert site.run(*url, "--admin-key-vault", "kv", "admin", "key").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--owner", "dev"], "there is no stack called 'dev'; expected PROJECT/STACK"),
        (["--owner", "a/b"], "there is no gateway to ask: the state names none; say --gateway-url"),
        (["--owner", "a/b", "--gateway-url", "http://x"], "by these options: admin_key: expected exactly"),
        (["--owner", "a/b", "--vault-folder", "kv"], "folder of Vault called 'kv'; expected MOUNT:PATH"),
        (["--owner", "a/b", "--admin-key-env", "X"], "by these options: url: expected an address"),
        (["--state", "/no/such"], "the file /no/such: can't be read (No such file or directory)"),
    ],
)
def test_what_can_not_be_searched_is_said_in_a_sentence(site: Site, arguments: list[str], says: str) -> None:
    result = site.run(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.output


# --- shown -----------------------------------------------------------------------------------------------


def test_people_get_a_table(site: Site) -> None:
    site.key("a", deliver=deliver("a"))
    orphan = site.lost("b", deliver=deliver("b"), spend=1.5)
    result = site.run("--state", site.state())
    assert result.exit_code == 1
    assert "Orphans" in result.stdout
    for cell in (f"{orphan.id[:12]}…", site.addresses["gateway"], "kv/keys/b in Vault", "1.5 USD"):
        assert cell in result.stdout, cell
    assert "1 orphan of llm-gateway/dev, 0 removed" in result.stderr
