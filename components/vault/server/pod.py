"""The Pod of one server."""

from typing import Any

from components.vault.server.objects import selector
from components.vault.server.places import API_PORT, CLUSTER_PORT, SEAL_FOLDER, TLS_FOLDER, places_of
from components.vault.server.storage import ownership, volumes_of
from schema.foundation import FoundationSettings

__all__ = [
    "SEAL_KEY",
    "affinity",
    "environment",
    "hardened",
    "health",
    "resources",
    "secret_volumes",
    "server_pod",
]

SEAL_KEY = "seal-key"
CONFIG_FOLDER = "/server/config"
PREFIX = {"openbao": "BAO", "vault": "VAULT"}
TOOL = {"openbao": "bao", "vault": "vault"}

# Only the first server may set a cluster up, and only if each of the others says that there is none: one that
# has lost its volume would otherwise make a second cluster beside the one that goes on without it.
START = """
set -eu
config=server
if [ "$POD_NAME" = "$FIRST_MEMBER" ]; then
  while :; do
    unknown=; known=
    for peer in $PEERS; do
      status=$("$TOOL" status -format=json -address="https://$peer.$INTERNAL_HOST:8200" 2>/dev/null || true)
      case $status in
        *'"initialized": true'*) known=$peer ;;
        *'"initialized": false'*) ;;
        *) unknown="$unknown $peer" ;;
      esac
    done
    if [ -n "$known" ]; then echo "$known belongs to a cluster: joining it"; break; fi
    if [ -z "$unknown" ]; then config=first; break; fi
    echo "waiting until$unknown can say whether there is a cluster"
    sleep 1
  done
fi
exec "$TOOL" server -config="/server/config/$config.hcl"
"""


def server_pod(settings: FoundationSettings, config_name: Any) -> dict[str, Any]:
    """Spec of the Pod of one server."""
    server = settings.server
    data = {name: getattr(places_of(settings), name) for name in volumes_of(settings)}
    folders = {name: data[name] for name, volume in volumes_of(settings).items() if volume.host_folder}
    mounts = [{"name": name, "mountPath": path} for name, path in {**data, "tmp": "/tmp"}.items()]  # noqa: S108 - of the container
    secrets, secret_mounts = secret_volumes(settings)
    container = {
        "name": "server",
        "image": server.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", START],
        "env": environment(settings),
        "ports": [
            {"name": "https", "containerPort": API_PORT, "protocol": "TCP"},
            {"name": "cluster", "containerPort": CLUSTER_PORT, "protocol": "TCP"},
        ],
        # Five minutes to find out whether there is a cluster; sealed is no reason to be killed.
        "startupProbe": health("standbyok=true&sealedcode=200&uninitcode=200", 2, 150),
        "readinessProbe": health("standbyok=true", 2, 2),
        "livenessProbe": health("standbyok=true&sealedcode=200&uninitcode=200", 10, 6),
        "resources": resources(settings),
        "securityContext": hardened(),
        "volumeMounts": [*mounts, *secret_mounts, {"name": "config", "mountPath": CONFIG_FOLDER}],
    }
    if server_credentials := settings.seal.credentials_secret:
        container["envFrom"] = [{"secretRef": {"name": server_credentials}}]
    return {
        "serviceAccountName": settings.name,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 30,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": server.run_as_user,
            "runAsGroup": server.run_as_user,
            "fsGroup": server.run_as_user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "affinity": affinity(settings),
        "initContainers": [ownership(settings, folders)] if folders else [],
        "containers": [container],
        "volumes": [
            *secrets,
            {"name": "config", "configMap": {"name": config_name}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }


def environment(settings: FoundationSettings) -> list[dict[str, Any]]:
    """Give a server its name, its addresses, and what its own command line needs to ask the others."""
    prefix = PREFIX[settings.server.product]
    member = f"https://$(POD_NAME).{settings.internal_host}"
    fixed = {
        "HOME": "/tmp",  # noqa: S108 - of the container
        "TOOL": TOOL[settings.server.product],
        "FIRST_MEMBER": settings.members[0] if settings.initialises_itself else "",
        "PEERS": " ".join(settings.members[1:]),
        "INTERNAL_HOST": settings.internal_host,
        f"{prefix}_RAFT_NODE_ID": "$(POD_NAME)",
        f"{prefix}_API_ADDR": f"{member}:{API_PORT}",
        f"{prefix}_CLUSTER_ADDR": f"{member}:{CLUSTER_PORT}",
        f"{prefix}_K8S_POD_NAME": "$(POD_NAME)",
        f"{prefix}_K8S_NAMESPACE": settings.namespace,
        f"{prefix}_CACERT": f"{TLS_FOLDER}/ca.crt",
        f"{prefix}_TLS_SERVER_NAME": settings.service_host,
        f"{prefix}_CLIENT_TIMEOUT": "3s",
        f"{prefix}_MAX_RETRIES": "0",
    }
    own_name = {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    return [own_name, *({"name": n, "value": v} for n, v in (fixed | settings.server.env).items())]


def secret_volumes(settings: FoundationSettings) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Give the volumes of certificate and seal key, and where they are mounted."""
    volumes = [{"name": "tls", "secret": {"secretName": settings.tls.secret, "defaultMode": 0o440}}]
    mounts = [{"name": "tls", "mountPath": TLS_FOLDER, "readOnly": True}]
    if key := settings.seal.key:
        item = {"key": key.secret_key if key.secret else SEAL_KEY, "path": "key"}
        secret = {"secretName": key.secret or f"{settings.name}-seal", "defaultMode": 0o440, "items": [item]}
        volumes.append({"name": "seal", "secret": secret})
        mounts.append({"name": "seal", "mountPath": SEAL_FOLDER, "readOnly": True})
    return volumes, mounts


def affinity(settings: FoundationSettings) -> dict[str, Any]:
    """Keep the servers on nodes of their own."""
    term = {
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchLabels": selector(settings, "server")},
    }
    if settings.server.anti_affinity == "required":
        return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    weighted = {"weight": 100, "podAffinityTerm": term}
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [weighted]}}


def resources(settings: FoundationSettings) -> dict[str, Any]:
    """Give requests and limits of one server."""
    wanted = settings.server.resources
    limits = {"memory": wanted.memory_limit} | ({"cpu": wanted.cpu_limit} if wanted.cpu_limit else {})
    return {"requests": {"cpu": wanted.cpu_request, "memory": wanted.memory_request}, "limits": limits}


def hardened() -> dict[str, Any]:
    """Give a container no more than it needs."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def health(query: str, period_seconds: int, failures: int) -> dict[str, Any]:
    """Give a probe that asks the server how it is."""
    return {
        "httpGet": {"scheme": "HTTPS", "port": "https", "path": f"/v1/sys/health?{query}"},
        "periodSeconds": period_seconds,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }
