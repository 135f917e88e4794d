"""LiteLLM's key API in memory, as the real one was seen to behave; the contract tests hold it to that.

It knows nothing of the field table: what it does with null, empty and nested values is written down here a
second time, so that the table is tested against something.
"""

import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from pydantic import SecretStr

from providers.litellm import known
from providers.litellm.client import GatewayClient
from providers.litellm.durations import parse_duration
from providers.litellm.ownership import SUPERSEDED_BY

__all__ = ["ADMIN_KEY", "FakeGateway", "RefusedError"]

ADMIN_KEY = "sk-admin-key-of-the-tests"

_LICENSED = {
    "tags",
    "guardrails",
    "policies",
    "prompts",
    "disable_global_guardrails",
    "allowed_passthrough_routes",
    "denied_passthrough_routes",
}
_NESTED = _LICENSED | {
    "model_rpm_limit",
    "model_tpm_limit",
    "mcp_rpm_limit",
    "tag_rpm_limit",
    "rpm_limit_type",
    "tpm_limit_type",
    "enforced_params",
    "enable_prompt_caching",
    "throttle_on_budget_exceeded",
    "allowed_vector_store_indexes",
    "default_estimated_output_tokens",
    "default_estimated_output_tokens_per_model",
    "end_user_budget_id",
}
_NULL_IS_REFUSED: dict[str, Any] = {
    "models": [],
    "metadata": {},
    "aliases": {},
    "config": {},
    "permissions": {},
    "router_settings": {},
    "allowed_cache_controls": [],
    "allowed_routes": [],
    "access_group_ids": [],
    "budget_fallbacks": {},
}
_NULL_CLEARS = (
    "key_alias",
    "max_budget",
    "budget_duration",
    "budget_limits",
    "budget_id",
    "user_id",
    "team_id",
    "agent_id",
    "max_parallel_requests",
    "tpm_limit",
    "rpm_limit",
    "tpd_limit",
    "blocked",
    "auto_rotate",
    "rotation_interval",
)
_ROUTES = {"llm_api": "llm_api_routes", "management": "management_routes", "read_only": "info_routes"}
_OVERLOOKED = ("key", "send_invite_email", "temp_budget_increase", "temp_budget_expiry")


class RefusedError(Exception):
    """An answer that isn't 200."""

    def __init__(self, status: int, message: str, param: str | None = None) -> None:
        self.status = status
        self.error = {"message": message, "type": "any", "param": param, "code": str(status)}


