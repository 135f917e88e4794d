"""External Secrets Operator: the store that reaches Vault, and the ExternalSecret that follows it."""

from components.external_secrets.external_secret import SyncedSecret
from components.external_secrets.store import ClusterScope, VaultStore

__all__ = [
    "ClusterScope",
    "SyncedSecret",
    "VaultStore",
]
