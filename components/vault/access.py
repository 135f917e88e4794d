"""Who may read the gateway's secrets: a read-only policy, and a role or a token that carries it."""

import json
from collections.abc import Sequence

import pulumi
import pulumi_vault

from components.vault.login import KubernetesLogin, TokenLogin
from schema import KubernetesAuth, TokenAuth, VaultSettings

__all__ = ["StoreAccess", "read_only_policy"]


def read_only_policy(mount: str, paths: Sequence[str]) -> str:
    """Write a policy that reads exactly these paths of a KV v2 mount, and nothing beside.

    Parameters
    ----------
    mount
        Path of the KV v2 mount.
    paths
        Paths below it, without `data/`.

    Returns
    -------
    str
        HCL. `data/` is where KV v2 keeps the values; listing and metadata stay closed.
    """
    return "".join(
        f'path {json.dumps(f"{mount}/data/{path}")} {{\n  capabilities = ["read"]\n}}\n' for path in paths
    )


class StoreAccess(pulumi.ComponentResource):
    """The policy, and how the store of one namespace gets it.

    Attributes
    ----------
    login
        How the store logs in to get it: as its ServiceAccount, or with a token of its own.
    """

    policy: pulumi.Output[str]
    login: KubernetesLogin | TokenLogin

    def __init__(
        self,
        name: str,
        *,
        vault: VaultSettings,
        mount: pulumi.Input[str],
        paths: Sequence[str],
        service_account: str,
        kubernetes_namespace: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("llm-gateway:vault:StoreAccess", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._vault_namespace = vault.namespace
        policy = pulumi_vault.Policy(
            f"{name}-policy",
            name=f"{vault.mount.replace('/', '-')}-read",
            policy=pulumi.Output.from_input(mount).apply(lambda path: read_only_policy(path, paths)),
            namespace=vault.namespace,
            opts=self._child,
        )
        self.policy = policy.name
        role: pulumi.Output[str] | None = None
        match vault.auth:
            case KubernetesAuth() as auth:
                role = self._kubernetes_role(name, auth, service_account, kubernetes_namespace)
                self.login = KubernetesLogin(auth.mount, role, auth.audience, service_account)
            case TokenAuth() as auth:
                self.login = TokenLogin(self._token(name, auth))
        self.register_outputs({"policy": self.policy, "role": role})

    def _kubernetes_role(
        self, name: str, auth: KubernetesAuth, service_account: str, kubernetes_namespace: str
    ) -> pulumi.Output[str]:
        """Bind a role to one ServiceAccount of one namespace, for tokens made for one audience."""
        backend: pulumi.Input[str] = auth.mount
        configured: list[pulumi.Resource] = []
        if auth.create_mount:
            method = pulumi_vault.AuthBackend(
                f"{name}-kubernetes",
                type="kubernetes",
                path=auth.mount,
                namespace=self._vault_namespace,
                opts=self._child,
            )
            backend = method.path
            configured = [
                pulumi_vault.kubernetes.AuthBackendConfig(
                    f"{name}-kubernetes-config",
                    backend=backend,
                    kubernetes_host=auth.kubernetes_host,
                    kubernetes_ca_cert=auth.kubernetes_ca_cert,
                    disable_local_ca_jwt=auth.disable_local_ca_jwt,
                    namespace=self._vault_namespace,
                    opts=self._child,
                )
            ]
        role = pulumi_vault.kubernetes.AuthBackendRole(
            f"{name}-role",
            backend=backend,
            role_name=auth.role,
            bound_service_account_names=[service_account],
            bound_service_account_namespaces=[kubernetes_namespace],
            audience=auth.audience,
            token_policies=[self.policy],
            token_ttl=auth.token_ttl_seconds,
            namespace=self._vault_namespace,
            opts=pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=configured)),
        )
        return role.role_name

    def _token(self, name: str, auth: TokenAuth) -> pulumi.Output[str]:
        token = pulumi_vault.Token(
            f"{name}-token",
            policies=[self.policy],
            period=auth.period,
            ttl=auth.ttl,
            renewable=True,
            no_parent=True,
            no_default_policy=True,
            namespace=self._vault_namespace,
            opts=self._child,
        )
        return token.client_token
