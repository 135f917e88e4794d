"""LiteLLM's own configuration file, made from the stack's settings. It names secrets and holds none."""

from collections.abc import Sequence
from typing import Any

import yaml

from schema import GatewaySettings, ModelSettings

__all__ = ["render_config"]


def render_config(gateway: GatewaySettings, models: Sequence[ModelSettings]) -> str:
    """Write `config.yaml`.

    `user_api_key_cache_ttl` is the time for which a replica goes on accepting a key that was deleted through
    another one (source: LiteLLM's `general_settings`), so it bounds every revocation.
    """
    document: dict[str, Any] = {
        "model_list": [_entry(model) for model in models],
        "general_settings": {
            "master_key": "os.environ/LITELLM_MASTER_KEY",
            "database_url": "os.environ/DATABASE_URL",
            "store_model_in_db": True,
            "user_api_key_cache_ttl": gateway.key_cache_ttl_seconds,
        },
        "litellm_settings": {"telemetry": False} | gateway.litellm_settings,
    }
    if gateway.router_settings:
        document["router_settings"] = gateway.router_settings
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _entry(model: ModelSettings) -> dict[str, Any]:
    params: dict[str, Any] = {"model": model.model}
    if model.api_key_env:
        params["api_key"] = f"os.environ/{model.api_key_env}"
    if model.api_base:
        params["api_base"] = model.api_base
    if model.mock_response is not None:
        params["mock_response"] = model.mock_response
    entry: dict[str, Any] = {"model_name": model.name, "litellm_params": params | model.params}
    if model.info:
        entry["model_info"] = model.info
    return entry
