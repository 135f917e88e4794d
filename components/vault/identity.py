"""Who somebody in a cluster is to Vault: a policy, and a role that gives it to one ServiceAccount."""

import pulumi
import pulumi_vault

from components.vault.kubernetes_auth import let_review
from components.vault.login import KubernetesLogin
from schema import AppAuthSettings

__all__ = ["Identity"]


class Identity:
    """A policy that one ServiceAccount of one namespace gets, with a token made for one audience.

    Vault's default policy doesn't come with it.

    Attributes
    ----------
    policy
        Name of the policy.
    login
        How a store logs in as this.
    """

    def __init__(
        self,
        name: str,
        *,
        auth: AppAuthSettings,
        vault_namespace: str | None,
        policy_name: pulumi.Input[str],
        policy: pulumi.Input[str],
        role: str,
        account: str,
        kubernetes_namespace: str,
        token_ttl_seconds: int,
        token_max_ttl_seconds: int | None = None,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declare the policy and the role.

        Parameters
        ----------
        auth
            The auth method of the cluster.
        policy
            HCL.
        role
            Name of the role.
        account
            Name of the ServiceAccount; whoever logs in makes it.
        """
        declared = pulumi_vault.Policy(
            f"{name}-policy", name=policy_name, policy=policy, namespace=vault_namespace, opts=opts
        )
        self.policy: pulumi.Output[str] = declared.name
        # Whatever logs in depends on the role, and so can do so until it is gone itself.
        reviewed = (
            [let_review(f"{name}-reviews-itself", account, kubernetes_namespace, opts)]
            if auth.api_audience
            else []
        )
        bound = pulumi_vault.kubernetes.AuthBackendRole(
            f"{name}-role",
            backend=auth.mount,
            role_name=role,
            bound_service_account_names=[account],
            bound_service_account_namespaces=[kubernetes_namespace],
            audience=auth.audience,
            token_policies=[self.policy],
            token_no_default_policy=True,
            token_ttl=token_ttl_seconds,
            token_max_ttl=token_max_ttl_seconds,
            namespace=vault_namespace,
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=reviewed)),
        )
        self.role: pulumi.Output[str] = bound.role_name
        self.login = KubernetesLogin(
            auth.mount,
            self.role,
            auth.audience,
            account,
            further_audiences=[auth.api_audience] if auth.api_audience else [],
        )
