"""Virtual keys of a LiteLLM gateway."""

from providers.litellm.template import KeyTemplate
from providers.litellm.virtual_key import VirtualKey

__all__ = ["KeyTemplate", "VirtualKey"]
