"""The inputs of a database connection: what is refused, and what is a change. No connection."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from providers.inputs import Problem, has_unknown, known_only
from providers.reference import SecretReference
from providers.vault.connection_input import vault_problems
from providers.vault.sources import known_fingerprint, path_problem

__all__ = ["INPUTS", "OPTIONS", "PLUGINS", "changed_inputs", "check_inputs", "connection_url_problem"]

INPUTS = (
    "mount",
    "name",
    "plugin",
    "connection_url",
    "username",
    "password",
    "password_version",
    "rotate_root",
    "verify_connection",
    "roles",
    "static_roles",
    "root_rotation_statements",
    "options",
    "vault",
    "retain_on_delete",
)
OF_THE_PROGRAM = frozenset({"vault", "retain_on_delete"})
"""Inputs that Vault isn't told."""
PLUGINS: Mapping[str, str] = {
    "postgresql": "postgresql-database-plugin",
    "mysql": "mysql-database-plugin",
}
OPTIONS: Mapping[str, Any] = {
    "max_open_connections": 0,
    "max_connection_lifetime": "0s",
    "username_template": "",
    "password_authentication": "",
    "tls_ca": "",
}
"""Further options of a connection, and what takes each back to its default."""

_TEMPLATED = re.compile(r"(\w+://)?\{\{username\}\}:\{\{password\}\}@")


def connection_url_problem(url: Any) -> str | None:
    """Say what is wrong with a connection URL, or nothing. Never shows it: it may hold a password."""
    if isinstance(url, str) and _TEMPLATED.match(url) and "password=" not in url:
        return None
    return (
        "expected {{username}}:{{password}}@ before the host, which Vault fills in; "
        "a password never stands in the URL"
    )


# --- check -----------------------------------------------------------------------------------------------


def check_inputs(news: Mapping[str, Any]) -> list[Problem]:
    """Say what is wrong with a connection's inputs, in which parts may be unknown."""
    return list(_problems(news))


def _problems(news: Mapping[str, Any]) -> Iterator[Problem]:
    for name in ("mount", "name"):
        if not has_unknown(news.get(name)) and (reason := path_problem(news.get(name))):
            yield Problem(name, reason)
    url, plugin, password = news.get("connection_url"), news.get("plugin"), news.get("password")
    if not has_unknown(url) and (reason := connection_url_problem(url)):
        yield Problem("connection_url", reason)
    if not has_unknown(plugin) and plugin not in PLUGINS:
        yield Problem("plugin", f"expected one of {', '.join(PLUGINS)}, got {plugin!r}")
    if not has_unknown(password) and (reason := _password_problem(password)):
        yield Problem("password", reason)
    if news.get("rotate_root") and news.get("verify_connection") is False:
        yield Problem("verify_connection", "expected true with rotate_root, which needs the database at once")
    yield from (Problem("vault", reason) for reason in vault_problems(news.get("vault") or {}))
    if not has_unknown(news.get("options")):
        try:
            known_only(news.get("options") or {}, OPTIONS)
        except ValueError as error:
            yield Problem("options", str(error))


def _password_problem(source: Any) -> str | None:
    if isinstance(source, Mapping) and dict(source) == {"manual": True}:
        return None
    try:
        SecretReference.parse(source)
    except ValueError:
        return "expected exactly one of env, file, vault or manual: true"
    return None


# --- diff ------------------------------------------------------------------------------------------------


def changed_inputs(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    """Name the inputs that ask for a write, or for another place.

    Where the password comes from is no change: once it is rotated, the source is stale on purpose, and a
    raised `password_version` says that it is to be read anew. Only a password that isn't rotated follows its
    source, by its fingerprint, if that can be looked at here.
    """
    changed = [name for name in INPUTS if name != "password" and olds.get(name) != news.get(name)]
    if not news.get("rotate_root") and olds.get("root") == "given" and _moved(olds, news.get("password")):
        changed.append("password")
    return changed


def _moved(olds: Mapping[str, Any], source: Any) -> bool:
    if has_unknown(source) or not isinstance(source, Mapping):
        return False
    now = known_fingerprint(source)
    return now is not None and now != olds.get("fingerprint")
