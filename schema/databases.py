"""The database secrets engine: connections, roles that make users, static roles that rotate passwords."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from providers.vault.database.inputs import connection_url_problem
from schema.gateway import VaultProperty
from schema.section import (
    EnvName,
    GoDuration,
    Lifetime,
    Section,
    VaultName,
    VaultPath,
    go_seconds,
)

_SHORTEST_ROTATION_SECONDS = 5

# --- statements ------------------------------------------------------------------------------------------

_PLACES = {"name": ("{{name}}", "{{username}}"), "password": ("{{password}}",)}
"""What Vault fills in, by what it is; it knows the name by two words."""


def _statements(*needed: str) -> AfterValidator:
    def check(statements: list[str]) -> list[str]:
        for what in needed:
            if statements and not any(place in text for text in statements for place in _PLACES[what]):
                raise ValueError(f"expected {_PLACES[what][0]} in them, where Vault fills in the {what}")
        return statements

    return AfterValidator(check)


MakesAUser = Annotated[list[str], Field(min_length=1), _statements("name", "password")]
EndsAUser = Annotated[list[str], _statements("name")]
ChangesAPassword = Annotated[list[str], _statements("name", "password")]


def _connection_url(url: str) -> str:
    if problem := connection_url_problem(url):
        raise ValueError(problem)
    return url


# --- roles -----------------------------------------------------------------------------------------------


class RoleSettings(Section):
    """Users that Vault makes on request and takes away at the end of their lease."""

    name: VaultName
    """Name of the role: credentials are at `<mount>/creds/<name>`."""
    creation_statements: MakesAUser
    """SQL that makes a user, with `{{name}}`, `{{password}}` and `{{expiration}}`."""
    revocation_statements: EndsAUser = []
    """SQL that takes it away; without it the plugin does so, for which it needs rights on every table."""
    renew_statements: EndsAUser = []
    """SQL that lengthens its life, with `{{name}}` and `{{expiration}}`."""
    default_ttl: Lifetime = "1h"
    """Life of a lease."""
    max_ttl: Lifetime = "24h"
    """Life of a lease that is renewed."""

    @model_validator(mode="after")
    def _ttls(self) -> Self:
        if go_seconds(self.default_ttl) > go_seconds(self.max_ttl):
            raise ValueError(f"defaultTtl, {self.default_ttl}, is more than maxTtl, {self.max_ttl}")
        return self


class StaticRoleSettings(Section):
    """A user of the database that stays, whose password Vault changes again and again."""

    name: VaultName
    """Name of the role: credentials are at `<mount>/static-creds/<name>`."""
    username: str = Field(min_length=1)
    """The user, who exists in the database; Vault changes the password as soon as it knows the role."""
    rotation_period: Lifetime
    """How long a password stays."""
    rotation_statements: ChangesAPassword = []
    """SQL that changes it, with `{{name}}` and `{{password}}`; without it, what the plugin does by itself."""

    @model_validator(mode="after")
    def _not_faster_than_vault(self) -> Self:
        if go_seconds(self.rotation_period) < _SHORTEST_ROTATION_SECONDS:
            raise ValueError(
                f"rotationPeriod is {self.rotation_period}: Vault rotates every "
                f"{_SHORTEST_ROTATION_SECONDS}s at most"
            )
        return self


# --- connections -----------------------------------------------------------------------------------------


class RootPassword(Section):
    """Where the password is found when Vault is given it; exactly one of its keys is given."""

    env: EnvName | None = None
    """Environment variable that holds it when `pulumi up` runs."""
    file: str | None = None
    """File that holds it when `pulumi up` runs."""
    vault: VaultProperty | None = None
    """Property in Vault: mount, path, property."""
    manual: Literal[True] | None = None
    """The connection was put into Vault by hand, with its password."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [name for name in RootPassword.model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                "expected exactly one of env, file, vault or manual: true, "
                f"got {' and '.join(given) or 'none'}"
            )
        return self

    def source(self) -> dict[str, Any]:
        """Say the same to the provider."""
        return self.model_dump(exclude_none=True)


class ConnectionOptions(Section):
    """Further options of a connection, as in Vault's API."""

    max_open_connections: int | None = Field(default=None, ge=1)
    """How many connections Vault opens at most."""
    max_connection_lifetime: GoDuration | None = None
    """How long it keeps one."""
    username_template: str | None = None
    """Template of the names that Vault makes up."""
    password_authentication: Literal["password", "scram-sha-256"] | None = None
    """scram-sha-256: PostgreSQL is given a hash, so that no password stands in its log."""
    tls_ca: str | None = None
    """PEM of the CA that signed the database's certificate."""


