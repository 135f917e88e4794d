"""What holds but could hold better: advice, apart from the chain, and without a say in the exit code."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from doctor.kubernetes import Document
from doctor.links.pods import named
from doctor.model import Finding, Link, weak, whole
from doctor.objects import fingerprint, selects
from doctor.scene import Scene

__all__ = ["HARDENING"]

_MOST_TOKENS = 1000
_SNAPSHOT_HOURS = 26  # a daily one, and two hours for it to run
_SAFE_SSL_MODES = ("require", "verify-ca", "verify-full")


# --- Vault -----------------------------------------------------------------------------------------------


def probe_tls(scene: Scene) -> Iterator[Finding]:
    plain = [store for store in scene.stores() if str((store.vault or {}).get("server")).startswith("http:")]
    for store in plain:
        yield weak(
            store.key,
            f"reads from {(store.vault or {})['server']}",
            cause="every secret goes over the network in the clear",
            cure="give Vault a certificate, and the store https:// and its CA",
            scope={store.key},
        )
    if (scene.vault.address or "").startswith("http:"):
        yield weak(
            f"Vault {scene.vault.address}",
            "is called without TLS from here",
            cause="your own token goes over the network in the clear",
            cure="set VAULT_ADDR to https:// and VAULT_CACERT to its CA",
        )
    elif not plain:
        yield whole("Vault", "is called over TLS only")
    for deployment in scene.gateways():
        yield from _database_tls(scene, deployment)
    for namespace in scene.namespaces:
        for ingress in scene.kubernetes.items(f"/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses"):
            if not ingress["spec"].get("tls"):
                yield weak(
                    named("Ingress", ingress),
                    "has no tls",
                    cause="keys and prompts come in over plain HTTP",
                    cure="set gateway.ingress.tlsSecret",
                )


def _database_tls(scene: Scene, deployment: Document) -> Iterator[Finding]:
    url = scene.environment_of(deployment).get("DATABASE_URL")
    if url and (parse_qs(urlsplit(url).query).get("sslmode") or [""])[0] not in _SAFE_SSL_MODES:
        yield weak(
            named("Deployment", deployment),
            "its DATABASE_URL doesn't demand TLS (sslmode)",
            cause="the hashes and limits of all keys go to the database in the clear",
            cure="give PostgreSQL a certificate, and the URL sslmode=verify-full",
        )


def probe_audit_devices(scene: Scene) -> Iterator[Finding]:
    devices: dict[str, Any] = scene.vault.get("sys/audit") or {}
    found = [
        name.rstrip("/")
        for name, device in devices.items()
        if isinstance(device, dict) and device.get("type")
    ]
    if found:
        yield whole("Audit devices", f"{', '.join(sorted(found))} of Vault")
    else:
        yield weak(
            "Audit devices",
            "Vault has none",
            cause="nobody can say later who has read a secret",
            cure='declare one in the server\'s configuration: audit "file" "file" { … }',
        )


def probe_root_tokens(scene: Scene) -> Iterator[Finding]:
    roots, looked_at, of_all = scene.vault.root_tokens(_MOST_TOKENS)
    if roots:
        yield weak(
            "Root token",
            f"{len(roots)} of {looked_at} tokens may do everything: accessor {', '.join(roots)}",
            cause="the root token wasn't revoked after the set-up, and never ends",
            cure="vault token revoke -accessor …, and log in as somebody",
        )
    else:
        more = "" if looked_at == of_all else f" (of {of_all}; the others weren't looked at)"
        yield whole("Root token", f"none among {looked_at} tokens{more}")


def probe_snapshots(scene: Scene) -> Iterator[Finding]:
    jobs = [job for job in scene.kubernetes.items("/apis/batch/v1/cronjobs") if _takes_snapshots(job)]
    if not jobs:
        yield weak(
            "Snapshots",
            "no CronJob of the cluster takes any",
            cause="if Vault's storage is lost, every secret is",
            cure="let a CronJob run `vault operator raft snapshot save` and keep it elsewhere",
        )
    for job in jobs:
        yield _snapshot(job)


def _takes_snapshots(job: Document) -> bool:
    containers = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    words = [
        word for item in containers for word in [*(item.get("command") or []), *(item.get("args") or [])]
    ]
    return re.search(r"snapshot\s+save", " ".join(words)) is not None


def _snapshot(job: Document) -> Finding:
    last = (job.get("status") or {}).get("lastSuccessfulTime")
    if last is None:
        return weak(
            named("CronJob", job),
            "has never ended well",
            cause="there is no snapshot of Vault",
            cure="see the logs of its Jobs",
        )
    hours = (datetime.now(UTC) - datetime.fromisoformat(last)).total_seconds() / 3600
    if hours > _SNAPSHOT_HOURS or job["spec"].get("suspend"):
        return weak(
            named("CronJob", job),
            f"last ended well {hours:.0f} h ago{', and is suspended' if job['spec'].get('suspend') else ''}",
            cause=f"the newest snapshot of Vault is older than {_SNAPSHOT_HOURS} h, or will be",
            cure="see the logs of its Jobs, and that it isn't suspended",
        )
    return whole(named("CronJob", job), f"last ended well {hours:.0f} h ago")


# --- the gateway -----------------------------------------------------------------------------------------


def probe_limits(scene: Scene) -> Iterator[Finding]:
    for deployment in scene.gateways():
        missing = [
            f"{container['name']}: {kind}"
            for container in deployment["spec"]["template"]["spec"]["containers"]
            for kind, part in (("memory limit", "limits"), ("memory request", "requests"))
            if "memory" not in ((container.get("resources") or {}).get(part) or {})
        ]
        if missing:
            yield weak(
                named("Deployment", deployment),
                f"has no {', '.join(missing)}",
                cause="a gateway that needs more and more memory takes its node's other Pods down",
                cure="set gateway.resources",
            )
        else:
            yield whole(named("Deployment", deployment), "its containers have limits and requests of memory")


def probe_network_policies(scene: Scene) -> Iterator[Finding]:
    for deployment in scene.gateways():
        namespace = deployment["metadata"]["namespace"]
        labels = deployment["spec"]["template"]["metadata"].get("labels") or {}
        path = f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies"
        names = [
            item["metadata"]["name"]
            for item in scene.kubernetes.items(path)
            if selects(item["spec"].get("podSelector") or {}, labels)
        ]
        if names:
            yield whole(named("Deployment", deployment), f"its Pods are under {', '.join(sorted(names))}")
        else:
            yield weak(
                named("Deployment", deployment),
                "no NetworkPolicy selects its Pods",
                cause="every Pod of the cluster reaches the gateway, and it reaches everything",
                cure="make one that lets in who calls it, and out to the database and the models",
            )


def probe_own_admin_keys(scene: Scene) -> Iterator[Finding]:
    masters = {
        fingerprint(value)
        for deployment in scene.gateways()
        for name, value in scene.environment_of(deployment).items()
        if name == "LITELLM_MASTER_KEY"
    }
    for gateway in scene.key_apis():
        key, place = scene.admin_key(gateway)
        if fingerprint(key) in masters:
            yield weak(
                f"Admin key ({place})",
                "is the gateway's master key",
                cause="whoever manages keys can do everything else too, and can't be locked out alone",
                cure="leave gateway.platformAdmin on, or refer to an own key by gateway.adminKey",
            )
        else:
            yield whole(f"Admin key ({place})", "isn't the master key")


HARDENING = (
    Link(
        "tls",
        "TLS",
        "That Vault is called over TLS by the stores and from here, the database URL demands it, and the "
        "Ingress has it.",
        probe_tls,
    ),
    Link("audit", "Audit device", "That Vault has an audit device (sys/audit).", probe_audit_devices),
    Link(
        "root-token",
        "Root token",
        f"That no living token has the policy root: at most {_MOST_TOKENS} accessors are looked up.",
        probe_root_tokens,
    ),
    Link(
        "snapshots",
        "Snapshots",
        f"That a CronJob takes snapshots of Vault, and the last one is at most {_SNAPSHOT_HOURS} h old.",
        probe_snapshots,
    ),
    Link(
        "limits", "Limits", "That the gateway's containers have limits and requests of memory.", probe_limits
    ),
    Link(
        "network-policy",
        "Network policies",
        "That a NetworkPolicy selects the gateway's Pods.",
        probe_network_policies,
    ),
    Link(
        "own-admin-key",
        "Own admin key",
        "That keys aren't managed with the master key.",
        probe_own_admin_keys,
    ),
)
