"""Dynamic resources of their own: LiteLLM's virtual keys and secrets in Vault KV v2."""
