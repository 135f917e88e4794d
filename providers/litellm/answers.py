"""What an answer of the gateway means: the border where status codes and JSON become our errors.

The `type` of LiteLLM's errors isn't reliable, so only status, `code`, `param` and the message are read.
"""

import ast
import re
from typing import Any

import httpx

from providers.litellm.errors import (
    AdminKeyRefusedError,
    AliasTakenError,
    GatewayError,
    GatewayRefusedError,
    GatewayUnavailableError,
    LicenceNeededError,
    NotAGatewayError,
)

__all__ = ["NOT_FOUND", "failure", "is_not_found", "json_object"]

NOT_FOUND = httpx.codes.NOT_FOUND
_KEY = re.compile(r"sk-[^\s'\",}]+")
_LICENCE = re.compile(r"enterprise (?:users|license)(?:: (\w+)| to (?:set|use) (\w+))?", re.IGNORECASE)
_REFUSALS = (
    ("Organization doesn't exist", "organization_id"),
    ("Project not found", "project_id"),
    ("Unsupported duration unit", "duration"),
    ("is not a member of the team", "team_id"),
    ("Invalid model_max_budget", "model_max_budget"),
)
"""Refusals for good that LiteLLM answers with a status that says something else, and the field they mean."""
_LONGEST_REASON = 300


def json_object(response: httpx.Response) -> dict[str, Any] | None:
    """Read a JSON object, or nothing if the answer is something else."""
    try:
        document = response.json()
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def is_not_found(response: httpx.Response) -> bool:
    """Whether LiteLLM itself says that there is no such key; an ingress without a backend says 404 too."""
    error = (json_object(response) or {}).get("error")
    return response.status_code == NOT_FOUND and isinstance(error, dict) and error.get("code") == "404"


def failure(response: httpx.Response, *, url: str, admin_key: str) -> GatewayError:
    """Translate an answer that isn't a success.

    Parameters
    ----------
    response
        The answer.
    url
        Of the gateway.
    admin_key
        Where the admin key is found, in words.
    """
    reason = _reason(json_object(response))
    path, status = response.request.url.path, response.status_code
    if refusal := _refusal_for_good(url, path, status, reason):
        return refusal
    if why := _why_unavailable(path, status, reason):
        return GatewayUnavailableError(url, why + _suspicion(response.request, reason))
    if not reason:
        return NotAGatewayError(url, path, status)
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return AdminKeyRefusedError(url, admin_key, reason)
    return GatewayRefusedError(url, path, status, reason)


def _refusal_for_good(url: str, path: str, status: int, reason: str) -> GatewayError | None:
    """Know a refusal by its words, whatever the status says."""
    if licence := _LICENCE.search(reason):
        return LicenceNeededError(url, licence[1] or licence[2] or "a field of this key")
    if alias := re.search(r"Key with alias '(.*)' already exists", reason):
        return AliasTakenError(url, alias[1])
    for words, field in _REFUSALS:
        if words in reason:
            return GatewayRefusedError(url, path, status, f"{field}: {reason}")
    return None


def _why_unavailable(path: str, status: int, reason: str) -> str | None:
    """Tell what passes by itself from what doesn't. /key/update answers 400 when the database is gone."""
    if status == httpx.codes.TOO_MANY_REQUESTS or httpx.codes.is_server_error(status):
        return f"answers {path} with HTTP {status} ({reason or 'no reason given'})"
    return f"has lost its database ({reason})" if "reach database server" in reason else None


def _suspicion(request: httpx.Request, reason: str) -> str:
    """Name the field that LiteLLM has in mind when it fails without a word: a budget that isn't there."""
    is_mute = reason == "Internal Server Error" and b'"budget_id"' in request.content
    return "; a budget_id that doesn't exist gives this answer too" if is_mute else ""


def _reason(document: dict[str, Any] | None) -> str:
    """Find the words in one of the three forms in which LiteLLM puts them, without any key."""
    error = (document or {}).get("error")
    text = error.get("message") if isinstance(error, dict) else (document or {}).get("detail")
    if isinstance(text, list):
        text = "; ".join(f"{'.'.join(map(str, item['loc'][1:]))}: {item['msg']}" for item in text)
    if isinstance(text, str) and text.startswith("{"):
        text = _unquoted(text)
    if isinstance(text, dict):
        text = text.get("error")
    words = " ".join(str(text or "").split()).removeprefix("Authentication Error, ")
    return _KEY.sub("sk-…", words)[:_LONGEST_REASON].rstrip(".")


def _unquoted(text: str) -> Any:
    """Read the dict that LiteLLM often prints into its message."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
