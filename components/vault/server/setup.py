"""What a new cluster is told once: who may log in, and how raft looks after itself.

OpenBao does it itself at its first start, with a root token that it revokes before anybody can have it.
Vault has no such thing: whoever initialises it gives the same requests by hand.
"""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from components.vault.server.hcl import block
from components.vault.server.places import places_of
from schema.foundation import FoundationSettings

__all__ = ["Request", "by_hand", "initialisation", "requests"]

ADMIN = "admin"
SNAPSHOT = "snapshot"
EVERYTHING = (
    'path "*" {\n  capabilities = ["create", "read", "update", "patch", "delete", "list", "sudo"]\n}\n'
)
SNAPSHOTS_ONLY = 'path "sys/storage/raft/snapshot" {\n  capabilities = ["read"]\n}\n'
KUBERNETES = "https://kubernetes.default.svc"


@dataclass(frozen=True)
class Request:
    """One update of the API."""

    name: str
    path: str
    data: dict[str, Any]


def requests(settings: FoundationSettings) -> Iterator[Request]:
    """Give the requests in their order."""
    mount, autopilot = settings.auth_mount, settings.autopilot
    yield Request("admin-policy", f"sys/policies/acl/{ADMIN}", {"policy": EVERYTHING})
    yield Request("auth", f"sys/auth/{mount}", {"type": "kubernetes"})
    yield Request("auth-config", f"auth/{mount}/config", {"kubernetes_host": KUBERNETES})
    yield _role(settings, ADMIN, "1h")
    if settings.snapshots:
        yield Request("snapshot-policy", f"sys/policies/acl/{SNAPSHOT}", {"policy": SNAPSHOTS_ONLY})
        yield _role(settings, SNAPSHOT, "15m")
    yield Request(
        "autopilot",
        "sys/storage/raft/autopilot/configuration",
        {
            "cleanup_dead_servers": autopilot.cleanup_dead_servers,
            "dead_server_last_contact_threshold": autopilot.dead_server_threshold,
            "last_contact_threshold": autopilot.last_contact_threshold,
            "server_stabilization_time": autopilot.server_stabilization_time,
            "min_quorum": max(3, settings.server.replicas),
        },
    )


def initialisation(settings: FoundationSettings) -> str:
    """Write the `initialize` block of OpenBao."""
    wanted = [
        block("request", each.name, body={"operation": "update", "path": each.path, "data": each.data})
        for each in requests(settings)
    ]
    return block("initialize", "foundation", inner="\n".join(wanted))


def by_hand(settings: FoundationSettings) -> list[str]:
    """Give the commands that set up what can't set itself up; none for OpenBao in our own StatefulSet."""
    if settings.initialises_itself:
        return []
    tool = {"openbao": "bao", "vault": "vault"}[settings.server.product]
    commands = [f"{tool} operator init -recovery-shares=5 -recovery-threshold=3", f"{tool} login"]
    if settings.server.product == "vault":
        commands += [f"{tool} audit enable {device}" for device in _devices(settings)]
    for each in requests(settings):
        fields = (f"{name}={_spelt(value)}" for name, value in each.data.items())
        commands.append(shlex.join([tool, "write", each.path, *fields]))
    return [*commands, f"{tool} token revoke -self"]


def _role(settings: FoundationSettings, role: str, ttl: str) -> Request:
    data = {
        "bound_service_account_names": f"{settings.name}-{role}",
        "bound_service_account_namespaces": settings.namespace,
        "audience": settings.audience,
        "token_policies": role,
        "token_no_default_policy": True,
        "token_ttl": ttl,
        "token_max_ttl": ttl,
    }
    return Request(f"{role}-role", f"auth/{settings.auth_mount}/role/{role}", data)


def _devices(settings: FoundationSettings) -> Iterator[str]:
    for device in settings.audit:
        if device.kind == "file":
            yield f"file file_path={places_of(settings).audit}/audit.log"
        if device.kind == "syslog":
            yield f"syslog facility={device.facility} tag={device.tag}"


def _spelt(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
