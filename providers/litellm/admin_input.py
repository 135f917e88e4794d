"""What a platform admin is, beside what a program says of it. Pure."""

import hashlib
from collections.abc import Mapping
from typing import Any

from providers.inputs import UNKNOWN, Problem
from providers.litellm import checks, known
from providers.litellm.destination import Destination
from providers.litellm.ownership import resource_name

__all__ = ["ROLE", "ROUTES", "check_admin", "for_keys", "is_demoted"]

ROLE = "proxy_admin"
"""LiteLLM lets nobody else manage the keys of others."""

ROUTES = (
    "/health/readiness",
    "/key/delete",
    "/key/generate",
    "/key/info",
    "/key/list",
    "/key/update",
)
"""What the providers call. The gateway takes each for a prefix of a path, segment by segment."""


def check_admin(olds: Mapping[str, Any], news: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Check an admin's inputs and complete them with its user, its role and its routes.

    Parameters
    ----------
    olds
        The inputs of the last time; empty for a new admin, and for the successor in a replacement.
    news
        The inputs of now, in which parts may be unknown.

    Returns
    -------
    tuple
        The completed inputs, and what is wrong with them.
    """
    fixed = {"user_id": _user_id(olds, news), "allowed_routes": list(ROUTES)}
    inputs, problems = checks.check_inputs(olds, {**news, **fixed})
    if not news.get("deliver"):
        problems.append(Problem("deliver", "expected mount and path: the admin's key is kept in Vault alone"))
    return {**inputs, "user_role": ROLE}, problems


def is_demoted(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether somebody has given the user another role."""
    return bool(olds.get("user_role") != news.get("user_role"))


def for_keys(gateway: Mapping[str, Any], deliver: Mapping[str, Any], urn: str) -> dict[str, Any]:
    """Give the `gateway` input of the keys that an admin manages.

    Parameters
    ----------
    gateway
        The admin's own.
    deliver
        Where its key is.
    urn
        Of the admin.
    """
    place = Destination.parse(deliver)
    admin_key = {"vault": {"mount": place.mount, "path": place.path, "property": place.property}}
    return {**gateway, "admin_key": admin_key, "admin_key_owner": resource_name(urn)}


def _user_id(olds: Mapping[str, Any], news: Mapping[str, Any]) -> str:
    """Name the user after the resource, so that a create that was interrupted finds it again."""
    owner = news.get("owner", UNKNOWN)
    if not isinstance(owner, str) or owner == UNKNOWN:
        return str(olds.get("user_id") or UNKNOWN)
    if user_id := known.same_user(owner, olds.get("user_id")):
        return user_id
    return f"{resource_name(owner)}-{hashlib.sha256(owner.encode()).hexdigest()[:8]}"
