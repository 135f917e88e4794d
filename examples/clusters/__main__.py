"""One Vault or OpenBao for several clusters: a mount each, and a role for the same app in each of them.

Run it as `PYTHONPATH=../.. pulumi up`, with VAULT_ADDR and VAULT_TOKEN set, and a configuration like

    clusters:
      - name: east
        context: east                          # of the kubeconfig
        auth: {mount: kubernetes/east, fromKubeconfig: true, reviewer: service-account}
"""

import pulumi
import pulumi_vault

from components.kubernetes import Cluster
from components.vault import KubernetesAuth
from schema import ClusterSettings

NAMESPACE = pulumi.Config().get("namespace") or "search"

for given in pulumi.Config().require_object("clusters"):
    cluster = ClusterSettings.model_validate(given)
    auth = KubernetesAuth(
        cluster.name,
        auth=cluster.auth,
        cluster=cluster,
        opts=pulumi.ResourceOptions(providers=[Cluster(f"{cluster.name}-cluster", cluster)]),
    )
    policy = pulumi_vault.Policy(
        f"{cluster.name}-search",
        policy=f'path "apps/data/{cluster.name}/search" {{\n  capabilities = ["read"]\n}}\n',
    )
    # Name, namespace and role are the same everywhere: only the mount tells whose they are.
    login = auth.role(
        f"{cluster.name}-role",
        role_name="search",
        service_account="search",
        kubernetes_namespace=NAMESPACE,
        policies=[policy.name],
        token_ttl_seconds=600,
    )
    pulumi.export(cluster.name, {"mount": login.mount, "role": login.role, "policy": policy.name})
