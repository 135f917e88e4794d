"""The virtual keys."""

from typing import Any

from pydantic import Field

from schema.section import Label, Limit, LiteLLMDuration, Section, Usd, VaultPath


class DeliverSettings(Section):
    """Where a key is put instead of the stack's state; beside it stand its URL, alias, hash and expiry."""

    mount: VaultPath | None = None
    """KV v2 mount; without it `vault.mount`."""
    path: VaultPath
    """Path below the mount, of this key alone."""
    property: str = Field(default="api-key", min_length=1)
    """Property that holds the key."""


class KeySettings(Section):
    """One virtual key."""

    name: Label
    """Name of the resource; the alias begins with it."""
    models: list[str] = Field(min_length=1)
    """Models it may use."""
    alias: str | None = None
    """An alias of your own instead of `<name>-<7 hex>`."""
    max_budget: Usd | None = None
    """USD."""
    budget_duration: LiteLLMDuration | None = None
    """Time after which the spend begins anew: 30s, 15m, 24h, 7d, 2w, 1mo."""
    duration: LiteLLMDuration | None = None
    """Life of the key, from its creation."""
    rpm_limit: Limit | None = None
    """Requests a minute."""
    tpm_limit: Limit | None = None
    """Tokens a minute."""
    metadata: dict[str, Any] = {}
    """Anything; shown in the gateway beside our own marks."""
    user_id: str | None = None
    """Owner in LiteLLM."""
    team_id: str | None = None
    """Team in LiteLLM."""
    deliver: DeliverSettings | None = None
    """Put the key into Vault; the state then holds its hash, and no output holds the key."""
