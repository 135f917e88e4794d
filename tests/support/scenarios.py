"""What is recorded of the real gateway: short lives of keys, with what has to come out of them."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest
from pydantic import SecretStr

from providers.litellm import known
from providers.litellm.client import GatewayClient
from providers.litellm.errors import (
    AdminKeyRefusedError,
    AliasTakenError,
    GatewayRefusedError,
    KeyGoneError,
    LicenceNeededError,
)
from providers.litellm.fields import GROUPS, Clearing
from providers.litellm.ownership import SUPERSEDED_BY
from tests.support.field_samples import samples
from tests.unit.providers.engine import KeyEngine

__all__ = ["SCENARIOS", "Stage"]


@dataclass(frozen=True)
class Stage:
    """Where a scenario is played: before the real gateway, or before a recording of it.

    Attributes
    ----------
    suffix
        Of every name.
    """

    url: str
    transport: httpx.BaseTransport
    admin_key: SecretStr
    suffix: str

    def process(self, admin_key: SecretStr | None = None) -> GatewayClient:
        """Start what stands for a new process of the plugin."""
        known.forget()
        chosen = admin_key or self.admin_key
        return GatewayClient(
            self.url,
            httpx.Client(base_url=self.url, transport=self.transport),
            lambda: chosen,
            admin_key_place="the tests",
            ready_timeout_seconds=2,
            patience_seconds=2,
        )

    def engine(self, name: str) -> KeyEngine:
        return KeyEngine(f"{name}-{self.suffix}")


def life(stage: Stage) -> None:
    """Make, look at, change, clear and delete a key."""
    gateway, engine = stage.process(), stage.engine("life")
    assert engine.up(gateway, models=["gpt-4o"], max_budget=5) == "create"
    assert engine.refresh(gateway)
    assert engine.preview(models=["gpt-4o"], max_budget=5) == []
    assert engine.up(gateway, models=["gpt-4o"], max_budget=6) == "update"
    assert engine.up(gateway, max_budget=6) == "update"
    assert engine.refresh(gateway)
    assert engine.preview(max_budget=6) == []
    engine.destroy(gateway)


def gone(stage: Stage) -> None:
    """Delete it behind our back: a change fails, a refresh sees it, an up makes a new one."""
    gateway, engine = stage.process(), stage.engine("gone")
    engine.up(gateway, max_budget=5)
    gateway.delete(engine.token_id)
    gateway.delete(engine.token_id)  # one that isn't there is deleted
    with pytest.raises(KeyGoneError):
        engine.up(gateway, max_budget=6)
    assert gateway.was_deleted(engine.token_id)
    assert not engine.refresh(gateway)
    assert engine.up(gateway, max_budget=6) == "create"
    engine.destroy(gateway)


def orphan(stage: Stage) -> None:
    """Lose the state before it was saved: the next up finds the key by its URN and lets it end."""
    stage.engine("orphan").up(stage.process(), max_budget=5)
    engine = stage.engine("orphan")
    gateway = stage.process()
    assert engine.up(gateway, max_budget=5) == "create"
    living = [key.token_id for key in gateway.list_keys() if SUPERSEDED_BY not in key.metadata]
    assert living == [engine.token_id]
    gateway = stage.process()
    engine.destroy(gateway)
    assert list(gateway.list_keys()) == []


def replacement(stage: Stage) -> None:
    """Replace a key whose alias its successor keeps."""
    gateway, engine = stage.process(), stage.engine("replacement")
    alias = f"explicit-{stage.suffix}"
    engine.up(gateway, alias=alias, key_type="llm_api")
    gateway = stage.process()
    assert engine.up(gateway, alias=alias, key_type="read_only") == "replace"
    assert engine.refresh(gateway)
    assert engine.preview(alias=alias, key_type="read_only") == []
    engine.destroy(gateway)


def refusals(stage: Stage) -> None:
    """Declare what the gateway refuses."""
    gateway, engine = stage.process(), stage.engine("first")
    engine.up(gateway, alias=f"taken-{stage.suffix}")
    other = stage.engine("second")
    with pytest.raises(AliasTakenError):
        other.up(gateway, alias=f"taken-{stage.suffix}")
    with pytest.raises(LicenceNeededError, match="takes tags only"):
        other.up(gateway, tags=["a"])
    with pytest.raises(LicenceNeededError, match="takes model_max_budget only"):
        other.up(gateway, model_max_budget={"gpt-4o": {"budget_limit": 1, "time_period": "1d"}})
    with pytest.raises(GatewayRefusedError, match="organization_id: Organization doesn't exist"):
        other.up(gateway, organization_id="none")
    with pytest.raises(GatewayRefusedError, match="project_id: Project not found"):
        other.up(gateway, project_id="none")
    engine.up(gateway, alias=f"taken-{stage.suffix}", user_id=f"user-{stage.suffix}")
    with pytest.raises(GatewayRefusedError, match=r"team_id: User=.* is not a member of the team"):
        engine.up(gateway, user_id=f"user-{stage.suffix}", team_id=f"team-{stage.suffix}")
    with pytest.raises(AdminKeyRefusedError, match="Invalid proxy server token"):
        other.up(stage.process(SecretStr("sk-nobody-knows-this-one")), max_budget=5)
    engine.destroy(gateway)


_ALONE = ("budget_id", "user_id")
"""soft_budget would be written into the shared budget; a user has to be a member of the team."""


def _fields(group: str) -> Callable[[Stage], None]:
    """Set, change and clear the fields of a group, all at once but for what has to stand alone."""
    changeable = [row.name for row in GROUPS[group] if row.clearing is not Clearing.REPLACE]

    def play(stage: Stage) -> None:
        values = {name: sample for name, sample in samples(stage.suffix).items() if name in changeable}
        alone = [{name: values.pop(name)} for name in _ALONE if name in values]
        gateway = stage.process()
        for number, together in enumerate([values, *alone]):
            beside = {name: value for sample in together.values() for name, value in sample.beside.items()}
            first = beside | {name: sample.first for name, sample in together.items()}
            second = beside | {name: sample.second for name, sample in together.items()}
            engine = stage.engine(f"fields{number}")
            for declared, how in ((first, "create"), (second, "update"), ({}, "update")):
                assert engine.up(gateway, **declared) == how
                assert engine.refresh(gateway)
                assert engine.preview(**declared) == []
            engine.destroy(gateway)

    return play


SCENARIOS: dict[str, Callable[[Stage], None]] = {
    "life": life,
    "gone": gone,
    "orphan": orphan,
    "replacement": replacement,
    "refusals": refusals,
} | {f"fields-{group.lower().replace(' ', '-')}": _fields(group) for group in GROUPS}
