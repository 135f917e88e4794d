"""LiteLLM on Kubernetes: its configuration, the gateway itself, the way in, and the virtual keys."""

from components.litellm.gateway import Gateway
from components.litellm.ingress import expose
from components.litellm.keys import VirtualKeys

__all__ = ["Gateway", "VirtualKeys", "expose"]
