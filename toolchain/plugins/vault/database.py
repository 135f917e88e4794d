"""Connections of the database secrets engine."""

from dataclasses import dataclass

from toolchain.plugins.plugin import Failure
from toolchain.plugins.values import Document
from toolchain.plugins.vault.fields import drifted, drifted_entries, snake
from toolchain.plugins.vault.kind import Kind

__all__ = ["ConnectionKind"]

_PLUGIN_OF_BLOCK = {
    "postgresql": "postgresql-database-plugin",
    "mysql": "mysql-database-plugin",
    "mongodb": "mongodb-database-plugin",
    "mssql": "mssql-database-plugin",
    "redis": "redis-database-plugin",
    "redshift": "redshift-database-plugin",
}
_TOP_LEVEL = ("allowedRoles", "rootRotationStatements", "verifyConnection", "passwordPolicy")
_READ_AS = {"allowedRoles": "allowed_roles", "rootRotationStatements": "root_credentials_rotate_statements"}


@dataclass(frozen=True, kw_only=True)
class ConnectionKind(Kind):
    """A connection: what all databases have, and one block of the database's own options."""

    def failures(self, inputs: Document) -> list[Failure]:
        if _block(inputs) is None and "pluginName" not in inputs:
            known = ", ".join(_PLUGIN_OF_BLOCK)
            return [Failure("pluginName", f"must be given where no block of {known} is")]
        return []

    def body(self, inputs: Document, before: Document) -> Document:
        del before
        block = _block(inputs)
        options = inputs[block] if block else {}
        return {
            **{snake(name): inputs[name] for name in _TOP_LEVEL if name in inputs},
            "plugin_name": inputs.get("pluginName") or _PLUGIN_OF_BLOCK[block or ""],
            **{_sent_as(name): value for name, value in options.items() if name != "passwordWoVersion"},
            **(inputs.get("data") or {}),
        }

    def live(self, inputs: Document, answer: Document) -> Document:
        result = dict(inputs)
        for name, api_name in _READ_AS.items():
            if name in inputs:
                result[name] = drifted(inputs[name], answer.get(api_name) or [])
        if block := _block(inputs):
            result[block] = drifted_entries(inputs[block], answer.get("connection_details") or {})
        return result

    def imported(self, inputs: Document, answer: Document) -> Document:
        return {
            **inputs,
            "pluginName": answer.get("plugin_name"),
            "allowedRoles": answer.get("allowed_roles") or [],
        }


def _block(inputs: Document) -> str | None:
    return next((name for name in _PLUGIN_OF_BLOCK if name in inputs), None)


def _sent_as(name: str) -> str:
    return "password" if name == "passwordWo" else snake(name)
