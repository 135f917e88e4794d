"""The mounts of Vault: where the secrets are, and where a cluster logs in."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from doctor.model import Finding, Link, broken, weak, whole
from doctor.objects import Store
from doctor.scene import Scene
from doctor.tls import Outcome, certificates, shake_hands

__all__ = ["LINKS"]


def probe_kv_mounts(scene: Scene) -> Iterator[Finding]:
    for store in scene.stores():
        vault = store.vault or {}
        path = str(vault.get("path") or "").strip("/")
        if not path:
            yield weak(
                store.key,
                "names no mount (spec.provider.vault.path)",
                cause="each key of its ExternalSecrets has to begin with the mount and data/",
                cure="set spec.provider.vault.path to the mount",
                scope={store.key},
            )
            continue
        yield _kv_mount(scene, store, path, str(vault.get("version") or "v2"))


def _kv_mount(scene: Scene, store: Store, path: str, version: str) -> Finding:
    mount = scene.mounts().get(f"{path}/")
    if mount is None:
        near = [name.rstrip("/") for name, one in scene.mounts().items() if one.get("type") == "kv"]
        return broken(
            store.key,
            f"Vault has no mount {path}/ (KV mounts: {', '.join(near) or 'none'})",
            cause=f"the store reads from a mount that isn't there: {path}",
            cure="correct spec.provider.vault.path, or mount KV there",
            scope={store.key},
        )
    live = f"v{(mount.get('options') or {}).get('version', '1')}"
    if mount.get("type") != "kv":
        return broken(
            f"Mount {path}/",
            f"is {mount.get('type')}, not kv",
            cause=f"the store {store.key} reads KV from a mount of another kind",
            cure="correct spec.provider.vault.path",
            scope={store.key},
        )
    if live != version:
        return broken(
            f"Mount {path}/",
            f"is KV {live}; the store says {version}",
            cause="the store reads another KV version than the mount has, so from paths that aren't there",
            cure=f"set spec.provider.vault.version to {live}",
            scope={store.key},
        )
    return whole(f"Mount {path}/", f"is KV {live}, as the store says", {store.key})


# --- where a cluster logs in -----------------------------------------------------------------------------


def probe_auth_mounts(scene: Scene) -> Iterator[Finding]:
    by_mount: dict[str, list[Store]] = {}
    for store in scene.stores():
        if store.kubernetes_auth:
            by_mount.setdefault(store.auth_mount.strip("/"), []).append(store)
    for path, stores in by_mount.items():
        yield from _auth_mount(scene, path, stores)


def _auth_mount(scene: Scene, path: str, stores: list[Store]) -> Iterator[Finding]:
    scope = {store.key for store in stores}
    subject = f"Auth mount auth/{path}"
    mount = scene.auth_mounts().get(f"{path}/")
    if mount is None or mount.get("type") != "kubernetes":
        what = "isn't there" if mount is None else f"is {mount.get('type')}, not kubernetes"
        yield broken(
            subject,
            what,
            cause=f"the store logs in at auth/{path}, which {what}",
            cure="correct mountPath in the store, or enable the kubernetes auth method there",
            scope=scope,
        )
        return
    config = scene.vault.get(f"auth/{path}/config")
    if config is None:
        yield broken(
            subject,
            "has no configuration",
            cause=f"auth/{path} was never told which cluster it serves",
            cure=f"write auth/{path}/config with kubernetes_host and its CA",
            scope=scope,
        )
        return
    problems = [
        finding
        for finding in (
            _host_problem(scene, subject, config, scope),
            _authority_problem(scene, subject, config, scope),
            _reviewer_problem(scene, subject, config, stores),
        )
        if finding is not None
    ]
    yield from problems
    if not problems:
        yield whole(subject, f"serves {config.get('kubernetes_host')} with its CA and a reviewer", scope)


def _host_problem(scene: Scene, subject: str, config: Mapping[str, Any], scope: set[str]) -> Finding | None:
    """See whether `kubernetes_host` is this cluster: by name, by address, or by its certificate."""
    host = str(config.get("kubernetes_host") or "")
    url = urlsplit(host)
    name = url.hostname or ""
    known, ports = _own_addresses(scene)
    if name in known and (url.port or 443) in ports[name]:
        return None
    handshake = shake_hands((name, url.port or 443), name, _cluster_authority(scene), scene.record)
    if handshake.outcome in (Outcome.TRUSTED, Outcome.OTHER_NAME):
        return None
    reason = (
        "another cluster's API server answers there"
        if handshake.outcome is Outcome.UNTRUSTED
        else f"no API server answers there ({handshake.detail})"
    )
    return broken(
        subject,
        f"kubernetes_host is {host}: {reason}",
        cause=f"the auth mount points to an API server that isn't this cluster's: {host}",
        cure=f"write the cluster's address into {_path(subject)}/config, such as {scene.kubernetes.server}",
        scope=scope,
    )


def _path(subject: str) -> str:
    return subject.rpartition(" ")[2]


def _own_addresses(scene: Scene) -> tuple[set[str], dict[str, set[int]]]:
    """List the names and addresses of this cluster's API server, each with its ports."""
    server = urlsplit(scene.kubernetes.server)
    ports: dict[str, set[int]] = {str(server.hostname): {server.port or 443}}
    service = scene.kubernetes.get("/api/v1/namespaces/default/services/kubernetes")
    if service:
        exposed = {item["port"] for item in service["spec"]["ports"]}
        names = (
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        )
        for name in (*names, service["spec"]["clusterIP"]):
            ports.setdefault(name, set()).update(exposed)
    for item in scene.kubernetes.items("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"):
        if item["metadata"]["name"] == "kubernetes":
            for endpoint in item.get("endpoints") or []:
                for address in endpoint["addresses"]:
                    ports.setdefault(address, set()).update(port["port"] for port in item["ports"])
    return set(ports), ports


