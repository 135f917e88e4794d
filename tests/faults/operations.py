"""What is done to a key while something goes wrong: one row each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["DELIVERED", "FOUND", "OPERATIONS", "Operation"]

DELIVERED = "delivered"
"""Stands for a key's place in Vault in the declarations below."""
FOUND = "found"
"""Stands for the alias of a key that somebody has made."""

_LIMITS = {"max_budget": 5, "metadata": {"team": "a"}, "model_rpm_limit": {"gpt-4o": 1}}
_OTHER_LIMITS = {"max_budget": 6, "rpm_limit": 3}
_OTHER_METADATA = {"max_budget": 5, "metadata": {"team": "b"}, "duration": "1d"}


@dataclass(frozen=True)
class Operation:
    """One of them.

    Attributes
    ----------
    before
        The declaration that stands when it begins; None for nothing.
    after
        The declaration that it leads to; None to destroy it.
    theirs
        What others have put at the key's path in Vault before.
    by_hand
        What others then put there, which a refresh has shown.
    spent
        What the key has then spent, USD; a successor carries it.
    refreshes
        Whether it is a refresh instead of an `up`.
    leaves_alive
        Whether the key outlives its resource.
    """

    name: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    theirs: Mapping[str, str] = field(default_factory=dict)
    by_hand: Mapping[str, str] | None = None
    spent: float | None = None
    refreshes: bool = False
    leaves_alive: bool = False

    def __str__(self) -> str:
        return self.name

    @property
    def delivers(self) -> bool:
        """Whether the key is in Vault when it is done."""
        return (self.after or {}).get("deliver") == DELIVERED

    @property
    def drifts(self) -> bool:
        """Whether others change something that a refresh has then shown."""
        return self.by_hand is not None

    @property
    def adopts(self) -> bool:
        """Whether the key was there before."""
        return "adopt" in (self.after or {})


OPERATIONS = (
    Operation("create", None, {"max_budget": 5}),
    Operation("create_with_alias", None, {"alias": "explicit", "models": ["gpt-4o"]}),
    Operation("create_delivered", None, {"deliver": DELIVERED, "duration": "1d"}),
    Operation("create_delivered_beside", None, {"deliver": DELIVERED}, theirs={"theirs": "kept"}),
    Operation("update", {**_LIMITS, "tpm_limit": 9}, _OTHER_LIMITS),
    Operation("update_metadata", _LIMITS, _OTHER_METADATA),
    Operation(
        "update_delivered",
        {"deliver": DELIVERED, "max_budget": 5},
        {"deliver": DELIVERED, "alias": "other", "duration": "1d", "max_budget": 5},
    ),
    Operation("replace", {"key_type": "llm_api"}, {"key_type": "read_only"}),
    Operation(
        "replace_with_alias",
        {"alias": "kept", "key_type": "llm_api"},
        {"alias": "kept", "key_type": "read_only"},
    ),
    Operation(
        "replace_delivered",
        {"deliver": DELIVERED, "key_type": "llm_api"},
        {"deliver": DELIVERED, "key_type": "read_only"},
        theirs={"theirs": "kept"},
    ),
    Operation(
        "rotate_to_another_declaration",
        {"deliver": DELIVERED, "alias": "kept", "rotation": {"number": 1}, "duration": "1d"},
        {"deliver": DELIVERED, "alias": "kept", "rotation": {"number": 2}, "max_budget": 5},
    ),
    Operation(
        "replace_what_was_changed_in_vault",
        {"deliver": DELIVERED},
        {"deliver": DELIVERED},
        by_hand={"api-key": "sk-by-hand"},
    ),
    Operation("begin_delivery", {"max_budget": 5}, {"max_budget": 5, "deliver": DELIVERED}),
    Operation("end_delivery", {"max_budget": 5, "deliver": DELIVERED}, {"max_budget": 5}),
    Operation("rotate", {"rotation": {"n": 1}, "max_budget": 5}, {"rotation": {"n": 2}, "max_budget": 5}),
    Operation(
        "rotate_with_spend",
        {"rotation": {"n": 1}, "max_budget": 5, "budget_duration": "30d"},
        {"rotation": {"n": 2}, "max_budget": 5, "budget_duration": "30d"},
        spent=0.5,
    ),
    Operation(
        "rotate_delivered",
        {"rotation": {"n": 1}, "deliver": DELIVERED, "alias": "kept"},
        {"rotation": {"n": 2}, "deliver": DELIVERED, "alias": "kept"},
        spent=0.5,
    ),
    Operation(
        "rotate_delivered_at_once",
        {"rotation": {"n": 1}, "deliver": DELIVERED, "grace": "0s"},
        {"rotation": {"n": 2}, "deliver": DELIVERED, "grace": "0s"},
        theirs={"theirs": "kept"},
    ),
    Operation("adopt", None, {"adopt": FOUND, "max_budget": 7}),
    Operation("give_back", {"max_budget": 7, "retain_on_delete": True}, None, leaves_alive=True),
    Operation("delete", {"max_budget": 5}, None),
    Operation("delete_delivered", {"deliver": DELIVERED}, None),
    Operation("delete_delivered_beside", {"deliver": DELIVERED}, None, theirs={"theirs": "kept"}),
    Operation("refresh", _LIMITS, _LIMITS, refreshes=True),
    Operation("refresh_delivered", {"deliver": DELIVERED}, {"deliver": DELIVERED}, refreshes=True),
)
