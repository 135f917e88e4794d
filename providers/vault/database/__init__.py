"""Vault's database secrets engine: connections, and rotations of static roles."""

from providers.vault.database.connection import DatabaseConnection
from providers.vault.database.rotation import StaticRoleRotation

__all__ = ["DatabaseConnection", "StaticRoleRotation"]
