"""A platform admin between both proxies: what is done to it, and its user beside its key."""

from dataclasses import dataclass
from typing import ClassVar

from providers.litellm.admin_input import ROLE
from providers.litellm.platform_admin import PlatformAdminProvider
from providers.litellm.virtual_key import VirtualKeyProvider
from tests.faults.operations import DELIVERED, Operation
from tests.faults.stack import Saved
from tests.faults.world import World

__all__ = ["ADMIN_OPERATIONS", "AdminWorld"]


@dataclass(frozen=True)
class AdminOperation(Operation):
    """What is done to an admin.

    Attributes
    ----------
    role
        What others then make of its user, which a refresh has shown.
    """

    role: str | None = None

    @property
    def drifts(self) -> bool:
        return self.role is not None or super().drifts


_DELIVERED = {"deliver": DELIVERED}

ADMIN_OPERATIONS = (
    AdminOperation("create", None, _DELIVERED),
    AdminOperation("update", {**_DELIVERED, "alias": "one"}, {**_DELIVERED, "alias": "other"}),
    AdminOperation("set_its_role_back", _DELIVERED, _DELIVERED, role="internal_user"),
    AdminOperation(
        "set_its_role_back_and_update",
        {**_DELIVERED, "alias": "one"},
        {**_DELIVERED, "alias": "other"},
        role="internal_user",
    ),
    AdminOperation("rotate", {**_DELIVERED, "rotation": {"n": 1}}, {**_DELIVERED, "rotation": {"n": 2}}),
    AdminOperation(
        "rotate_at_once",
        {**_DELIVERED, "alias": "kept", "rotation": {"n": 1}, "grace": "0s"},
        {**_DELIVERED, "alias": "kept", "rotation": {"n": 2}, "grace": "0s"},
        theirs={"theirs": "kept"},
    ),
    AdminOperation(
        "replace_what_was_changed_in_vault", _DELIVERED, _DELIVERED, by_hand={"api-key": "sk-by-hand"}
    ),
    AdminOperation("delete", _DELIVERED, None),
    AdminOperation("delete_beside", _DELIVERED, None, theirs={"theirs": "kept"}),
)


class AdminWorld(World):
    """An admin of its own name, its user, and its path in Vault."""

    kind = "PlatformAdmin"
    provider: ClassVar[type[VirtualKeyProvider]] = PlatformAdminProvider

    def intervene(self, operation: Operation, saved: Saved | None) -> None:
        super().intervene(operation, saved)
        if saved is not None and isinstance(operation, AdminOperation) and operation.role:
            self.servers.give_role(saved.outputs["user_id"], operation.role)

    def assert_one_key(self, saved: Saved | None, *, delivered: bool) -> None:
        """See exactly one user too, whose keys are the one in the state and those that end."""
        super().assert_one_key(saved, delivered=delivered)
        assert saved is not None
        [user] = self.servers.users(self.name)
        assert (user["user_id"], user["user_role"]) == (saved.outputs["user_id"], ROLE)
        assert self.servers.keys_of(user["user_id"]) == self.servers.bearing(self.urn).keys()

    def assert_no_key(self) -> None:
        super().assert_no_key()
        assert not self.servers.users(self.name), "a user is left at the gateway"

    def tidy(self) -> None:
        super().tidy()
        for user in self.servers.users(self.name):
            self.servers.delete_user(user["user_id"])
