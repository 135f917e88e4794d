"""The server: from here, and as the stores are told to reach it."""

import base64
from collections.abc import Iterator
from urllib.parse import urlsplit

from doctor.at_once import look_at_each
from doctor.kubernetes import Document
from doctor.model import Finding, Link, broken, weak, whole
from doctor.objects import Store
from doctor.scene import Scene
from doctor.tls import Handshake, Outcome, certificates

__all__ = ["LINKS"]

_SOON_DAYS = 7


def probe_vault(scene: Scene) -> Iterator[Finding]:
    subject = f"Vault {scene.vault.address or ''}".strip()
    health = scene.vault.health().document
    if not health.get("initialized", False):
        yield broken(
            subject,
            "says that it isn't initialized",
            cause="Vault has no storage yet, or has lost it",
            cure="initialize it, or restore a snapshot",
        )
    elif health.get("sealed"):
        yield broken(
            subject,
            "says that it is sealed",
            cause="Vault is sealed: it can read nothing until it is unsealed",
            cure="unseal it, or see why its automatic unseal fails",
        )
    else:
        yield whole(subject, f"unsealed, version {health.get('version', 'unknown')}")


# --- as a store reaches it -------------------------------------------------------------------------------


def probe_store_servers(scene: Scene) -> Iterator[Finding]:
    yield from look_at_each(scene.stores(), lambda store: _server_of(scene, store))


def _server_of(scene: Scene, store: Store) -> Iterator[Finding]:
    server = str((store.vault or {}).get("server") or "")
    url = urlsplit(server)
    if url.scheme not in ("http", "https") or not url.hostname:
        yield broken(
            store.key,
            f"its server is {server!r}",
            cause="the store's server isn't an address with http:// or https://",
            cure="set spec.provider.vault.server to an address such as https://vault.vault.svc:8200",
            scope={store.key},
        )
        return
    port = url.port or (443 if url.scheme == "https" else 80)
    authority, problem = _authority_of(scene, store)
    if problem:
        yield problem
        return
    if _is_inside(url.hostname):
        service = _service(scene, url.hostname)
        if service is None:
            yield broken(
                store.key,
                f"no Service has the name {url.hostname}",
                cause=f"the store's server {url.hostname} is no Service of this cluster",
                cure="correct spec.provider.vault.server, or make the Service",
                scope={store.key},
            )
            return
        if (finding := _without_endpoint(scene, store, service, port)) is not None:
            yield finding
            return
        shaken = _shaken_inside(scene, (_target(scene, service), port), url.hostname, authority)
    else:
        shaken = scene.handshake((url.hostname, port), url.hostname, authority)
    yield _handshake_finding(store, url.scheme, server, shaken)


def _shaken_inside(scene: Scene, address: tuple[str, int], name: str, authority: str | None) -> Handshake:
    """Try the address itself; a ClusterIP that isn't routed to here is tried at the doctor's own one."""
    handshake = scene.handshake(address, name, authority)
    own = urlsplit(scene.vault.address or "")
    if handshake.outcome is Outcome.UNREACHABLE and own.hostname and own.scheme == "https":
        return scene.handshake((own.hostname, own.port or 443), name, authority)
    return handshake


_HANDSHAKES = {
    Outcome.UNTRUSTED: (
        "the store trusts another CA than the one that signed the server's certificate",
        "put the CA of the server into the store's caProvider or caBundle",
    ),
    Outcome.OTHER_NAME: (
        "the server's certificate doesn't carry the name that the store calls it by",
        "use a name of the certificate in spec.provider.vault.server, or issue one with that name",
    ),
    Outcome.EXPIRED: ("the server's certificate has expired", "issue a new certificate"),
    Outcome.PLAIN: (
        "the store speaks https to a server that speaks http",
        "set the server to http://, or give it TLS",
    ),
    Outcome.UNREACHABLE: (
        "nothing answers at the store's server",
        "correct its address and port, or start the server",
    ),
}


