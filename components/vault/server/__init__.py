"""Vault or OpenBao itself, on Kubernetes."""

from components.vault.server.server import VaultServer

__all__ = ["VaultServer"]
