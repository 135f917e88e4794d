"""Virtual keys of a LiteLLM gateway."""

from providers.litellm.virtual_key import VirtualKey

__all__ = ["VirtualKey"]