def _handshake_finding(store: Store, scheme: str, server: str, handshake: Handshake) -> Finding:
    if scheme == "http":
        if handshake.outcome is Outcome.PLAIN:
            return whole(store.key, f"reaches {server}, which speaks http", {store.key})
        if handshake.outcome is Outcome.UNREACHABLE:
            cause, cure = _HANDSHAKES[Outcome.UNREACHABLE]
        else:
            cause = "the store speaks http to a server that speaks https"
            cure = "set spec.provider.vault.server to https://, with its CA"
        return broken(store.key, f"{server}: {handshake.detail}", cause=cause, cure=cure, scope={store.key})
    if handshake.outcome is Outcome.TRUSTED:
        if handshake.days_left is not None and handshake.days_left < _SOON_DAYS:
            return weak(
                store.key,
                f"{server}: {handshake.detail}",
                cause=f"the server's certificate ends within {_SOON_DAYS} days",
                cure="issue a new certificate, and see why it wasn't renewed",
                scope={store.key},
            )
        return whole(store.key, f"reaches {server}: {handshake.detail}", {store.key})
    cause, cure = _HANDSHAKES[handshake.outcome]
    return broken(store.key, f"{server}: {handshake.detail}", cause=cause, cure=cure, scope={store.key})


def _authority_of(scene: Scene, store: Store) -> tuple[str | None, Finding | None]:
    """Find the CA that a store trusts: its PEM, None for the system's, and what is wrong with it."""
    vault = store.vault or {}
    if vault.get("caBundle"):
        return base64.b64decode(vault["caBundle"]).decode(errors="replace"), None
    provider = vault.get("caProvider")
    if not provider:
        return None, None
    namespace = store.namespace or provider.get("namespace") or ""
    plural = "configmaps" if provider["type"] == "ConfigMap" else "secrets"
    key = provider.get("key") or "ca.crt"
    source = f"{provider['type']} {namespace}/{provider['name']}"
    document = scene.kubernetes.get(f"/api/v1/namespaces/{namespace}/{plural}/{provider['name']}")
    value = ((document or {}).get("data") or {}).get(key)
    if value is None:
        what = "isn't there" if document is None else f"has no key {key}"
        return None, broken(
            source,
            what,
            cause=f"the CA that the {store.key} names {what}",
            cure=f"write the CA of the server into {source}, key {key}",
            scope={store.key},
        )
    pem = value if plural == "configmaps" else base64.b64decode(value).decode(errors="replace")
    try:
        certificates(pem)
    except ValueError:
        return None, broken(
            source,
            f"its key {key} is no certificate",
            cause=f"the CA that the {store.key} names isn't PEM",
            cure=f"write the CA of the server into {source}, key {key}, as PEM",
            scope={store.key},
        )
    return pem, None


def _is_inside(host: str) -> bool:
    return host.endswith((".svc", ".svc.cluster.local")) or "." not in host


def _service(scene: Scene, host: str) -> Document | None:
    name, _, rest = host.partition(".")
    namespace = rest.partition(".")[0] or "default"
    return scene.kubernetes.get(f"/api/v1/namespaces/{namespace}/services/{name}")


def _target(scene: Scene, service: Document) -> str:
    """Say where a Service leads: its ClusterIP, or what it is another name of."""
    other = service["spec"].get("externalName")
    if not other:
        return str(service["spec"]["clusterIP"])
    inside = _service(scene, other) if _is_inside(other) else None
    return str(inside["spec"]["clusterIP"]) if inside else str(other)


def _without_endpoint(scene: Scene, store: Store, service: Document, port: int) -> Finding | None:
    namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
    if service["spec"].get("externalName"):
        return None
    ports = [item["port"] for item in service["spec"]["ports"]]
    if port not in ports:
        return broken(
            store.key,
            f"Service {namespace}/{name} has the ports {', '.join(map(str, ports))}",
            cause=f"the store asks for port {port}, which the Service {namespace}/{name} doesn't have",
            cure="correct the port in spec.provider.vault.server",
            scope={store.key},
        )
    ready = scene.ready_endpoints(namespace, name)
    if ready:
        return None
    return broken(
        f"Service {namespace}/{name}",
        "has no ready endpoint",
        cause="no Pod of Vault is ready",
        cure=f"kubectl -n {namespace} get pods, and see the logs of Vault",
        scope={store.key},
    )


LINKS = (
    Link(
        "vault",
        "Vault",
        "The server, as the doctor reaches it (VAULT_ADDR): that it answers, is initialized and unsealed.",
        probe_vault,
    ),
    Link(
        "store-server",
        "Address and certificate",
        "The server's address in each store: that the Service and its endpoints are there, and that its "
        "certificate is valid for the CA and the name that the store uses (a TLS handshake).",
        probe_store_servers,
        needs=("cluster", "vault"),
    ),
)
