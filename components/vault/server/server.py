"""Vault or OpenBao on Kubernetes: a StatefulSet with raft, or the official chart, and what surrounds it."""

import hashlib
from typing import Any

import pulumi

from components.kubernetes import SKIP_AWAIT, labels
from components.vault.server.config import first_config, server_config
from components.vault.server.credentials import credentials
from components.vault.server.helm import helm_release
from components.vault.server.network import network_policies
from components.vault.server.objects import Objects, identity, selector
from components.vault.server.places import API_PORT, CLUSTER_PORT
from components.vault.server.pod import server_pod
from components.vault.server.setup import ADMIN, by_hand
from components.vault.server.snapshots import snapshots
from components.vault.server.storage import claim_spec, folder_volumes, volumes_of
from schema.foundation import FoundationSettings

__all__ = ["VaultServer"]

SCRAPED = "llm-gateway/scrape"
_ACTIVE_LABEL = {"openbao": "openbao-active", "vault": "vault-active"}


class VaultServer(pulumi.ComponentResource):
    """The servers, their Services, disruption budget, policies, metrics and snapshots.

    Attributes
    ----------
    outputs
        internalAddress (as Pods reach it), activeAddress (the leader alone), adminLogin (who may be the
        administrator), and afterwards: the commands with which a server is set up that can't do it itself.
    """

    outputs: dict[str, pulumi.Output[Any]]

    def __init__(
        self,
        name: str,
        *,
        settings: FoundationSettings,
        kubernetes_namespace: pulumi.Output[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("llm-gateway:vault:Server", name, None, opts)
        self._settings = settings
        self._objects = Objects(self, settings, kubernetes_namespace)
        before: list[pulumi.Resource] = [*credentials(self._objects, settings), self._administrator()]
        if settings.deploy == "helm" and settings.helm:
            options = pulumi.ResourceOptions(parent=self, depends_on=before)
            servers = helm_release(settings, settings.helm, kubernetes_namespace, options)
        else:
            servers = self._servers(before)
            self._monitoring()
        network_policies(self._objects, settings)
        if settings.snapshots:
            snapshots(self._objects, settings, settings.snapshots)

        # Whoever reads an address may use it.
        ready = pulumi.Output.from_input(servers.urn)
        addresses = {
            "internalAddress": f"https://{settings.service_host}:{API_PORT}",
            "activeAddress": f"https://{settings.name}-active.{settings.namespace}.svc:{API_PORT}",
        }
        admin = {
            "mount": settings.auth_mount,
            "role": ADMIN,
            "serviceAccount": f"{settings.namespace}/{settings.name}-{ADMIN}",
            "audience": settings.audience,
        }
        said = {**addresses, "adminLogin": admin, "afterwards": by_hand(settings)}
        self.outputs = {key: _once(ready, value) for key, value in said.items()}
        self.register_outputs(self.outputs)

    def _administrator(self) -> pulumi.Resource:
        """Whoever may ask the API server for a token of this account is the administrator."""
        account = {"automountServiceAccountToken": False}
        return self._objects.make(
            "v1", "ServiceAccount", account, name=f"{self._settings.name}-{ADMIN}", component=ADMIN
        )

    def _servers(self, before: list[pulumi.Resource]) -> pulumi.Resource:
        settings, make = self._settings, self._objects.make
        files = {"server.hcl": server_config(settings)}
        if settings.initialises_itself:
            files["first.hcl"] = first_config(settings)
        config = make("v1", "ConfigMap", {"data": files}, name=f"{settings.name}-config")
        volumes = [
            make("v1", "PersistentVolume", body, name=name, retain=settings.retain_data)
            for name, body in folder_volumes(settings)
        ]
        before = [*before, *self._identity(), *self._services(), *volumes]
        pods = selector(settings, "server")
        # What is done once, at the first start, is no reason to start anew.
        annotations = {"checksum/config": hashlib.sha256(files["server.hcl"].encode()).hexdigest()}
        spec = {
            "serviceName": f"{settings.name}-internal",
            "replicas": settings.server.replicas,
            # A quorum only comes back if its members start together.
            "podManagementPolicy": "Parallel",
            "persistentVolumeClaimRetentionPolicy": {
                "whenDeleted": "Retain" if settings.retain_data else "Delete",
                "whenScaled": "Retain",
            },
            "selector": {"matchLabels": pods},
            "template": {
                "metadata": {"labels": labels("server", settings.name), "annotations": annotations},
                "spec": server_pod(settings, config.object_name),
            },
            "volumeClaimTemplates": [
                {"metadata": {"name": kind, "labels": pods}, "spec": claim_spec(volume)}
                for kind, volume in volumes_of(settings).items()
            ],
        }
        # Vault isn't ready before somebody has initialised it.
        waiting = {} if settings.initialises_itself else SKIP_AWAIT
        body = {"metadata": {"annotations": waiting}, "spec": spec}
        servers = make("apps/v1", "StatefulSet", body, depends_on=before, timeout_seconds=600)
        if tolerated := (settings.server.replicas - 1) // 2:
            budget = {"maxUnavailable": tolerated, "selector": {"matchLabels": pods}}
            make("policy/v1", "PodDisruptionBudget", {"spec": budget})
        return servers

    def _identity(self) -> list[pulumi.Resource]:
        """Let the servers review tokens, and label their own Pods with who leads."""
        settings, make = self._settings, self._objects.make
        subject = [{"kind": "ServiceAccount", "name": settings.name, "namespace": settings.namespace}]
        account = make("v1", "ServiceAccount", identity(settings.server.service_account_annotations))
        rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "update", "patch"]}]
        role = make("rbac.authorization.k8s.io/v1", "Role", {"rules": rules})
        group = "rbac.authorization.k8s.io"
        bound = {
            "roleRef": {"apiGroup": group, "kind": "Role", "name": settings.name},
            "subjects": subject,
        }
        binding = make(f"{group}/v1", "RoleBinding", bound)
        reviewing = {
            "metadata": {"namespace": None},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "system:auth-delegator"},
            "subjects": subject,
        }
        name = f"{settings.namespace}-{settings.name}-auth-delegator"
        return [account, role, binding, make(f"{group}/v1", "ClusterRoleBinding", reviewing, name=name)]

    def _services(self) -> list[pulumi.Resource]:
        settings = self._settings
        pods = selector(settings, "server")
        leader = {_ACTIVE_LABEL[settings.server.product]: "true"}
        https = {"name": "https", "port": API_PORT, "targetPort": "https", "protocol": "TCP"}
        cluster = {"name": "cluster", "port": CLUSTER_PORT, "targetPort": "cluster", "protocol": "TCP"}
        # Members find each other before they are ready, which they only are together.
        between = {"clusterIP": "None", "publishNotReadyAddresses": True, "ports": [https, cluster]}
        specs: dict[str, dict[str, Any]] = {
            settings.name: {"selector": pods, "ports": [https]},
            f"{settings.name}-active": {"selector": pods | leader, "ports": [https]},
            f"{settings.name}-internal": {"selector": pods, **between},
        }
        made: list[pulumi.Resource] = []
        for name, spec in specs.items():
            # The headless one alone leads to each server by itself.
            scraped = {SCRAPED: "true"} if "clusterIP" in spec else {}
            metadata = {"annotations": SKIP_AWAIT, "labels": labels("server", settings.name) | scraped}
            made.append(self._objects.make("v1", "Service", {"metadata": metadata, "spec": spec}, name=name))
        return made

    def _monitoring(self) -> None:
        settings = self._settings
        if not settings.service_monitor:
            return
        ca = {"secret": {"name": settings.tls.secret, "key": "ca.crt"}}
        endpoint = {
            "port": "https",
            "scheme": "https",
            "path": "/v1/sys/metrics",
            "params": {"format": ["prometheus"]},
            "interval": "30s",
            "tlsConfig": {"ca": ca, "serverName": settings.service_host},
        }
        spec = {
            "endpoints": [endpoint],
            "namespaceSelector": {"matchNames": [settings.namespace]},
            "selector": {"matchLabels": selector(settings, "server") | {SCRAPED: "true"}},
        }
        self._objects.make("monitoring.coreos.com/v1", "ServiceMonitor", {"spec": spec})


def _once(ready: pulumi.Output[str], value: Any) -> pulumi.Output[Any]:
    return ready.apply(lambda _: value)
