"""`StaticRoleRotation`: when Vault last changed the password of a static role, for whoever has to follow."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource

from providers.declaring import declaring_line, with_position
from providers.dynamic import Provider, plain

if TYPE_CHECKING:
    from providers.vault.database.engine import StaticRolePath

__all__ = ["StaticRoleRotation", "StaticRoleRotationProvider"]

_PLACE = ("mount", "role")


class StaticRoleRotationProvider(Provider):
    """Pulumi's calls. Only what a preview needs is imported beforehand."""

    runs_with = ("providers.vault.connection", "providers.vault.database.engine")

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        olds, news = plain(_olds), plain(_news)
        changed = [name for name in (*_PLACE, "vault") if olds.get(name) != news.get(name)]
        return DiffResult(changes=bool(changed), replaces=changed, delete_before_replace=False)

    def create(self, props: dict[str, Any]) -> CreateResult:
        from providers.vault.errors import VaultNotThereError  # noqa: PLC0415 - see _static_role

        place = _static_role(props)
        found = place.read()
        if found is None:
            raise VaultNotThereError(place.address, str(place), "see that the role is made before it is used")
        return CreateResult(str(place), _state(props, found))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        from providers.vault.errors import VaultMountMissingError  # noqa: PLC0415 - see _static_role

        try:
            found = _static_role(props).read()
        except VaultMountMissingError:
            found = None
        return ReadResult("", {}) if found is None else ReadResult(id_, _state(props, found))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Leave everything: nothing was made."""


def _static_role(props: Mapping[str, Any]) -> "StaticRolePath":
    from providers.vault.connection import VaultConnection  # noqa: PLC0415 - hvac is for a run, not for a preview
    from providers.vault.database.engine import StaticRolePath  # noqa: PLC0415 - the same

    return StaticRolePath(VaultConnection.parse(props.get("vault")), props["mount"], props["role"])


def _state(props: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    return {**props, "last_rotation": str(found.get("last_vault_rotation") or "")}


class StaticRoleRotation(Resource, module="vault", name="StaticRoleRotation"):
    """Looks at a static role, and changes nothing.

    Attributes
    ----------
    last_rotation
        Time of the last rotation, RFC 3339, as of the last `up` or refresh that looked.
    """

    last_rotation: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        mount: pulumi.Input[str],
        role: pulumi.Input[str],
        vault: pulumi.Input[Mapping[str, Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        with with_position(declaring_line()):
            super().__init__(
                StaticRoleRotationProvider(),
                name,
                {"mount": mount, "role": role, "vault": vault or {}, "last_rotation": None},
                opts,
            )
