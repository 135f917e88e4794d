"""`DatabaseConnection`: how Vault logs in to a database, as a resource. The thin side that Pulumi sees."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    UpdateResult,
)

from providers.declaring import declaring_line, with_position
from providers.dynamic import Provider, own_urn, plain
from providers.vault.database import inputs

__all__ = ["DatabaseConnection", "DatabaseConnectionProvider"]


class DatabaseConnectionProvider(Provider):
    """Pulumi's calls, passed on to plain functions. Only what a preview needs is imported beforehand."""

    runs_with = ("providers.vault.database.life",)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        given = plain(news)
        problems = inputs.check_inputs(given)
        # The engine prints the value of a property that a failure names, and a URL may hold a password.
        return CheckResult(
            given, [CheckFailure("", f"{problem.field}: {problem.reason}") for problem in problems]
        )

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        changed = inputs.changed_inputs(plain(_olds), plain(_news))
        replaces = [name for name in changed if name in ("mount", "name")]
        return DiffResult(changes=bool(changed), replaces=replaces, delete_before_replace=False)

    def create(self, props: dict[str, Any]) -> CreateResult:
        from providers.vault.database import life  # noqa: PLC0415 - hvac is for a run, not for a preview

        state = life.write(life.open_path(props), props, {})
        return CreateResult(f"{props['mount']}/config/{props['name']}", state)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        from providers.vault.database import life  # noqa: PLC0415 - hvac is for a run, not for a preview

        state = life.read(life.open_path(props), props)
        if state is None:
            return ReadResult("", {})
        drifted = bool(inputs.changed_inputs(props, state))
        return ReadResult(id_, state, {name: state[name] for name in inputs.INPUTS} if drifted else None)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        from providers.vault.database import life  # noqa: PLC0415 - hvac is for a run, not for a preview

        return UpdateResult(life.write(life.open_path(_news), _news, _olds))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        from providers.vault.database import life  # noqa: PLC0415 - hvac is for a run, not for a preview

        life.delete(life.open_path(_props), _props)


class DatabaseConnection(Resource, module="vault", name="DatabaseConnection"):
    """How Vault logs in to a database, with a password that only Vault knows once it is rotated.

    Attributes
    ----------
    root
        `given`, or `rotated`.
    fingerprint
        SHA-256 of a password that isn't rotated, in hex, secret; else empty.
    """

    name: pulumi.Output[str]
    root: pulumi.Output[str]
    fingerprint: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        mount: pulumi.Input[str],
        name: pulumi.Input[str],
        plugin: pulumi.Input[str],
        connection_url: pulumi.Input[str],
        username: pulumi.Input[str],
        password: pulumi.Input[Mapping[str, Any]],
        password_version: pulumi.Input[int] = 1,
        rotate_root: pulumi.Input[bool] = True,
        verify_connection: pulumi.Input[bool] = True,
        roles: Sequence[str] = (),
        static_roles: Sequence[str] = (),
        root_rotation_statements: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
        vault: pulumi.Input[Mapping[str, Any]] | None = None,
        retain_on_delete: pulumi.Input[bool] = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the connection.

        Parameters
        ----------
        mount, name
            Path of the engine, and the connection's name there.
        plugin
            `postgresql` or `mysql`.
        connection_url
            With `{{username}}:{{password}}@` before the host.
        password
            Where the user's password is found when Vault is to be given one: `{"env": NAME}`,
            `{"file": PATH}`, `{"vault": {"mount", "path", "property"}}`; or `{"manual": True}` for a
            connection that somebody has put into Vault with its password.
        password_version
            Raised, it has the source read again, and the password rotated again.
        rotate_root
            Have Vault change the password to one that it alone knows, once.
        roles, static_roles
            Names of those that may use the connection.
        options
            Of `OPTIONS`.
        vault
            `address`, `namespace`, `ca_cert_file`; by default VAULT_ADDR and its like. The token comes from
            VAULT_TOKEN or ~/.vault-token.
        retain_on_delete
            Leave the connection in Vault when this resource goes; its roles' leases are revoked all the same.
        """
        declared = {
            "mount": mount,
            "name": name,
            "plugin": plugin,
            "connection_url": connection_url,
            "username": username,
            "password": password,
            "password_version": password_version,
            "rotate_root": rotate_root,
            "verify_connection": verify_connection,
            "roles": list(roles),
            "static_roles": list(static_roles),
            "root_rotation_statements": list(root_rotation_statements),
            "options": dict(options or {}),
            "vault": vault or {},
            "retain_on_delete": retain_on_delete,
            "owner": own_urn(self._resource_type_name, resource_name, opts),
        }
        secret = pulumi.ResourceOptions(additional_secret_outputs=["fingerprint"])
        with with_position(declaring_line()):
            super().__init__(
                DatabaseConnectionProvider(),
                resource_name,
                declared | {"root": None, "fingerprint": None},
                pulumi.ResourceOptions.merge(secret, opts),
            )
