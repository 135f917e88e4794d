"""Where LiteLLM finds its DATABASE_URL: in a Secret that follows Vault, whoever has made the credentials."""

from dataclasses import dataclass
from urllib.parse import urlencode

import pulumi

from components.external_secrets import ExternalSecret, SyncedSecret, VaultDynamicSecret, VaultStore
from components.vault import SecretPath
from providers.vault.database import StaticRoleRotation
from schema import (
    CredentialsSettings,
    DynamicSettings,
    ExternalSecretsSettings,
    FileSettings,
    SecretSettings,
    VaultSettings,
)

__all__ = ["DATABASE_URL", "DatabaseCredentials", "DatabaseUrl", "given_url"]

DATABASE_URL = "DATABASE_URL"


@dataclass(frozen=True)
class DatabaseUrl:
    """What the gateway's Pods need to know.

    Attributes
    ----------
    secrets
        Names of the Secrets that hold their whole environment, `DATABASE_URL` among it.
    secret
        The one of them with `DATABASE_URL`.
    versions
        Changes when a value of theirs may have changed.
    database
        Changes when it may be another database, which is then migrated.
    vault_path
        Where Vault has it, or the credentials.
    """

    secrets: list[pulumi.Output[str]]
    secret: pulumi.Output[str]
    versions: pulumi.Output[str]
    database: pulumi.Output[str]
    vault_path: pulumi.Output[str]


def given_url(environment: SyncedSecret, path: SecretPath) -> DatabaseUrl:
    """Take the URL that stands in Vault as a whole, and so in the environment."""
    name = environment.secret_name
    return DatabaseUrl([name], name, environment.versions, path.version.apply(str), path.full_path)


class DatabaseCredentials(pulumi.ComponentResource):
    """A Secret with a URL that is made of a role's credentials.

    With a static role the rotation is followed like a version in Vault: a refresh sees it, and the next `up`
    brings it to the Pods. With a role that makes users there is nothing to see beforehand.

    Attributes
    ----------
    secret_name
        Name of the Secret; known once it has been written.
    rotation
        `path=time` of the static role's last rotation; None with a role.
    """

    secret_name: pulumi.Output[str]
    rotation: pulumi.Output[str] | None = None

    def __init__(
        self,
        name: str,
        *,
        credentials: CredentialsSettings,
        mount: str,
        vault: VaultSettings,
        external_secrets: ExternalSecretsSettings,
        kubernetes_namespace: pulumi.Input[str],
        store: VaultStore,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the Secret.

        Parameters
        ----------
        credentials
            The role, and where the database is.
        mount
            Path of the database secrets engine, which `opts` depend on.
        store
            Whose policy reads the role's credentials.
        """
        super().__init__("llm-gateway:litellm:DatabaseCredentials", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self._credentials = credentials
        if role := credentials.static_role:
            watched = StaticRoleRotation(
                f"{name}-rotation", mount=mount, role=role, vault=vault.connection(), opts=child
            )
            self.rotation = watched.last_rotation.apply(lambda time: f"static-creds/{role}={time}")
        self._path = credentials.wanted(mount)
        dynamic = DynamicSettings(path=self._path)
        secret = SecretSettings(
            name=name,
            dynamic=dynamic,
            files={DATABASE_URL: FileSettings(template=url_template(credentials))},
            refresh_interval=credentials.refresh_interval or external_secrets.refresh_interval,
        )
        generator = VaultDynamicSecret(
            f"{name}-generator",
            dynamic=dynamic,
            provider=store.provider,
            kubernetes_namespace=kubernetes_namespace,
            object_name=name,
            opts=child,
        )
        self.secret_name = ExternalSecret(
            f"{name}-external-secret",
            secret=secret,
            settings=external_secrets,
            kubernetes_namespace=kubernetes_namespace,
            store=store.reference,
            generator=generator,
            versions=self.rotation,
            opts=child,
        ).object_name
        self.register_outputs({"secret": self.secret_name})

    def url(self, environment: SyncedSecret) -> DatabaseUrl:
        """Give the URL beside the rest of the environment."""
        versions = environment.versions
        if self.rotation is not None:
            versions = pulumi.Output.concat(versions, ",", self.rotation)
        where = f"{self._credentials.host}:{self._credentials.port}/{self._credentials.name}"
        return DatabaseUrl(
            [environment.secret_name, self.secret_name],
            self.secret_name,
            versions,
            pulumi.Output.from_input(where),
            pulumi.Output.from_input(self._path),
        )


def url_template(credentials: CredentialsSettings) -> str:
    """Write the URL in the language of the operator's engine, with user and password escaped."""
    user, password = (
        f'{{{{ .{field} | urlquery | replace "+" "%20" }}}}' for field in ("username", "password")
    )
    parameters = f"?{urlencode(credentials.parameters)}" if credentials.parameters else ""
    place = f"{credentials.host}:{credentials.port}/{credentials.name}"
    return f"postgresql://{user}:{password}@{place}{parameters}"