def _cluster_authority(scene: Scene) -> str:
    """Give the CA of this cluster's API server, as every namespace has it."""
    document = scene.kubernetes.get("/api/v1/namespaces/default/configmaps/kube-root-ca.crt")
    return str(((document or {}).get("data") or {}).get("ca.crt") or scene.kubernetes.authority)


def _authority_problem(
    scene: Scene, subject: str, config: Mapping[str, Any], scope: set[str]
) -> Finding | None:
    pem = str(config.get("kubernetes_ca_cert") or "")
    where = f"{_path(subject)}/config"
    if not pem:
        if not config.get("disable_local_ca_jwt"):
            return None
        return broken(
            subject,
            "has no kubernetes_ca_cert, and may not use the one of its Pod",
            cause="Vault doesn't trust the API server's certificate: no CA is configured",
            cure=f"write the cluster's CA into {where} (kubernetes_ca_cert)",
            scope=scope,
        )
    try:
        theirs = certificates(pem)
        right = bool(theirs & certificates(_cluster_authority(scene)))
    except ValueError:
        right = False
    if right:
        return None
    return broken(
        subject,
        "its kubernetes_ca_cert isn't the CA of this cluster",
        cause="the auth mount trusts another cluster's CA, so Vault can't ask this API server about a token",
        cure=f"write the cluster's CA (ConfigMap kube-root-ca.crt) into {where} (kubernetes_ca_cert)",
        scope=scope,
    )


def _reviewer_problem(
    scene: Scene, subject: str, config: Mapping[str, Any], stores: list[Store]
) -> Finding | None:
    """See whether whoever reviews tokens may do so, where it is a ServiceAccount that is known."""
    if config.get("token_reviewer_jwt_set"):
        return None  # only a login can tell
    if config.get("disable_local_ca_jwt"):
        reviewers = {store.service_account: store.key for store in stores if store.service_account}
        cure = "bind system:auth-delegator to it, or give the auth mount a reviewer token"
    else:
        reviewers = dict.fromkeys(_vault_accounts(scene, stores), "")
        cure = "bind the ClusterRole system:auth-delegator to it"
    for account, key in reviewers.items():
        namespace, name = account
        asked = {"verb": "create", "group": "authentication.k8s.io", "resource": "tokenreviews"}
        if not scene.kubernetes.may(f"system:serviceaccount:{namespace}:{name}", asked):
            return broken(
                subject,
                f"tokens are reviewed as the ServiceAccount {namespace}/{name}, which may not",
                cause=f"the reviewer {namespace}/{name} may not create TokenReviews",
                cure=cure,
                scope={key} if key else {store.key for store in stores},
            )
    return None


def _vault_accounts(scene: Scene, stores: list[Store]) -> set[tuple[str, str]]:
    """List the ServiceAccounts of Vault's own Pods, where Vault runs in this cluster."""
    accounts = set()
    for store in stores:
        host = urlsplit(str((store.vault or {}).get("server") or "")).hostname or ""
        name, _, rest = host.partition(".")
        namespace = rest.partition(".")[0]
        service = (
            scene.kubernetes.get(f"/api/v1/namespaces/{namespace}/services/{name}") if namespace else None
        )
        selector = ((service or {}).get("spec") or {}).get("selector") or {}
        if not selector:
            continue
        for pod in scene.kubernetes.items(f"/api/v1/namespaces/{namespace}/pods"):
            labels = pod["metadata"].get("labels") or {}
            if selector.items() <= labels.items():
                accounts.add((namespace, pod["spec"].get("serviceAccountName") or "default"))
    return accounts


LINKS = (
    Link(
        "kv-mount",
        "KV mount",
        "The mount that each store reads: that it is there, is KV, and has the version that the store says.",
        probe_kv_mounts,
        needs=("vault",),
    ),
    Link(
        "auth-mount",
        "Auth mount",
        "The kubernetes auth method that each store logs in at: that it is there, that kubernetes_host and "
        "kubernetes_ca_cert are this cluster's, and that its reviewer may create TokenReviews.",
        probe_auth_mounts,
        needs=("cluster", "vault"),
    ),
)
