"""What the gateway needs of Vault or OpenBao: the secrets themselves, and who may read them."""

from components.vault.access import StoreAccess
from components.vault.secrets import GatewaySecrets, SecretPath

__all__ = ["GatewaySecrets", "SecretPath", "StoreAccess"]