class FakeGateway:
    """Keys in memory, served by a transport.

    Parameters
    ----------
    now
        Its clock, UTC.

    Attributes
    ----------
    rows
        Hash -> row, without the deleted ones.
    calls
        Path -> number of requests.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self.rows: dict[str, dict[str, Any]] = {}
        self.archive: dict[str, dict[str, Any]] = {}
        self.calls: Counter[str] = Counter()
        self.transport = httpx.MockTransport(self._serve)

    def client(self, **options: Any) -> GatewayClient:
        """Make a client as a new process of Pulumi's plugin would have it."""
        known.forget()
        http = httpx.Client(base_url="http://gateway.test", transport=self.transport)
        options = {"ready_timeout_seconds": 1, "patience_seconds": 1} | options
        admin_key = SecretStr(ADMIN_KEY)
        return GatewayClient(
            "http://gateway.test", http, lambda: admin_key, admin_key_place="the tests", **options
        )

    @property
    def living(self) -> set[str]:
        """Give the hashes of the keys that no other one has taken the place of; those have an end."""
        ending = {token for token, row in self.rows.items() if SUPERSEDED_BY in row["metadata"]}
        assert all(self.rows[token]["expires"] for token in ending)
        return self.rows.keys() - ending

    def use(self, token_id: str, usd: float) -> None:
        """Do what a replica does seconds after a request."""
        row = self.rows[token_id]
        row |= {"spend": row["spend"] + usd, "total_spend": row["total_spend"] + usd}
        row["last_active"] = self._now().isoformat()

    def _serve(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.calls[path] += 1
        if path == "/health/readiness":
            return httpx.Response(200, json={"status": "healthy", "db": "connected"})
        try:
            self._authenticate(request)
            content = json.loads(request.content) if request.content else dict(request.url.params)
            return httpx.Response(200, json=getattr(self, "_" + path.removeprefix("/key/"))(content))
        except RefusedError as refused:
            return httpx.Response(refused.status, json={"error": refused.error})

    def _authenticate(self, request: httpx.Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {ADMIN_KEY}":
            raise RefusedError(401, "Authentication Error, Invalid proxy server token passed.")

    def _info(self, query: Mapping[str, str]) -> dict[str, Any]:
        token = query["key"]
        if token in self.rows:
            ends = self.rows[token]["expires"]
            is_over = ends is not None and datetime.fromisoformat(ends) <= self._now()
            return {"key": token, "info": {**self.rows[token], "status": "expired" if is_over else "active"}}
        if token in self.archive:
            return {"key": token, "info": {**self.archive[token], "status": "deleted"}}
        raise RefusedError(404, "Key not found in database", "key")

    def _list(self, query: Mapping[str, str]) -> dict[str, Any]:
        rows = [
            {"token": token, **row}
            for token, row in self.rows.items()
            if query.get("key_alias", row["key_alias"]) == row["key_alias"]
        ]
        size, page = int(query["size"]), int(query["page"])
        return {"keys": rows[(page - 1) * size : page * size], "total_pages": -(-len(rows) // size)}

    def _generate(self, body: dict[str, Any]) -> dict[str, Any]:
        token = hashlib.sha256(body["key"].encode()).hexdigest()
        self._refuse(body, token)
        if token not in self.rows:
            row: dict[str, Any] = dict.fromkeys(_NULL_CLEARS) | dict(_NULL_IS_REFUSED)
            row |= {
                "expires": None,
                "litellm_budget_table": None,
                "object_permission": None,
                "last_active": None,
                "settings_updated_at": None,
            }
            row |= {"spend": body.get("spend", 0.0), "total_spend": 0.0, "budget_reset_at": None}
            row |= {"key_type": body.get("key_type") or "default"}
            self.rows[token] = row
            self._apply(row, _kept_of_a_new_key(body))
        return {**body, "token": token}

    def _update(self, body: dict[str, Any]) -> dict[str, Any]:
        row = self.rows.get(body["key"])
        if row is None:
            raise RefusedError(404, "Key not found.", "key")
        self._refuse(body, body["key"])
        self._apply(row, {name: value for name, value in body.items() if name != "key_type"})
        row["settings_updated_at"] = self._now().isoformat()
        return {"key": body["key"], **row, "litellm_budget_table": None}  # whatever the row has

    def _delete(self, body: Mapping[str, Any]) -> dict[str, Any]:
        found = [token for token in body["keys"] if token in self.rows]
        if not found:
            raise RefusedError(404, "{'error': 'No keys found'}")
        for token in found:
            self.archive[token] = self.rows.pop(token)
        return {"deleted_keys": body["keys"]}

    # --- the rules ---------------------------------------------------------------------------------------

    def _refuse(self, body: Mapping[str, Any], token: str) -> None:
        for name in _LICENSED:
            if body.get(name):
                message = f"This feature is only available for LiteLLM Enterprise users: {name}. You must be"
                raise RefusedError(403, str({"error": message}))
        if body.get("model_max_budget"):
            message = "Invalid model_max_budget: You must have an enterprise license to set model_max_budget."
            raise RefusedError(500, message)
        for name in _NULL_IS_REFUSED:
            if name in body and body[name] is None:
                raise RefusedError(400, "Authentication Error, Unable to match input value")
        alias = body.get("key_alias")
        if alias is not None and any(t != token and r["key_alias"] == alias for t, r in self.rows.items()):
            raise RefusedError(
                400, f"Key with alias '{alias}' already exists. Unique key aliases", "key_alias"
            )

    def _apply(self, row: dict[str, Any], body: dict[str, Any]) -> None:
        if "metadata" in body:
            row["metadata"] = _encrypted(body["metadata"])
        for name, value in body.items():
            if name in _NESTED:
                row["metadata"] |= {} if value is None else {name: value}
            elif special := getattr(self, f"_apply_{name}", None):
                special(row, value)
            elif name != "metadata" and name not in _OVERLOOKED:
                row[name] = value

    def _apply_duration(self, row: dict[str, Any], value: str | None) -> None:
        if value is None:
            row["expires"] = None
        else:
            seconds = 0 if value == "0s" else parse_duration(value)
            end = self._now() + timedelta(seconds=seconds, milliseconds=secrets.randbelow(900))
            row["expires"] = end.isoformat(timespec="milliseconds")

    def _apply_soft_budget(self, row: dict[str, Any], value: float | None) -> None:
        row["budget_id"] = row["budget_id"] or "made for this key"
        row["litellm_budget_table"] = {"soft_budget": value, "max_budget": None}

    def _apply_budget_limits(self, row: dict[str, Any], value: list[dict[str, Any]] | None) -> None:
        reset_at = "2030-01-01T00:00:00+00:00"
        row["budget_limits"] = [{**window, "reset_at": reset_at} for window in value] if value else None

    def _apply_object_permission(self, row: dict[str, Any], value: dict[str, Any] | None) -> None:
        kept = row["object_permission"] or {
            "object_permission_id": "1",
            "mcp_servers": [],
            "vector_stores": [],
        }
        row["object_permission"] = kept | (value or {})

    def _apply_key_type(self, row: dict[str, Any], value: str) -> None:
        row["key_type"] = value
        if value != "default":
            row["allowed_routes"] = [_ROUTES[value]]


def _kept_of_a_new_key(body: Mapping[str, Any]) -> dict[str, Any]:
    """Forget what /key/update would keep: null settings, and an interval without `auto_rotate`."""
    kept = {name: value for name, value in body.items() if value is not None}
    if "router_settings" in kept:
        settings = kept["router_settings"].items()
        kept["router_settings"] = {name: value for name, value in settings if value is not None}
    if not kept.get("auto_rotate"):
        kept.pop("rotation_interval", None)
    return kept


def _encrypted(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Encrypt what callbacks log in with."""
    if "logging" not in metadata:
        return dict(metadata)
    callbacks = [
        {**callback, "callback_vars": dict.fromkeys(callback.get("callback_vars", ()), "litellm_enc::x")}
        for callback in metadata["logging"]
    ]
    return {**metadata, "logging": callbacks}
