"""Vault's kubernetes auth method of one cluster: the mount, who reviews tokens, and roles."""

import base64
from collections.abc import Sequence

import pulumi
import pulumi_vault

from components.kubernetes import Manifest, labels
from components.vault.login import KubernetesLogin
from providers.kubernetes.service_account_token import ServiceAccountToken
from providers.tls import ServerTrust
from schema import ClusterAuthSettings, KubernetesSettings, ReviewingServer

__all__ = ["KubernetesAuth", "let_review"]

REVIEWS_TOKENS = "system:auth-delegator"
"""Kubernetes' own ClusterRole: may ask the API server whose token it is, and what that one may do."""
RBAC = "rbac.authorization.k8s.io"


def let_review(
    name: str,
    account: pulumi.Input[str],
    namespace: pulumi.Input[str],
    opts: pulumi.ResourceOptions | None = None,
) -> pulumi.Resource:
    """Let a ServiceAccount ask the API server whose token it is that somebody shows."""
    return Manifest(
        f"{RBAC}/v1",
        "ClusterRoleBinding",
        name,
        {
            "metadata": {"labels": labels("token-reviewer", "vault")},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": REVIEWS_TOKENS},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
        },
        opts,
    )


class KubernetesAuth(pulumi.ComponentResource):
    """One cluster's way in: its ServiceAccounts log in at a mount of their own, and at no other.

    Attributes
    ----------
    mount
        Path of the auth method.
    audience
        Audience that every role demands.
    """

    mount: pulumi.Output[str]
    audience: str

    def __init__(
        self,
        name: str,
        *,
        auth: ClusterAuthSettings,
        cluster: KubernetesSettings,
        vault_namespace: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the auth method, unless it is somebody else's.

        Parameters
        ----------
        auth
            Mount, reviewer and the like.
        cluster
            The cluster that logs in, for its kubeconfig. Objects in it are made by the provider in `opts`.
        vault_namespace
            Namespace of Vault Enterprise or OpenBao.
        """
        super().__init__("llm-gateway:vault:KubernetesAuth", name, None, opts)
        self._name, self._auth, self._cluster = name, auth, cluster
        self._vault_namespace = vault_namespace
        self._child = pulumi.ResourceOptions(parent=self)
        # Where this component is part of another one, that one once made these resources itself.
        parent = opts.parent if opts else None
        self._formerly = pulumi.ResourceOptions(aliases=[pulumi.Alias(parent=parent)] if parent else None)
        self.mount = pulumi.Output.from_input(auth.mount)
        self.audience = auth.audience
        self._configured: list[pulumi.Resource] = []
        if auth.create_mount:
            self._configure(auth.reviewing_server(cluster))
        self.register_outputs({"mount": self.mount})

    # --- the mount ---------------------------------------------------------------------------------------

    def _configure(self, server: ReviewingServer) -> None:
        unknown = None if server.is_known else ["kubernetesHost", "kubernetesCaCert"]
        method = pulumi_vault.AuthBackend(
            self._name,
            type="kubernetes",
            path=self._auth.mount,
            namespace=self._vault_namespace,
            opts=self._options(self._formerly, pulumi.ResourceOptions(depends_on=self._trusted(server))),
        )
        self.mount = method.path
        config = pulumi_vault.kubernetes.AuthBackendConfig(
            f"{self._name}-config",
            backend=method.path,
            kubernetes_host=server.host,
            kubernetes_ca_cert=server.ca_cert,
            disable_local_ca_jwt=self._auth.local_ca_jwt_disabled,
            token_reviewer_jwt=self._reviewer_token(),
            issuer=self._auth.issuer,
            # Without this Vault takes any issuer, whatever it was told.
            disable_iss_validation=False if self._auth.issuer else None,
            namespace=self._vault_namespace,
            opts=self._options(self._formerly, pulumi.ResourceOptions(ignore_changes=unknown)),
        )
        self._configured = [config]

    def _trusted(self, server: ReviewingServer) -> list[pulumi.Resource]:
        """Look at the API server before Vault is told to trust it, where this machine knows the way."""
        if server.reached_at is None or server.ca_cert is None:
            return []
        unknown = None if server.is_known else ["address", "ca", "server_name"]
        trust = ServerTrust(
            f"{self._name}-trust",
            address=server.reached_at,
            ca=server.ca_cert,
            server_name=server.name,
            opts=self._options(pulumi.ResourceOptions(ignore_changes=unknown)),
        )
        return [trust]

    # --- who reviews -------------------------------------------------------------------------------------

    def _reviewer_token(self) -> pulumi.Output[str] | None:
        if not self._auth.makes_reviewer:
            return None
        namespace = self._auth.reviewer_namespace
        metadata = {"namespace": namespace, "labels": labels("token-reviewer", "vault")}
        account = Manifest(
            "v1", "ServiceAccount", f"{self._name}-reviewer", {"metadata": metadata}, self._options()
        )
        binding = let_review(
            f"{self._name}-reviewer-binding", account.object_name, namespace, self._options()
        )
        if self._auth.reviewer == "token-request":
            return ServiceAccountToken(
                f"{self._name}-reviewer-token",
                cluster=self._cluster.connection(),
                namespace=namespace,
                service_account=account.object_name,
                ttl_seconds=self._auth.reviewer_token_ttl_seconds,
                opts=self._options(pulumi.ResourceOptions(depends_on=[binding])),
            ).token
        secret = Manifest(
            "v1",
            "Secret",
            f"{self._name}-reviewer-token",
            {
                "metadata": metadata
                | {"annotations": {"kubernetes.io/service-account.name": account.object_name}},
                "type": "kubernetes.io/service-account-token",
            },
            self._options(pulumi.ResourceOptions(additional_secret_outputs=["data"], depends_on=[binding])),
        )
        return pulumi.Output.secret(secret.data.apply(lambda data: base64.b64decode(data["token"]).decode()))

    # --- roles -------------------------------------------------------------------------------------------

    def role(
        self,
        name: str,
        *,
        role_name: str,
        service_account: str,
        kubernetes_namespace: str,
        policies: Sequence[pulumi.Input[str]],
        default_policy: bool = True,
        token_ttl_seconds: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> KubernetesLogin:
        """Bind a role to one ServiceAccount of one namespace, for tokens made for the audience.

        Parameters
        ----------
        name
            Of the resource in the stack.
        role_name
            Of the role in Vault.
        policies
            What whoever logs in may do.
        default_policy
            Whether Vault's own `default` is among them.
        token_ttl_seconds
            Life of the Vault token.
        opts
            Of the role.

        Returns
        -------
        KubernetesLogin
            How a store logs in as that ServiceAccount.
        """
        needed = list(self._configured)
        if self._auth.reviewer == "client":
            # Whatever logs in depends on the role, and so can do so until it is gone itself.
            name_of_binding = f"{name}-reviews-itself"
            needed.append(let_review(name_of_binding, service_account, kubernetes_namespace, self._options()))
        role = pulumi_vault.kubernetes.AuthBackendRole(
            name,
            backend=self.mount,
            role_name=role_name,
            bound_service_account_names=[service_account],
            bound_service_account_namespaces=[kubernetes_namespace],
            audience=self.audience,
            token_policies=list(policies),
            token_no_default_policy=not default_policy,
            token_ttl=token_ttl_seconds,
            namespace=self._vault_namespace,
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=needed)),
        )
        return KubernetesLogin(
            self._auth.mount,
            role.role_name,
            self.audience,
            service_account,
            further_audiences=self._auth.further_audiences,
        )

    def _options(self, *further: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
        options = self._child
        for each in further:
            options = pulumi.ResourceOptions.merge(options, each)
        return options
