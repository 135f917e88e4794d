"""The tests' own hands on the real PostgreSQL: databases and users that nobody else has."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.cluster import Cluster

__all__ = ["HOST", "OwnDatabase", "Postgres", "own_database"]

HOST = "postgres.postgres.svc"
"""As Vault and the gateway reach it."""
SOCKETS = "/tmp"  # noqa: S108 - a folder of the container
MEMBERS = """
select owner.rolname, made.rolname from pg_auth_members
join pg_roles owner on owner.oid = roleid join pg_roles made on made.oid = member
"""


class PostgresError(AssertionError):
    """A statement failed that was expected to succeed."""


class Postgres:
    """Runs statements as the superuser, and tries whether others may log in."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def sql(self, *statements: str, database: str = "postgres") -> str:
        """Run statements, and give the rows: fields are separated by `|`."""
        commands = [part for statement in statements for part in ("-c", statement)]
        code, said = self._psql("-h", SOCKETS, "-U", "litellm", "-d", database, *commands)
        if code:
            raise PostgresError(said)
        return said.strip()

    def lets_in(self, user: str, password: str, database: str = "postgres") -> bool:
        """Log in over TCP, as Vault and the gateway do."""
        login = ("-h", "127.0.0.1", "-U", user, "-d", database, "-c", "select 1")
        code, said = self._psql(*login, password=password)
        assert code == 0 or "authentication failed" in said, said
        return code == 0

    def has_role(self, name: str) -> bool:
        return name in self.sql("select rolname from pg_roles").split()

    def _psql(self, *arguments: str, password: str = "") -> tuple[int, str]:
        command = ("env", f"PGPASSWORD={password}", "psql", "-X", "-A", "-t", "-q", *arguments)
        return self._cluster.execute("postgres-0", *command, namespace="postgres")


@dataclass(frozen=True)
class OwnDatabase:
    """A database of the test's own, a user for Vault, and a user that owns it.

    Attributes
    ----------
    name
        Of the database and of its owner.
    root
        User that may make others, as whom Vault logs in.
    """

    postgres: Postgres
    name: str
    root: str
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    """Of both, to begin with."""

    @property
    def connection_url(self) -> str:
        return f"postgresql://{{{{username}}}}:{{{{password}}}}@{HOST}:5432/{self.name}?sslmode=disable"

    @property
    def creation_statements(self) -> list[str]:
        made = "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"
        return [f'{made} IN ROLE "{self.name}"', f'ALTER ROLE "{{{{name}}}}" SET ROLE "{self.name}"']

    @property
    def revocation_statements(self) -> list[str]:
        """Take a user away that owns nothing; what the plugin does by itself needs rights on every table."""
        return ['DROP ROLE IF EXISTS "{{name}}"']


@contextmanager
def own_database(postgres: Postgres) -> Iterator[OwnDatabase]:
    """Make them, and take them away with everything that Vault has made."""
    run = secrets.token_hex(3)
    own = OwnDatabase(postgres, f"own_{run}", f"vault_{run}")
    postgres.sql(
        f"create role {own.root} login createrole password '{own.password}'",
        f"create role {own.name} login password '{own.password}'",
        f"create database {own.name} owner {own.name}",
    )
    postgres.sql(f"set role {own.name}", "create table orders (id serial primary key)", database=own.name)
    yield own
    postgres.sql(f"drop database {own.name} with (force)")
    members = [line.split("|") for line in postgres.sql(MEMBERS).splitlines()]
    for role in (*(member for group, member in members if group == own.name), own.root, own.name):
        postgres.sql(f'drop role "{role}"')
