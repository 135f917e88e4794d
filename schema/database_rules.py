"""What one database can't see: names used twice, roles that aren't declared, leases that are too short."""

from collections.abc import Generator, Iterable, Iterator
from itertools import combinations

from providers.inputs import nearest
from schema import NAMESPACE, KubernetesAuthSettings, Settings
from schema.databases import DeclaredRole, StaticRoleSettings
from schema.mounts import named_kv_mounts
from schema.secrets import DynamicSettings
from schema.section import go_seconds

__all__ = ["database_problems"]


def database_problems(settings: Settings) -> list[str]:
    """Say what is wrong with the database engine and with who uses it, a sentence each."""
    found = [*_mount(settings), *_used_twice(settings), *_users(settings)]
    found += [*_gateway(settings), *_apps(settings), *_agents(settings)]
    return [f"{NAMESPACE}:{problem}" for problem in found]


# --- the engine ------------------------------------------------------------------------------------------


def _mount(settings: Settings) -> Iterator[str]:
    mount = settings.databases.mount
    holder = named_kv_mounts(settings).get(mount)
    if settings.databases.connections and holder:
        yield f"databases.mount: {mount!r} is the KV v2 mount of {holder} too; an engine needs its own"


def _used_twice(settings: Settings) -> Iterator[str]:
    """Find names of two: Vault has one namespace for connections, and one for roles of both kinds."""
    connections = [
        (f"databases.connections[{index}]", each.name)
        for index, each in enumerate(settings.databases.connections)
    ]
    roles = [(role.place, role.name) for role in settings.databases.declared_roles()]
    for named in (connections, roles):
        for (first, one), (second, other) in combinations(named, 2):
            if one == other:
                yield f"{second}.name: {other!r} is the name of {first} too; each needs its own"


def _users(settings: Settings) -> Iterator[str]:
    """Find users whose password two would change."""
    for (first, one), (second, other) in combinations(enumerate(settings.databases.connections), 2):
        same = (one.connection_url, one.username) == (other.connection_url, other.username)
        if same and (one.rotate_root or other.rotate_root):
            yield (
                f"databases.connections[{second}].username: {other.username!r} is the user of "
                f"connections[{first}] in the same database too, and a rotation would lock one of them out; "
                "each needs its own"
            )
    static = [
        (role.place, role.role.username, role.connection.connection_url)
        for role in settings.databases.declared_roles()
        if isinstance(role.role, StaticRoleSettings)
    ]
    for (first_place, *one_user), (second_place, *other_user) in combinations(static, 2):
        if one_user == other_user:
            yield (
                f"{second_place}.username: {other_user[0]!r} is the user of {first_place} too; "
                "two would change its password"
            )


# --- who uses it -----------------------------------------------------------------------------------------


def _gateway(settings: Settings) -> Iterator[str]:
    credentials = settings.database.credentials
    if credentials is None:
        return
    here = f"database.credentials.{'staticRole' if credentials.static_role else 'role'}"
    role = yield from _declared(here, credentials.wanted(settings.databases.mount), settings)
    if role is None:
        return
    if role.connection.plugin != "postgresql":
        yield f"{here}: {role.name!r} is of a {role.connection.plugin} database; LiteLLM needs PostgreSQL"
    auth = settings.vault.auth
    token_seconds = auth.token_ttl_seconds if isinstance(auth, KubernetesAuthSettings) else None
    lease_seconds = role.lease_seconds
    if lease_seconds is None or credentials.refresh_interval is None:
        return
    if token_seconds is not None:
        lease_seconds = min(lease_seconds, token_seconds)
    if go_seconds(credentials.refresh_interval) > lease_seconds / 2:
        yield (
            f"database.credentials.refreshInterval: {credentials.refresh_interval} is more than half of "
            f"{lease_seconds:g}s, the life of the credentials: {_SHORTER}; Pods need the other half to follow"
        )


_SHORTER = (
    "the shorter of the role's defaultTtl and the tokenTtlSeconds of the store, whose token they end with"
)


def _apps(settings: Settings) -> Iterator[str]:
    """Look at what apps draw from this engine; of an engine of somebody else nothing is known."""
    for at, app in enumerate(settings.apps):
        for index, secret in enumerate(app.secrets):
            if not secret.dynamic or not _of_this_engine(secret.dynamic, settings):
                continue
            here = f"apps[{at}].secrets[{index}]"
            role = yield from _declared(f"{here}.dynamic.path", secret.dynamic.path, settings)
            if role is None or role.lease_seconds is None or secret.refresh_interval is None:
                continue
            lease_seconds = min(role.lease_seconds, app.token_ttl_seconds)
            if go_seconds(secret.refresh_interval) >= lease_seconds:
                yield (
                    f"{here}.refreshInterval: {secret.refresh_interval} is not shorter than "
                    f"{lease_seconds:g}s, the life of the credentials: {_SHORTER}"
                )


def _agents(settings: Settings) -> Iterator[str]:
    """Look at what agents draw: they renew it, so that no lease is too short."""
    for at, app in enumerate(settings.apps):
        for index, secret in enumerate(app.injected()):
            if secret.dynamic and _of_this_engine(secret.dynamic, settings):
                here = f"apps[{at}].injector.secrets[{index}].dynamic.path"
                yield from _declared(here, secret.dynamic.path, settings)


def _of_this_engine(dynamic: DynamicSettings, settings: Settings) -> bool:
    return bool(settings.databases.connections) and dynamic.of_database(settings.databases.mount)


def _declared(here: str, path: str, settings: Settings) -> Generator[str, None, DeclaredRole | None]:
    """Give the role of a path, or say that it isn't declared."""
    known = {role.path: role for role in settings.databases.declared_roles()}
    if role := known.get(path):
        return role
    yield f"{here}: {path} is no role of {NAMESPACE}:databases ({_list(known)}){nearest(path, known)}"
    return None


def _list(known: Iterable[str]) -> str:
    return ", ".join(known) or "none"
