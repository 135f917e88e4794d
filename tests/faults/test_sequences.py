"""Random lives of a key: changes of its declaration, faults, and what others do to it meanwhile."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.faults.conftest import SOAK, TIMES
from tests.faults.operations import DELIVERED
from tests.faults.proxy import BREAKS
from tests.faults.resource import Resource
from tests.faults.runs import Runner, carried_out
from tests.faults.wires import Plan

_THEIRS = {"theirs": "kept"}


# --- what may happen -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Up:
    """An `up` with another declaration; None takes the key out."""

    fields: Mapping[str, Any] | None
    plans: tuple[Plan, ...]


@dataclass(frozen=True)
class Refresh:
    plans: tuple[Plan, ...]


@dataclass(frozen=True)
class AtTheGateway:
    """Somebody changes the key, or deletes it."""

    change: Mapping[str, Any] | None


@dataclass(frozen=True)
class InVault:
    """Somebody writes at the key's path; what is None is taken out."""

    change: Mapping[str, str | None]


@dataclass(frozen=True)
class RollBack:
    """Somebody writes what once stood at the key's path."""

    versions: int


Event = Up | Refresh | AtTheGateway | InVault | RollBack
_ANOTHER_KEY = {"deliver": DELIVERED, "key_type": "management"}
_FIELDS = {
    "alias": st.sampled_from(["one", "two"]),
    "models": st.lists(st.sampled_from(["gpt-4o", "claude-sonnet"]), unique=True),
    "duration": st.sampled_from(["1d", "2d"]),
    "metadata": st.dictionaries(st.sampled_from("ab"), st.sampled_from(["x", "y"])),
    "blocked": st.booleans(),
    "max_budget": st.integers(1, 3),
    "budget_duration": st.sampled_from(["1d", "30d"]),
    "model_rpm_limit": st.fixed_dictionaries({"gpt-4o": st.integers(1, 3)}),
    "rotation": st.fixed_dictionaries({"n": st.integers(1, 3)}),
    "grace": st.sampled_from(["0s", "1h"]),
    "key_type": st.sampled_from(["llm_api", "read_only"]),
}
_DELIVERED = {"deliver": st.just(DELIVERED)}
_PLANS = st.lists(
    st.builds(Plan, st.integers(1, 14), st.sampled_from(BREAKS), st.booleans()), max_size=2
).map(tuple)
_EVENTS = st.one_of(
    st.builds(Up, st.fixed_dictionaries({}, optional=_FIELDS), _PLANS),
    st.builds(Up, st.fixed_dictionaries(_DELIVERED, optional=_FIELDS), _PLANS),
    st.builds(Up, st.none(), _PLANS),
    st.builds(Refresh, _PLANS),
    st.builds(
        AtTheGateway,
        st.sampled_from(
            [
                None,
                {"max_budget": 9},
                {"metadata": {}},
                {"models": []},
                {"blocked": True},
                {"key_alias": None},
            ]
        ),
    ),
    st.builds(
        InVault,
        st.sampled_from(
            [{"api-key": "sk-by-hand"}, {"api-key": None}, {"token-id": "other"}, {"managed-by-urn": None}]
        ),
    ),
    st.builds(RollBack, st.integers(1, 3)),
)


# --- one life --------------------------------------------------------------------------------------------


class Life:
    """A key to which one thing after another happens."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._world = resource.world
        self._wanted: Mapping[str, Any] | None = None
        self._past: list[dict[str, str]] = []
        self._unfinished = self._given_up = self._others_were_here = False
        self._world.servers.put(self._world.path, _THEIRS)

    def happens(self, event: Event) -> None:
        match event:
            case Up(fields, plans):
                self._given_up = self._given_up or (self._unfinished and fields != self._wanted)
                self._wanted = fields
                self._unfinished = not self._resource.suffer(lambda: self._resource.bring_to(fields), *plans)
            case Refresh(plans):
                self._resource.suffer(lambda: self._resource.stack.refresh(self._resource.process()), *plans)
            case AtTheGateway(change):
                self._change_at_the_gateway(change)
            case InVault(change):
                self._write({**self._standing, **change})
            case RollBack(versions) if len(self._past) >= versions:
                self._write(self._past[-versions])
        self._past.append(self._standing)

    @property
    def _standing(self) -> dict[str, str]:
        return self._world.servers.standing(self._world.path)

    def _write(self, properties: Mapping[str, str | None]) -> None:
        """Write at the path, if the key is there."""
        if "api-key" in self._standing:
            known = {name: value for name, value in properties.items() if value is not None}
            self._world.servers.put(self._world.path, known)
            self._others_were_here = True

    def _change_at_the_gateway(self, change: Mapping[str, Any] | None) -> None:
        if self._resource.stack.saved is None:
            return
        self._others_were_here = True
        token_id = self._resource.stack.saved.id
        with suppress(httpx.HTTPStatusError):  # deleted before
            if change is None:
                self._world.servers.delete(token_id)
            else:
                self._world.servers.change(token_id, **change)

    # --- one `up` more ---

    def assert_whole(self) -> None:
        """Run one `up` more, after a refresh if others were here, and see exactly one key."""
        if self._others_were_here or self._given_up:
            self._resource.stack.refresh(self._resource.process())
        if self._given_up:
            # What was begun under another declaration is found by the next create of the resource.
            self._resource.bring_to(_ANOTHER_KEY)
        self._resource.bring_to(self._wanted)
        if self._wanted is None:
            self._world.assert_no_key()
        else:
            self._resource.assert_whole(self._wanted)
        self._unfinished = self._given_up = self._others_were_here = False

    def end(self) -> None:
        self.assert_whole()
        self._resource.bring_to(_ANOTHER_KEY)
        self._resource.assert_whole(_ANOTHER_KEY)
        self._resource.bring_to(None)
        self._world.assert_no_key()
        self._world.assert_vault_has(_THEIRS)


@given(st.lists(_EVENTS, min_size=2, max_size=8))
@settings(
    max_examples=25 * TIMES,
    derandomize=not SOAK,
    deadline=None,
    database=None,
    print_blob=True,
    phases=(Phase.explicit, Phase.generate, *([Phase.shrink] if SOAK else [])),
    suppress_health_check=[HealthCheck.too_slow],
)
def test_whatever_happens_to_a_key_one_up_more_makes_it_whole(runner: Runner, events: list[Event]) -> None:
    with runner.resource() as resource:
        life = Life(resource)
        for event in events:
            life.happens(event)
        life.assert_whole()
        life.end()
    carried_out["as random lives"].add(str(events))
