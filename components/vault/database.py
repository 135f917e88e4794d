"""The database secrets engine: its mount, connections whose password only Vault knows, and their roles."""

import pulumi
import pulumi_vault

from providers.vault.database import DatabaseConnection
from schema import DatabasesSettings, VaultSettings
from schema.databases import ConnectionSettings, RoleSettings, StaticRoleSettings
from schema.section import go_seconds

__all__ = ["DatabaseEngine"]


class DatabaseEngine(pulumi.ComponentResource):
    """Every connection of the configuration, with its roles.

    Attributes
    ----------
    mount
        Path of the engine.
    outputs
        mount, and roles and staticRoles: name -> path of the credentials, for whoever draws them.
    """

    mount: pulumi.Output[str]
    outputs: dict[str, object]

    def __init__(
        self,
        name: str,
        *,
        databases: DatabasesSettings,
        vault: VaultSettings,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("llm-gateway:vault:DatabaseEngine", name, None, opts)
        self._name, self._settings, self._vault = name, databases, vault
        self._child = pulumi.ResourceOptions(parent=self)
        self.mount = self._mounted()
        for connection in databases.connections:
            self._connection(connection)
        declared = list(databases.declared_roles())
        self.outputs = {
            "mount": self.mount,
            "roles": {role.name: role.path for role in declared if isinstance(role.role, RoleSettings)},
            "staticRoles": {
                role.name: role.path for role in declared if isinstance(role.role, StaticRoleSettings)
            },
        }
        self.register_outputs({"mount": self.mount})

    def _mounted(self) -> pulumi.Output[str]:
        if not self._settings.create_mount:
            return pulumi.Output.from_input(self._settings.mount)
        retained = pulumi.ResourceOptions(retain_on_delete=self._settings.retain_on_destroy)
        return pulumi_vault.Mount(
            f"{self._name}-mount",
            path=self._settings.mount,
            type="database",
            description="Credentials of databases",
            namespace=self._vault.namespace,
            opts=pulumi.ResourceOptions.merge(self._child, retained),
        ).path

    def _connection(self, settings: ConnectionSettings) -> None:
        connection = DatabaseConnection(
            f"{self._name}-{settings.name}",
            mount=self.mount,
            name=settings.name,
            plugin=settings.plugin,
            connection_url=settings.connection_url,
            username=settings.username,
            password=settings.password.source(),
            password_version=settings.password_version,
            rotate_root=settings.rotate_root,
            verify_connection=settings.verify_connection,
            roles=[role.name for role in settings.roles],
            static_roles=[role.name for role in settings.static_roles],
            root_rotation_statements=settings.root_rotation_statements,
            options=settings.options.model_dump(exclude_none=True),
            vault=self._vault.connection(),
            retain_on_delete=self._settings.retain_on_destroy,
            opts=self._child,
        )
        # A role that names the connection's output is made after it, and goes before it.
        for role in settings.roles:
            self._role(connection.name, role)
        for static_role in settings.static_roles:
            self._static_role(connection.name, static_role)

    def _role(self, connection: pulumi.Output[str], role: RoleSettings) -> None:
        pulumi_vault.database.SecretBackendRole(
            f"{self._name}-role-{role.name}",
            backend=self.mount,
            name=role.name,
            db_name=connection,
            creation_statements=role.creation_statements,
            revocation_statements=role.revocation_statements or None,
            renew_statements=role.renew_statements or None,
            default_ttl=int(go_seconds(role.default_ttl)),
            max_ttl=int(go_seconds(role.max_ttl)),
            namespace=self._vault.namespace,
            opts=self._child,
        )

    def _static_role(self, connection: pulumi.Output[str], role: StaticRoleSettings) -> None:
        pulumi_vault.database.SecretBackendStaticRole(
            f"{self._name}-static-role-{role.name}",
            backend=self.mount,
            name=role.name,
            db_name=connection,
            username=role.username,
            rotation_period=int(go_seconds(role.rotation_period)),
            rotation_statements=role.rotation_statements or None,
            namespace=self._vault.namespace,
            opts=self._child,
        )