class ConnectionSettings(Section):
    """How Vault logs in to one database, and who may have credentials of it."""

    name: VaultName
    """Name of the connection in the engine."""
    plugin: Literal["postgresql", "mysql"] = "postgresql"
    """Kind of database."""
    connection_url: Annotated[str, AfterValidator(_connection_url)]
    """`postgresql://{{username}}:{{password}}@host:5432/db`; for MySQL `...@tcp(host:3306)/`."""
    username: str = Field(min_length=1)
    """User as which Vault logs in: one of its own, that may make users, and no superuser."""
    password: RootPassword
    """Where its password is found; once it is rotated, never again."""
    password_version: int = Field(default=1, ge=1, strict=True)
    """Raise it after you have set a new password in the database and at its source."""
    rotate_root: bool = True
    """Have Vault change the password once, to one that nobody else knows."""
    verify_connection: bool = True
    """False to write the connection without logging in."""
    root_rotation_statements: ChangesAPassword = []
    """SQL that changes the password; without it, what the plugin does by itself."""
    options: ConnectionOptions = ConnectionOptions()
    """Further options of the plugin."""
    roles: list[RoleSettings] = []
    """Users that Vault makes."""
    static_roles: list[StaticRoleSettings] = []
    """Users whose password Vault changes."""

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.rotate_root and not self.verify_connection:
            raise ValueError(
                "verifyConnection: false with rotateRoot: true: a rotation needs the database at once; "
                "leave one of them out"
            )
        for role in self.static_roles:
            if role.username == self.username:
                raise ValueError(
                    f"the static role {role.name} is of {role.username!r}, as whom Vault itself logs in; "
                    "give it a user of its own"
                )
        return self


@dataclass(frozen=True)
class DeclaredRole:
    """One role of the stack.

    Attributes
    ----------
    place
        The key of the configuration that says it.
    path
        Where its credentials are.
    """

    place: str
    path: str
    connection: ConnectionSettings
    role: RoleSettings | StaticRoleSettings

    @property
    def name(self) -> str:
        """Of the role."""
        return self.role.name

    @property
    def lease_seconds(self) -> float | None:
        """How long credentials live; None for a user that stays."""
        return go_seconds(self.role.default_ttl) if isinstance(self.role, RoleSettings) else None


class DatabasesSettings(Section):
    """The database secrets engine and its connections."""

    mount: VaultPath = "database"
    """Path of the engine."""
    create_mount: bool = True
    """False where the engine is mounted already."""
    retain_on_destroy: bool = True
    """Leave engine and connections at `pulumi destroy`: only Vault knows a rotated password."""
    connections: list[ConnectionSettings] = []
    """The databases."""

    def declared_roles(self) -> Iterator[DeclaredRole]:
        """Give every role, with the place in the configuration that says it."""
        for at, connection in enumerate(self.connections):
            kinds: Sequence[tuple[str, str, Sequence[RoleSettings | StaticRoleSettings]]] = (
                ("roles", "creds", connection.roles),
                ("staticRoles", "static-creds", connection.static_roles),
            )
            for key, kind, roles in kinds:
                for index, role in enumerate(roles):
                    place = f"databases.connections[{at}].{key}[{index}]"
                    yield DeclaredRole(place, f"{self.mount}/{kind}/{role.name}", connection, role)


# --- the gateway's own -----------------------------------------------------------------------------------


class CredentialsSettings(Section):
    """LiteLLM logs in to its database with credentials of a role, which Vault makes."""

    static_role: VaultName | None = None
    """Static role of `databases`: the user stays, its password changes. The better choice."""
    role: VaultName | None = None
    """Role of `databases`: every refreshInterval another user."""
    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:\[\]-]+$")]
    """Host of the database, as Pods reach it."""
    port: int = Field(default=5432, ge=1, le=65535)
    """Its port."""
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]
    """Name of the database."""
    parameters: dict[Annotated[str, Field(pattern=r"^[A-Za-z_]+$")], str] = {}
    """Parameters of the URL, such as `sslmode: require`."""
    refresh_interval: GoDuration | None = None
    """How often the Secret is compared with Vault; with a role, how often another user is made."""

    @model_validator(mode="after")
    def _one_role(self) -> Self:
        if (self.static_role is None) == (self.role is None):
            raise ValueError("expected exactly one of staticRole and role")
        if self.role and not self.refresh_interval:
            raise ValueError("role needs a refreshInterval, under half of the role's defaultTtl")
        return self

    def wanted(self, mount: str) -> str:
        """Give the path of the credentials."""
        kind = "static-creds" if self.static_role else "creds"
        return f"{mount}/{kind}/{self.static_role or self.role}"
