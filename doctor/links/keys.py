"""The gateway's key API, and the virtual keys that the stack declares."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from doctor.at_once import look_at_each
from doctor.gateway import Gateway
from doctor.model import Finding, Link, broken, weak, whole
from doctor.scene import Scene
from providers.litellm.admin_input import ROLE, ROUTES
from providers.litellm.changes import changed_fields
from providers.litellm.drift import compare
from providers.litellm.ownership import ADOPTED, SUPERSEDED_BY, URN

__all__ = ["LINKS"]

_SHORT = 12
_OTHER_SCHEMA = "does not exist in the current database"  # of a table or a column, as Prisma says it
_NEVER_CONNECTED = "Not connected"  # as LiteLLM says it, with HTTP 200


def probe_gateway(scene: Scene) -> Iterator[Finding]:
    yield from look_at_each(scene.key_apis(), _readiness)


def _readiness(gateway: Gateway) -> Iterator[Finding]:
    answer = gateway.readiness()
    subject = f"Gateway {gateway.url}"
    if answer.status == HTTPStatus.OK and answer.document.get("db") == "connected":
        yield whole(subject, "ready, connected to its database")
    elif answer.document.get("db") == _NEVER_CONNECTED:
        yield broken(
            subject,
            f"HTTP {answer.status}, database {answer.document['db']}",
            cause="the gateway was started without a database, so it knows no key",
            cure="set DATABASE_URL in its environment, and roll the Pods out",
        )
    elif answer.document.get("db"):
        yield broken(
            subject,
            f"HTTP {answer.status}, database {answer.document['db']}",
            cause="the gateway has lost its database",
            cure="start the database, or correct DATABASE_URL in Vault and roll the Pods out",
        )
    else:
        yield broken(
            subject,
            f"answers /health/readiness with HTTP {answer.status}",
            cause="what answers at the gateway's address isn't a gateway that serves",
            cure="check the address, and see the Pods' log",
        )


def probe_admin_key(scene: Scene) -> Iterator[Finding]:
    def look(gateway: Gateway) -> Iterator[Finding]:
        key, place = scene.admin_key(gateway)
        yield _admin_key(gateway, key, f"Admin key ({place})")

    yield from look_at_each(scene.key_apis(), look)


def _admin_key(gateway: Gateway, key: str, subject: str) -> Finding:
    answer = gateway.allows(key)
    if _OTHER_SCHEMA in answer.reason:
        return broken(
            subject,
            f"the gateway answers /key/list with HTTP {answer.status}: {answer.reason}",
            cause="the database isn't at the schema of the LiteLLM that runs",
            cure="delete the migration's Job and run `pulumi up --refresh`, which migrates anew; or run the "
            "version that the database belongs to",
        )
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return broken(
            subject,
            "the gateway refuses it with HTTP 401",
            cause="the admin key isn't the one that the gateway knows, was blocked, or has expired",
            cure="unblock it, or run `pulumi up --refresh`, which replaces it; roll the Pods out if the "
            "master key was changed in Vault",
        )
    if answer.status == HTTPStatus.FORBIDDEN:
        return broken(
            subject,
            "the gateway lets it in, but not list keys: HTTP 403",
            cause="the admin key may not manage keys",
            cure=_GIVE_BACK,
        )
    if answer.status != HTTPStatus.OK:
        return broken(
            subject,
            f"the gateway answers /key/list with HTTP {answer.status}",
            cause="the gateway can't answer for its keys",
            cure="see the gateway's link, and its log",
        )
    return _rights(gateway.row_of(key), subject)


_GIVE_BACK = "run `pulumi up --refresh`, which gives it back its rights"


def _rights(row: Mapping[str, Any] | None, subject: str) -> Finding:
    """Compare an admin's routes and role with what the key API takes; a master key has neither."""
    routes = list((row or {}).get("allowed_routes") or [])
    missing = [wanted for wanted in ROUTES if routes and not any(_allows(route, wanted) for route in routes)]
    if missing:
        return broken(
            subject,
            f"may only call {', '.join(sorted(routes))}",
            cause=f"the admin key may not manage keys: it lacks {', '.join(missing)}",
            cure=_GIVE_BACK,
        )
    role = ((row or {}).get("user") or {}).get("user_role")
    if role and role != ROLE:
        return broken(
            subject,
            f"its user is {role}",
            cause=f"the admin key may not manage the keys of others: its user isn't {ROLE} any more",
            cure=_GIVE_BACK,
        )
    return whole(subject, f"may list the keys{', and make, change and delete them' if row else ''}")


def _allows(route: str, wanted: str) -> bool:
    return wanted == route or wanted.startswith(f"{route.rstrip('/*')}/") or route == "management_routes"


# --- the keys --------------------------------------------------------------------------------------------


