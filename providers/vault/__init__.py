"""Secrets in Vault or OpenBao, KV v2."""

from providers.vault.kv_mounts import KvMounts
from providers.vault.kv_secret import KvSecret

__all__ = ["KvMounts", "KvSecret"]
