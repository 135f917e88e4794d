"""`PlatformAdmin`: a user of the gateway whose one key manages keys. The thin side that Pulumi sees.

What its user is stands in `admin_input`, its life in `admin`; its key is one like any other.
"""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from providers.declaring import declaring_line, with_position
from providers.dynamic import own_urn
from providers.litellm.admin_input import check_admin, for_keys, is_demoted
from providers.litellm.virtual_key import VirtualKeyProvider

__all__ = ["PlatformAdmin", "PlatformAdminProvider"]


class PlatformAdminProvider(VirtualKeyProvider):
    """Pulumi's calls, passed on to plain functions."""

    runs_with = (
        "providers.litellm.admin",
        "providers.litellm.connection",
        "providers.litellm.delivery",
        "providers.litellm.key",
    )

    keeps_undeclared = False

    check_inputs = staticmethod(check_admin)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        found = super().diff(_id, _olds, _news)
        found.changes = found.changes or is_demoted(_olds, _news)
        return found

    def create(self, props: dict[str, Any]) -> CreateResult:
        from providers.litellm import admin, connection  # noqa: PLC0415 - see virtual_key

        state = admin.create(connection.connect(props["gateway"]), props, admin.delivery_of(props))
        return CreateResult(state["token_id"], state)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        from providers.litellm import admin, connection  # noqa: PLC0415 - see virtual_key

        gateway = connection.connect(for_keys(props["gateway"], props["deliver"], props["owner"]))
        found = admin.read(gateway, id_, props, admin.delivery_of(props))
        return ReadResult(id_, found.state, found.inputs)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        from providers.litellm import admin, connection  # noqa: PLC0415 - see virtual_key

        gateway = connection.connect(_news["gateway"])
        return UpdateResult(admin.update(gateway, _id, _olds, _news, admin.delivery_of(_news)))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        from providers.litellm import admin, connection  # noqa: PLC0415 - see virtual_key

        gateway = connection.connect(_props["gateway"])
        admin.delete(gateway, _id, _props, admin.delivery_of(_props))


class PlatformAdmin(Resource, module="litellm", name="PlatformAdmin"):
    """The least that keys can be managed with: a user of its own, and a key for the routes of the key API.

    Attributes
    ----------
    for_keys
        The `gateway` input of the keys that this admin manages. They are made after it and deleted before it.
    user_id
        Of the user, whom the gateway notes as the creator of each key.
    token_id
        SHA-256 of the key in hex, which is the resource's id too.
    key_alias
        The alias that the gateway shows.
    vault_path
        `<mount>/<path>` that the key is delivered to; it is nowhere else.
    vault_version
        KV version of that path after the last write or refresh.
    """

    for_keys: pulumi.Output[dict[str, Any]]
    user_id: pulumi.Output[str]
    token_id: pulumi.Output[str]
    key_alias: pulumi.Output[str]
    vault_path: pulumi.Output[str]
    vault_version: pulumi.Output[int]

    def __init__(
        self,
        name: str,
        *,
        gateway: pulumi.Input[Mapping[str, Any]],
        deliver: pulumi.Input[Mapping[str, Any]],
        alias: pulumi.Input[str] | None = None,
        rotation: pulumi.Input[Mapping[str, Any]] | None = None,
        rotate_every: pulumi.Input[str] | None = None,
        grace: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare an admin.

        Parameters
        ----------
        gateway
            As of a `VirtualKey`; its `admin_key` has to be the master key, or that of somebody else who may
            make users. It is needed to create, change and delete the admin, and for no key.
        deliver
            `mount`, `path` and `property` (api-key) in Vault for the admin's key.
        alias
            Of the key; auto-named `<name>-<7 hex>` if left out.
        rotation, rotate_every, grace
            As of a `VirtualKey`. A run that is under way goes over to the successor by itself.
        """
        owner = own_urn(self._resource_type_name, name, opts)
        inputs = {
            "gateway": gateway,
            "owner": owner,
            "deliver": deliver,
            "alias": alias,
            "rotation": rotation,
            "rotate_every": rotate_every,
            "grace": grace,
        }
        outputs = ("user_id", "token_id", "key_alias", "expires", "vault_path", "vault_version")
        with with_position(declaring_line()):
            super().__init__(PlatformAdminProvider(), name, {**inputs, **dict.fromkeys(outputs)}, opts)
        self.for_keys = pulumi.Output.all(gateway, deliver, self.urn).apply(lambda known: for_keys(*known))
