"""LiteLLM on Kubernetes: its configuration, the gateway itself, the way in, and the virtual keys."""

from components.litellm.database import DatabaseCredentials, given_url
from components.litellm.gateway import Gateway
from components.litellm.ingress import expose
from components.litellm.keys import VirtualKeys

__all__ = ["DatabaseCredentials", "Gateway", "VirtualKeys", "expose", "given_url"]
