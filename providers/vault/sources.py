"""Where the values of a secret path come from; what is refused, and what is a change. No connection."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from providers.inputs import Problem, has_unknown
from providers.reference import SecretReference
from providers.vault.connection_input import vault_problems

__all__ = [
    "GENERATED",
    "INPUTS",
    "changed_inputs",
    "check_inputs",
    "fingerprint",
    "known_fingerprint",
    "path_problem",
]

GENERATED = ("litellm-key", "password")
_PATH = re.compile(r"[^/\s\x00-\x1f]+(/[^/\s\x00-\x1f]+)*")
INPUTS = ("mount", "path", "properties", "vault", "retain_on_delete")


def fingerprint(value: str) -> str:
    """Give the SHA-256 of a value in hex."""
    return hashlib.sha256(value.encode()).hexdigest()


# --- check -----------------------------------------------------------------------------------------------


def check_inputs(news: Mapping[str, Any]) -> list[Problem]:
    """Say what is wrong with a secret path's inputs, in which parts may be unknown."""
    return list(_problems(news))


def _problems(news: Mapping[str, Any]) -> Iterator[Problem]:
    for name in ("mount", "path"):
        if not has_unknown(news.get(name)) and (reason := path_problem(news.get(name))):
            yield Problem(name, reason)
    properties = news.get("properties")
    if not has_unknown(properties) and (not isinstance(properties, Mapping) or not properties):
        yield Problem("properties", "expected at least one property with its source")
    elif isinstance(properties, Mapping):
        for name, source in properties.items():
            if reason := _source_problem(source):
                yield Problem(f"properties.{name}", reason)
    yield from (Problem("vault", reason) for reason in vault_problems(news.get("vault") or {}))


def path_problem(path: Any) -> str | None:
    """Say what is wrong with a path in Vault, or nothing."""
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        return f"expected a path without a slash at its ends, got {path!r}"
    if ".." in path.split("/"):
        return f"{path!r}: Vault takes no '..' in a path"
    if path.startswith(("data/", "metadata/")):
        return f"{path!r}: leave out {path.split('/', 1)[0]}/, which KV v2 adds by itself"
    return None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


_KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "generate": (lambda value: value in GENERATED, f"one of {', '.join(GENERATED)}"),
    "env": (_is_text, "the name of an environment variable"),
    "file": (_is_text, "the path of a file"),
    "value": (_is_text, "a text that is not empty"),
    "manual": (lambda value: value is True, "true"),
}


def _source_problem(source: Any) -> str | None:
    """Say what is wrong with one source. Never shows what it holds."""
    if isinstance(source, str) and has_unknown(source):
        return None
    if not isinstance(source, Mapping) or len(source) != 1 or next(iter(source)) not in _KINDS:
        return f"expected exactly one of {', '.join(_KINDS)}"
    [(kind, value)] = source.items()
    accepts, expected = _KINDS[kind]
    return None if has_unknown(value) or accepts(value) else f"expected {kind} to be {expected}"


# --- diff ------------------------------------------------------------------------------------------------


def changed_inputs(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    """Name the inputs that ask for a write, or for another place.

    A secret that comes from the environment or a file is compared by its fingerprint if it is there: a
    preview where it isn't shows no change.
    """
    changed = [
        name for name in ("mount", "path", "vault", "retain_on_delete") if olds.get(name) != news.get(name)
    ]
    if _properties_changed(olds, news):
        changed.append("properties")
    return changed


def _properties_changed(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    properties = news.get("properties")
    if has_unknown(properties) or not isinstance(properties, Mapping):
        return True
    return _sources(olds.get("properties") or {}) != _sources(properties) or any(
        _moved(source, olds.get("fingerprints", {}).get(name)) for name, source in properties.items()
    )


def _moved(source: Mapping[str, Any], written: str | None) -> bool:
    """Whether a source that we write gives something else than was written."""
    if "generate" in source:
        return written is None
    now = known_fingerprint(source)
    return now is not None and now != written


def known_fingerprint(source: Mapping[str, Any]) -> str | None:
    """Fingerprint what a source gives here and now, without asking a server; None if it can't be said."""
    if "value" in source:
        return fingerprint(source["value"])
    if "env" in source or "file" in source:
        value = SecretReference.parse(source).resolve_locally()
        return fingerprint(value) if value else None
    return None


def _sources(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Say where each value comes from, without any value."""
    return {name: None if "value" in source else dict(source) for name, source in properties.items()}
