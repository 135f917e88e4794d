"""What the gateway needs of Vault or OpenBao: the secrets themselves, and who may read them."""

from components.vault.access import StoreAccess
from components.vault.app_policy import pushing_policy, reading_policy
from components.vault.database import DatabaseEngine
from components.vault.identity import Identity
from components.vault.kubernetes_auth import KubernetesAuth, let_review
from components.vault.login import AppRoleLogin, KubernetesLogin, Login, TokenLogin
from components.vault.secrets import GatewaySecrets, SecretPath
from components.vault.trust import vault_mounts, vault_trust

__all__ = [
    "AppRoleLogin",
    "DatabaseEngine",
    "GatewaySecrets",
    "Identity",
    "KubernetesAuth",
    "KubernetesLogin",
    "Login",
    "SecretPath",
    "StoreAccess",
    "TokenLogin",
    "let_review",
    "pushing_policy",
    "reading_policy",
    "vault_mounts",
    "vault_trust",
]
