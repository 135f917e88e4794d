"""Virtual keys of a LiteLLM gateway, and who manages them."""

from providers.litellm.platform_admin import PlatformAdmin
from providers.litellm.revocation_bound import RevocationBound
from providers.litellm.template import KeyTemplate
from providers.litellm.virtual_key import VirtualKey

__all__ = ["KeyTemplate", "PlatformAdmin", "RevocationBound", "VirtualKey"]
