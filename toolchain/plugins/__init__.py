"""Substitutes for the official resource plugins of Vault and Kubernetes, where those can't be had.

They serve the unmodified SDKs by the engine's own protocol, for the resource types that this project uses,
and behave like the official ones wherever a program can tell. ``install.provide`` puts them in place.
"""

from toolchain.plugins.install import provide

__all__ = ["provide"]
