"""The configuration of the servers, the same for each of them."""

from collections.abc import Iterator
from typing import Any

from components.vault.server.hcl import block
from components.vault.server.places import API_PORT, CLUSTER_PORT, TLS_FOLDER, places_of
from components.vault.server.setup import initialisation
from schema.foundation import FoundationSettings

__all__ = ["first_config", "server_config"]


def server_config(settings: FoundationSettings) -> str:
    """Write what a server is told each time it starts."""
    return "\n".join(_blocks(settings))


def first_config(settings: FoundationSettings) -> str:
    """Write the same for the one that sets a new cluster up."""
    return f"{server_config(settings)}\n{initialisation(settings)}"


def _blocks(settings: FoundationSettings) -> Iterator[str]:
    server = settings.server
    yield f"ui = {str(server.ui).lower()}\n" + ("disable_mlock = true\n" if server.product == "vault" else "")
    yield block(
        "listener",
        "tcp",
        body={
            "address": f"[::]:{API_PORT}",
            "cluster_address": f"[::]:{CLUSTER_PORT}",
            "tls_cert_file": f"{TLS_FOLDER}/tls.crt",
            "tls_key_file": f"{TLS_FOLDER}/tls.key",
            "tls_min_version": "tls12",
        },
        inner=_open_metrics(settings),
    )
    raft = {"path": places_of(settings).data, "performance_multiplier": server.performance_multiplier}
    yield block("storage", "raft", body=raft, inner="".join(_joins(settings)))
    yield block("seal", settings.seal.kind, body=settings.seal.stanza())
    yield block("service_registration", "kubernetes")
    if settings.service_monitor:
        retention = {"prometheus_retention_time": "30s", "disable_hostname": True}
        yield block("telemetry", body=retention)
    # Vault takes audit devices by its API alone.
    if server.product == "openbao":
        yield from _audit(settings)


def _joins(settings: FoundationSettings) -> Iterator[str]:
    """Each server asks all of them: whoever leads lets it in."""
    for member in settings.members:
        leader = {
            "leader_api_addr": f"https://{member}.{settings.internal_host}:{API_PORT}",
            "leader_ca_cert_file": f"{TLS_FOLDER}/ca.crt",
            "leader_tls_servername": settings.service_host,
        }
        yield block("retry_join", body=leader)


def _open_metrics(settings: FoundationSettings) -> str:
    if not settings.service_monitor:
        return ""
    return block("telemetry", body={"unauthenticated_metrics_access": True})


def _audit(settings: FoundationSettings) -> Iterator[str]:
    options: dict[str, dict[str, Any]] = {"file": {"file_path": f"{places_of(settings).audit}/audit.log"}}
    for device in settings.audit:
        if device.kind != "none":
            own = options.get(device.kind) or {"facility": device.facility, "tag": device.tag}
            yield block("audit", device.kind, device.kind, inner=block("options", body=own))
