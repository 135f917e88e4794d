"""Vault or OpenBao on Kubernetes: what the gateway's program finds when it begins."""

import pulumi

from components.kubernetes import Cluster, namespace
from components.vault.server import VaultServer
from settings import load_foundation

settings = load_foundation()
on_cluster = pulumi.ResourceOptions(providers=[Cluster("cluster", settings.kubernetes)])
servers = VaultServer(
    settings.name,
    settings=settings,
    kubernetes_namespace=namespace(settings.namespace, create=settings.create_namespace, opts=on_cluster),
    opts=on_cluster,
)
for name, output in servers.outputs.items():
    pulumi.export(name, output)
