"""One key between both proxies: its names, its declaration, and what has to be there in the end."""

import secrets
from collections.abc import Mapping
from typing import Any, ClassVar

from providers.litellm.virtual_key import VirtualKeyProvider
from tests.faults.operations import DELIVERED, FOUND, Operation
from tests.faults.servers import Servers, hash_of
from tests.faults.stack import Properties, Saved
from tests.faults.wires import Wires

__all__ = ["ADMIN_KEY_VARIABLE", "World"]

ADMIN_KEY_VARIABLE = "LLM_GATEWAY_FAULTS_ADMIN_KEY"


class World:
    """A resource of its own name, and its path in Vault.

    Parameters
    ----------
    servers
        Past the proxies.
    wires
        The proxies that the resource is declared with.
    project
        Name of the Pulumi project that declares it, in the stack `dev`.

    Attributes
    ----------
    kind
        The resource's class.
    provider
        That class's calls.
    """

    kind: ClassVar[str] = "VirtualKey"
    provider: ClassVar[type[VirtualKeyProvider]] = VirtualKeyProvider

    def __init__(self, servers: Servers, wires: Wires, project: str = "faults") -> None:
        self.name = f"faults-{secrets.token_hex(4)}"
        self.urn = f"urn:pulumi:dev::{project}::pulumi-python:dynamic/litellm:{self.kind}::{self.name}"
        self.path = f"keys/{self.name}"
        self.servers, self.wires = servers, wires
        self._before: str | None = None

    def fields(self, declared: Mapping[str, Any]) -> Properties:
        """Complete a declaration with the gateway, and with names of this world's own."""
        fields: Properties = {
            "gateway": {
                "url": self.wires.gateway_url,
                "admin_key": {"env": ADMIN_KEY_VARIABLE},
                "vault": {"address": self.wires.vault_url},
                "ready_timeout_seconds": 1,
            },
            **declared,
        }
        if declared.get("deliver") == DELIVERED:
            fields["deliver"] = {"mount": self.servers.mount, "path": self.path}
        for name in {"alias", "adopt"} & declared.keys():
            fields[name] = f"{self.name}-{declared[name]}"
        return fields

    # --- what others do ----------------------------------------------------------------------------------

    def make_ready(self, operation: Operation) -> None:
        """Let others do what they have done before anything of ours."""
        if operation.theirs:
            self.servers.put(self.path, operation.theirs)
        if operation.adopts:
            self._before = self.servers.make(f"{self.name}-{FOUND}")

    def intervene(self, operation: Operation, saved: Saved | None) -> None:
        """Let others do what they do between the key's making and the operation."""
        if saved is None:
            return
        self._before = saved.id
        if operation.by_hand is not None:
            self.servers.put(self.path, operation.by_hand)
        if operation.spent is not None:
            self.servers.change(saved.id, spend=operation.spent)

    # --- what is left ------------------------------------------------------------------------------------

    def assert_one_key(self, saved: Saved | None, *, delivered: bool) -> None:
        """See exactly one key: in the state, at the gateway, and in Vault if it is delivered."""
        assert saved is not None, "the key is in no state"
        living = self.servers.living(self.urn)
        assert living == {saved.id}, f"the gateway has {len(living)} keys, the state one"
        if delivered:
            self._assert_delivered(saved)
        elif value := saved.outputs["key"]:
            assert hash_of(value) == saved.id

    def _assert_delivered(self, saved: Saved) -> None:
        standing, row = self.servers.standing(self.path), self.servers.info(saved.id)
        assert "api-key" in standing, "Vault has no key"
        assert hash_of(standing["api-key"]) == saved.id, "Vault has another key than the state"
        assert standing["token-id"] == saved.id
        assert standing["key-alias"] == row["key_alias"]
        assert standing["expires"] == (row["expires"] or "")
        assert standing["managed-by-urn"] == self.urn
        assert standing["api-key"] not in str(saved), "the key is in the state"

    def assert_done(self, operation: Operation, saved: Saved | None) -> None:
        """See what an operation was for."""
        if operation.after is None:
            self.assert_gone(operation)
            return
        self.assert_one_key(saved, delivered=operation.delivers)
        assert saved is not None
        if operation.adopts:
            assert saved.id == self._before
        if operation.spent is not None:
            assert self.servers.info(saved.id)["spend"] == operation.spent, "what was spent is forgotten"
        if not operation.delivers:
            self.assert_vault_has(operation.theirs)

    def assert_gone(self, operation: Operation) -> None:
        """See that nothing of ours is left, and all that isn't."""
        self.assert_no_key()
        self.assert_vault_has(operation.theirs)
        if operation.leaves_alive:
            assert self._before is not None
            assert self.servers.is_alive(self._before), "a key that was to be given back is gone"

    def assert_no_key(self) -> None:
        """See that no key of this resource is alive, nor a predecessor of one."""
        assert not self.servers.bearing(self.urn), "a key is left at the gateway"

    def assert_vault_has(self, theirs: Mapping[str, str]) -> None:
        """See that nothing but what others have put there stands at the path."""
        standing = self.servers.standing(self.path)
        assert standing == theirs, f"in Vault stands {sorted(standing)}"

    def tidy(self) -> None:
        """Leave nothing behind, whatever the test has come to."""
        for token_id in {*self.servers.bearing(self.urn), self._before} - {None}:
            if self.servers.is_alive(str(token_id)):
                self.servers.delete(str(token_id))
        self.servers.drop(self.path)
