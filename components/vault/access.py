"""Who may read the gateway's secrets: a read-only policy, and a role or a token that carries it."""

from collections.abc import Sequence

import pulumi
import pulumi_vault

from components.vault.kubernetes_auth import KubernetesAuth
from components.vault.login import KubernetesLogin, TokenLogin
from components.vault.rules import OF_ITS_TOKEN, policy_text
from schema import KubernetesAuthSettings, KubernetesSettings, TokenAuth, VaultSettings

__all__ = ["StoreAccess", "read_only_policy"]


def read_only_policy(mount: str, paths: Sequence[str], credentials: Sequence[str] = ()) -> str:
    """Write a policy that reads exactly these paths of a KV v2 mount, and nothing beside.

    Parameters
    ----------
    mount
        Path of the KV v2 mount.
    paths
        Paths below it, without `data/`.
    credentials
        Paths at which engines give credentials.

    Returns
    -------
    str
        HCL. `data/` is where KV v2 keeps the values; listing and metadata stay closed.
    """
    readable = (*(f"{mount}/data/{path}" for path in paths), *credentials)
    return policy_text([*((path, ["read"]) for path in readable), *OF_ITS_TOKEN])


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
        cluster: KubernetesSettings,
        mount: pulumi.Input[str],
        paths: Sequence[str],
        credentials: Sequence[str] = (),
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
            policy=pulumi.Output.from_input(mount).apply(
                lambda path: read_only_policy(path, paths, credentials)
            ),
            namespace=vault.namespace,
            opts=self._child,
        )
        self.policy = policy.name
        role: pulumi.Input[str] | None = None
        match vault.auth:
            case KubernetesAuthSettings() as auth:
                method = KubernetesAuth(
                    f"{name}-kubernetes",
                    auth=auth,
                    cluster=cluster,
                    vault_namespace=vault.namespace,
                    opts=self._child,
                )
                self.login = method.role(
                    f"{name}-role",
                    role_name=auth.role,
                    service_account=service_account,
                    kubernetes_namespace=kubernetes_namespace,
                    policies=[self.policy],
                    default_policy=False,
                    token_ttl_seconds=auth.token_ttl_seconds,
                    opts=self._child,
                )
                role = self.login.role
            case TokenAuth() as auth:
                self.login = TokenLogin(self._token(name, auth))
        self.register_outputs({"policy": self.policy, "role": role})

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
