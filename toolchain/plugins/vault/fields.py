"""The spelling of fields and values: camelCase in the SDK, snake_case and seconds in the API."""

import re
from typing import Any

__all__ = ["camel", "drifted", "drifted_entries", "empty_like", "same", "seconds", "snake"]

_SECONDS_PER_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:\d+[smhd])+|\d+")
_DURATION_PART = re.compile(r"(\d+)([smhd])")


def snake(name: str) -> str:
    """Return ``tokenMaxTtl`` as ``token_max_ttl``."""
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def camel(name: str) -> str:
    """Return ``token_max_ttl`` as ``tokenMaxTtl``."""
    return re.sub(r"_([a-z0-9])", lambda letter: letter[1].upper(), name)


def seconds(value: Any) -> Any:
    """Return ``1h30m`` or ``"5400"`` as 5400: the server gives back seconds, however they were written."""
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        return value
    if value.isdigit():
        return int(value)
    return sum(int(count) * _SECONDS_PER_UNIT[unit] for count, unit in _DURATION_PART.findall(value))


def same(given: Any, live: Any) -> bool:
    """Tell whether what the server has means what the program gave."""
    if _is_empty(given) and _is_empty(live):
        return True
    if isinstance(given, list) and isinstance(live, list):
        return sorted(map(str, given)) == sorted(map(str, live))
    if isinstance(given, str) and isinstance(live, str) and given.strip() == live.strip():
        return True
    return bool(seconds(given) == seconds(live))


def drifted(given: Any, live: Any) -> Any:
    """Return `given` where the server means the same, else what the server has, in the type of the input."""
    if same(given, live):
        return given
    return str(live) if isinstance(given, str) and isinstance(live, int) else live


def drifted_entries(given: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """Return a nested input with the server's values where they differ; it may not tell them all."""
    return {name: drifted(value, told.get(snake(name), value)) for name, value in given.items()}


def empty_like(value: Any) -> Any:
    """Return the empty value of the type: what the server takes for "no longer set"."""
    return type(value)()


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {}, 0, False)
