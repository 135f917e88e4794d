"""The ways in which a store logs in to Vault, each as the operator's API spells it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

__all__ = ["AppRoleLogin", "KubernetesLogin", "Login", "TokenLogin"]


@dataclass(frozen=True)
class KubernetesLogin:
    """With a short-lived token of a ServiceAccount, which the store's component makes.

    Attributes
    ----------
    mount
        Path of the auth method, one for each cluster.
    role
        Role of the auth method.
    audience
        Audience that the token is made for and the role demands.
    service_account
        Name of the ServiceAccount.
    service_account_namespace
        Its namespace: needed for a ClusterSecretStore, and refused for a SecretStore.
    further_audiences
        Audiences that the token needs beside it.
    """

    mount: pulumi.Input[str]
    role: pulumi.Input[str]
    audience: str
    service_account: str
    service_account_namespace: pulumi.Input[str] | None = None
    further_audiences: Sequence[str] = ()

    def auth(self, account: pulumi.Input[str]) -> dict[str, Any]:
        """Spell it, given the name of the ServiceAccount that has been made."""
        reference = {"name": account, "audiences": [self.audience, *self.further_audiences]}
        if self.service_account_namespace is not None:
            reference["namespace"] = self.service_account_namespace
        return {"kubernetes": {"mountPath": self.mount, "role": self.role, "serviceAccountRef": reference}}


@dataclass(frozen=True)
class TokenLogin:
    """With a token of Vault, kept in a Secret that the store's component makes."""

    token: pulumi.Input[str]

    KEY = "token"

    @property
    def secret(self) -> tuple[str, pulumi.Input[str]]:
        """Key of the Secret, and what it holds."""
        return self.KEY, self.token

    def auth(self, reference: Mapping[str, Any]) -> dict[str, Any]:
        """Spell it, given where the token is."""
        return {"tokenSecretRef": reference}


@dataclass(frozen=True)
class AppRoleLogin:
    """With a role id and a secret id, the second kept in a Secret that the store's component makes.

    Attributes
    ----------
    mount
        Path of the auth method.
    """

    mount: pulumi.Input[str]
    role_id: pulumi.Input[str]
    secret_id: pulumi.Input[str]

    KEY = "secret-id"

    @property
    def secret(self) -> tuple[str, pulumi.Input[str]]:
        """Key of the Secret, and what it holds."""
        return self.KEY, self.secret_id

    def auth(self, reference: Mapping[str, Any]) -> dict[str, Any]:
        """Spell it, given where the secret id is."""
        return {"appRole": {"path": self.mount, "roleId": self.role_id, "secretRef": reference}}


Login = KubernetesLogin | TokenLogin | AppRoleLogin
