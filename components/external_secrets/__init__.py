"""External Secrets Operator: stores that reach Vault, secrets that follow it, and secrets pushed to it."""

from components.external_secrets.dynamic_secret import VaultDynamicSecret
from components.external_secrets.external_secret import ExternalSecret, SyncedSecret
from components.external_secrets.operator import Operator
from components.external_secrets.push_secret import PushSecret
from components.external_secrets.store import ClusterScope, VaultStore

__all__ = [
    "ClusterScope",
    "ExternalSecret",
    "Operator",
    "PushSecret",
    "SyncedSecret",
    "VaultDynamicSecret",
    "VaultStore",
]
