"""Keys of a template on the real gateway: its fields, a change of it, and what a key says itself."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from providers.litellm import KeyTemplate, clock
from providers.litellm.kinds import parse_instant
from providers.litellm.ownership import OWN_METADATA
from tests.contract.conftest import NewEngine, NewProcess
from tests.unit.providers.engine import KeyEngine

_GRAIN = timedelta(minutes=1)
"""More than a call takes."""
SHARED: dict[str, Any] = {
    "alias_prefix": "team-",
    "ttl": "30d",
    "models": ["gpt-4o"],
    "max_budget": 5,
    "rpm_limit": 9,
    "metadata": {"team": "search", "tier": "gold"},
}


class Team:
    """Two keys of a template: one that says nothing itself, and one that says some."""

    def __init__(self, process: NewProcess, new_engine: NewEngine, admin: httpx.Client) -> None:
        self._process, self._admin = process, admin
        self.plain, self.special = new_engine(), new_engine()
        self._own = {"alias": f"mine-{self.special.name}", "max_budget": 7, "metadata": {"tier": "tin"}}

    def up(self, **shared: Any) -> list[str]:
        """Bring both to a template, see that no change is left, and say how."""
        template = KeyTemplate(**shared)
        steps = []
        for engine, own in ((self.plain, {}), (self.special, self._own)):
            declared = template.applied(engine.name, own)
            steps.append(engine.up(self._process(), **declared))
            assert engine.refresh(self._process())
            assert engine.preview(**declared) == []
        return steps

    @property
    def hashes(self) -> list[str]:
        return [self.plain.token_id, self.special.token_id]

    def row(self, engine: KeyEngine) -> dict[str, Any]:
        answer = self._admin.get("/key/info", params={"key": engine.token_id}).raise_for_status()
        row: dict[str, Any] = answer.json()["info"]
        return row

    def live(self, name: str) -> list[Any]:
        """Give a field of both."""
        return [self.row(engine)[name] for engine in (self.plain, self.special)]

    def live_metadata(self) -> list[dict[str, Any]]:
        """Give what isn't ours of the metadata of both."""
        return [
            {name: value for name, value in metadata.items() if name not in OWN_METADATA}
            for metadata in self.live("metadata")
        ]


@pytest.fixture
def team(process: NewProcess, new_engine: NewEngine, admin: httpx.Client) -> Team:
    return Team(process, new_engine, admin)


def test_a_key_has_what_its_template_says_and_its_own_wins(team: Team) -> None:
    assert team.up(**SHARED) == ["create", "create"]
    assert team.live("key_alias") == [f"team-{team.plain.name}", f"mine-{team.special.name}"]
    assert team.live("models") == [["gpt-4o"], ["gpt-4o"]]
    assert team.live("max_budget") == [5, 7]
    assert team.live("rpm_limit") == [9, 9]
    assert team.live_metadata() == [SHARED["metadata"], {"team": "search", "tier": "tin"}]
    for expires in team.live("expires"):
        assert abs(parse_instant(expires) - clock.now() - timedelta(days=30)) < _GRAIN


def test_a_changed_template_changes_each_key_in_place(team: Team) -> None:
    team.up(**SHARED)
    made = team.hashes
    changed = {"models": ["gpt-4o-mini"], "ttl": "60d", "metadata": {"team": "ads", "tier": "gold"}}
    assert team.up(**SHARED | changed) == ["update", "update"]
    assert team.live("models") == [["gpt-4o-mini"], ["gpt-4o-mini"]]
    assert team.live_metadata() == [changed["metadata"], {"team": "ads", "tier": "tin"}]
    for expires in team.live("expires"):
        assert abs(parse_instant(expires) - clock.now() - timedelta(days=60)) < _GRAIN
    assert team.hashes == made


def test_what_a_key_says_itself_is_not_touched_by_its_template(team: Team) -> None:
    team.up(**SHARED)
    assert team.up(**SHARED | {"max_budget": 6}) == ["update", "same"]
    assert team.live("max_budget") == [6, 7]


def test_what_is_taken_out_of_a_template_is_cleared(team: Team) -> None:
    team.up(**SHARED)
    kept = {name: SHARED[name] for name in ("alias_prefix", "models", "max_budget")}
    assert team.up(**kept) == ["update", "update"]
    assert team.live("rpm_limit") == team.live("expires") == [None, None]
    assert team.live("max_budget") == [5, 7]
    assert team.live_metadata() == [{}, {"tier": "tin"}]
