"""The gateway's key API, and the virtual keys that the stack declares."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from doctor.gateway import Gateway
from doctor.model import Finding, Link, broken, weak, whole
from doctor.scene import Scene
from providers.litellm.changes import changed_fields
from providers.litellm.drift import compare
from providers.litellm.ownership import ADOPTED, SUPERSEDED_BY, URN

__all__ = ["LINKS"]

_SHORT = 12


def probe_gateway(scene: Scene) -> Iterator[Finding]:
    for gateway in scene.key_apis():
        answer = gateway.readiness()
        subject = f"Gateway {gateway.url}"
        if answer.status == HTTPStatus.OK and answer.document.get("db") == "connected":
            yield whole(subject, "ready, connected to its database")
        elif answer.document.get("db"):
            yield broken(
                subject,
                f"HTTP {answer.status}, database {answer.document['db']}",
                cause="the gateway has lost its database, or never had one",
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
    for gateway in scene.key_apis():
        key, place = scene.admin_key(gateway)
        answer = gateway.allows(key)
        subject = f"Admin key ({place})"
        if answer.status == HTTPStatus.OK:
            yield whole(subject, "may list the keys")
        elif answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            yield broken(
                subject,
                f"the gateway refuses it with HTTP {answer.status}",
                cause="the admin key isn't the one that the gateway knows, or has expired",
                cure="write the right one to its place, or roll the Pods out if it was changed there",
            )
        else:
            yield broken(
                subject,
                f"the gateway answers /key/list with HTTP {answer.status}",
                cause="the gateway can't answer for its keys",
                cure="see the gateway's link, and its log",
            )


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
        "The key that manages the others, found where the stack refers to it: that the gateway takes it.",
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
