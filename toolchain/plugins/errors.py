"""Errors of the plugins. Each is one sentence for the user.

PluginError
├── UnsupportedError      (what only the official plugin does)
├── NotReadyError         (the object is there, but isn't ready)
├── VaultError            (toolchain.plugins.vault.errors)
└── ClusterError          (toolchain.plugins.kubernetes.errors)
"""

from toolchain.plugins.values import Document

__all__ = ["NotReadyError", "PluginError", "UnsupportedError"]


class PluginError(Exception):
    """What went wrong, with which resource, and what to do about it."""


class UnsupportedError(PluginError):
    """The program asks for something that only the official plugin can do."""

    def __init__(self, package: str, version: str, what: str) -> None:
        super().__init__(
            f"The substitute for the {package} plugin can't do {what}: install the official one with "
            f"`pulumi plugin install resource {package} {version}`."
        )


class NotReadyError(PluginError):
    """The object was written but isn't ready: the engine keeps its state and shows the reason."""

    def __init__(self, resource_id: str, inputs: Document, state: Document, reason: str) -> None:
        super().__init__(reason)
        self.resource_id = resource_id
        self.inputs = inputs
        self.state = state
        self.reason = reason
