"""Secrets in Vault or OpenBao, KV v2."""

from providers.vault.kv_secret import KvSecret

__all__ = ["KvSecret"]
