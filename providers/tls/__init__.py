"""Whether a server can be trusted, asked before something depends on it."""

from providers.tls.server_trust import ServerTrust

__all__ = ["ServerTrust"]
