"""What a provider says when it can't go on.

ProviderError                       one sentence, shown to the user without a traceback
 +-- providers.reference            a secret reference that gives nothing, or no key
 +-- providers.vault.errors         what Vault or OpenBao answered
 +-- providers.kubernetes.errors    what a cluster answered
 +-- providers.litellm.errors       what the gateway answered
"""

__all__ = ["ProviderError"]


class ProviderError(Exception):
    """One sentence: what happened, to which part, and what to do. Never a secret."""