def probe_keys(scene: Scene) -> Iterator[Finding]:
    if scene.stack is None:
        return
    rows = {row["token"]: row for gateway in scene.key_apis() for row in _rows(scene, gateway)}
    for resource in scene.stack.keys:
        yield _key(resource, rows.get(resource["id"]))


def _rows(scene: Scene, gateway: Gateway) -> list[dict[str, Any]]:
    key, _ = scene.admin_key(gateway)
    return scene.once(("keys", gateway.url), lambda: list(gateway.keys(key)))


def _key(resource: Mapping[str, Any], row: Mapping[str, Any] | None) -> Finding:
    state = resource["outputs"]
    name = resource["urn"].rpartition("::")[2]
    subject = f"Key {name} ({resource['id'][:_SHORT]}…)"
    if row is None:
        return broken(
            subject,
            "the gateway doesn't know it",
            cause=f"the key {name} was deleted at the gateway",
            cure="run `pulumi up --refresh`: it makes a new one",
        )
    if row.get("blocked") and not state.get("blocked"):
        return broken(
            subject,
            "is blocked",
            cause=f"the key {name} was blocked at the gateway",
            cure="run `pulumi up --refresh`, or unblock it there",
        )
    expires = row.get("expires")
    if expires and datetime.fromisoformat(expires) < datetime.now(UTC):
        return broken(
            subject,
            f"expired at {expires}",
            cause=f"the key {name} has expired",
            cure="give it a longer duration, or set renew",
        )
    changed = [field.name for field in changed_fields(state, compare(state, row).state)]
    if changed:
        return weak(
            subject,
            f"differs from its declaration: {', '.join(changed)}",
            cause=f"somebody has changed the key {name} at the gateway",
            cure="run `pulumi up --refresh`, which takes it back",
        )
    budget, spend = row.get("max_budget"), row.get("spend") or 0
    if budget is not None and spend >= budget:
        return broken(
            subject,
            f"has spent {spend:.2f} of {budget:.2f} USD",
            cause=f"the budget of the key {name} is used up",
            cure="raise max_budget, or wait until it is reset",
        )
    return whole(subject, "alive, as declared")


# --- orphans ---------------------------------------------------------------------------------------------


def probe_orphans(scene: Scene) -> Iterator[Finding]:
    if scene.stack is None:
        return
    prefix = f"urn:pulumi:{scene.stack.name}::{scene.stack.project}::"
    count = 0
    for gateway in scene.key_apis():
        for row in _rows(scene, gateway):
            metadata = row.get("metadata") or {}
            marked = str(metadata.get(URN, "")).startswith(prefix)
            is_managed = row["token"] in scene.stack.managed
            # A predecessor ends with its grace period; an adopted key is somebody's.
            if not marked or is_managed or SUPERSEDED_BY in metadata or ADOPTED in metadata:
                continue
            count += 1
            yield weak(
                f"Key {row.get('key_alias')} ({row['token'][:_SHORT]}…)",
                "bears this stack's mark and is in no state",
                cause="a key that nobody manages any more is alive",
                cure="python -m providers.litellm orphans --remove",
            )
    if not count:
        yield whole("Keys at the gateway", "every key with this stack's mark is in its state")
    yield from _in_vault(scene)


def _in_vault(scene: Scene) -> Iterator[Finding]:
    """See whether what stands at the path of a delivered key is that key."""
    for resource in scene.stack.keys if scene.stack else ():
        deliver = resource["outputs"].get("deliver")
        if not deliver:
            continue
        found = scene.kv(deliver["mount"], deliver["path"]) or {}
        stands = (found.get("data") or {}).get("token-id")
        if stands != resource["id"]:
            yield broken(
                f"Path {deliver['mount']}/{deliver['path']}",
                "holds no key" if stands is None else f"holds another key ({str(stands)[:_SHORT]}…)",
                cause=f"apps get another key than the one of {resource['urn'].rpartition('::')[2]}, or none",
                cure="run `pulumi up --refresh`: it replaces the key",
            )


LINKS = (
    Link(
        "gateway",
        "Gateway",
        "The gateway's readiness, which says whether it has its database.",
        probe_gateway,
        needs=("service", "database"),
    ),
    Link(
        "admin-key",
        "Admin key",
        "The key that manages the others, found where the stack refers to it: that the gateway takes it, and "
        "that its routes and its user's role let it make, change and delete keys.",
        probe_admin_key,
        needs=("gateway", "secret"),
    ),
    Link(
        "keys",
        "Virtual keys",
        "Every key of the stack: that the gateway knows it, that it is neither blocked nor expired, and that "
        "its limits are the declared ones.",
        probe_keys,
        needs=("admin-key",),
    ),
    Link(
        "orphans",
        "Orphans",
        "Keys with the stack's mark that are in no state, and paths of delivered keys that hold another one.",
        probe_orphans,
        needs=("admin-key",),
    ),
)
