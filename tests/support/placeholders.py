"""Names for what differs from run to run, so that a recording is the same each time and holds no secret."""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

__all__ = ["Placeholders"]

_KEY = re.compile(r"sk-[A-Za-z0-9_-]{43}")
_SHA_256 = re.compile(r"\b[0-9a-f]{64}\b")
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_END_OF_KEY = re.compile(r"sk-\.\.\.[A-Za-z0-9_-]{4}")
_ENCRYPTED = re.compile(r"litellm_enc::[A-Za-z0-9_=-]+")
_ALIAS_SUFFIX = re.compile(r"(?<=-)[0-9a-f]{7}(?=[\"' ])")
_PLACEHOLDER = re.compile(r"<(?:key|hash|hash7|uuid|alias) \d+>")
_TIMES = {
    "budget_reset_at",
    "created_at",
    "deleted_at",
    "key_rotation_at",
    "last_active",
    "last_rotation_at",
    "reset_at",
    "settings_updated_at",
    "updated_at",
}
_SOME_TIME = "2030-01-01T00:00:00+00:00"
_STEP = timedelta(minutes=5)  # a slow run comes to the same minutes
_MINUTES = re.compile(r"<in (-?\d+) min>")


class Placeholders:
    """Values of one run, numbered in the order in which they appear.

    Parameters
    ----------
    suffix
        Of the names that are made up for this run; in a recording it is `run`.
    """

    def __init__(self, suffix: str = "run") -> None:
        self._suffix = suffix
        self._now = datetime.now(UTC)
        self._names: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    # --- from values to names ----------------------------------------------------------------------------

    def conceal(self, document: Any) -> Any:
        """Put names in the place of values."""
        text = json.dumps(_times(document, self._conceal_time))
        text = text.replace(f"-{self._suffix}", "-run")
        text = _KEY.sub(lambda match: self._key(match[0]), text)
        text = _SHA_256.sub(lambda match: self._names.get(match[0], "<some hash>"), text)
        text = _END_OF_KEY.sub("<end of a key>", text)
        text = _ENCRYPTED.sub("litellm_enc::something", text)
        text = _UUID.sub(lambda match: self._name("uuid", match[0]), text)
        return json.loads(_ALIAS_SUFFIX.sub(lambda match: self._name("alias", match[0]), text))

    def _key(self, value: str) -> str:
        if value not in self._names:
            token_id = hashlib.sha256(value.encode()).hexdigest()
            self._name("hash", token_id)
            self._name("hash7", token_id[:7])
        return self._name("key", value)

    def _name(self, kind: str, value: str) -> str:
        if value not in self._names:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            name = f"<{kind} {self._counts[kind]}>"
            self._names[value], self._values[name] = name, value
        return self._names[value]

    def _conceal_time(self, name: str, value: str) -> str:
        if name in _TIMES:
            return "<some time>"
        steps = (datetime.fromisoformat(value) - self._now) / _STEP
        return f"<in {round(steps) * _STEP // timedelta(minutes=1)} min>"

    # --- from names to values ----------------------------------------------------------------------------

    def reveal(self, document: Any) -> Any:
        """Put values in the place of names: those of this run, or made-up ones."""
        text = json.dumps(_times(document, self._reveal_time))
        text = text.replace("-run", f"-{self._suffix}")
        return json.loads(_PLACEHOLDER.sub(lambda match: self._value(match[0]), text))

    def _value(self, name: str) -> str:
        if name not in self._values:
            kind, number = name.strip("<>").split()
            if kind in ("key", "hash", "hash7"):
                self._made_up_key(number)
            else:
                made_up = f"{int(number):07x}"
                self._names[made_up], self._values[name] = name, made_up
        return self._values[name]

    def _made_up_key(self, number: str) -> None:
        value = f"sk-{number:x>43}"
        token_id = hashlib.sha256(value.encode()).hexdigest()
        for kind, made_up in (("key", value), ("hash", token_id), ("hash7", token_id[:7])):
            name = f"<{kind} {number}>"
            self._names[made_up], self._values[name] = name, made_up

    def _reveal_time(self, _: str, value: str) -> str:
        minutes = _MINUTES.fullmatch(value)
        if minutes is None:
            return _SOME_TIME if value == "<some time>" else value
        return (self._now + timedelta(minutes=int(minutes[1]))).isoformat(timespec="milliseconds")


def _times(document: Any, replaced: Callable[[str, str], str], name: str = "") -> Any:
    """Replace what stands under the names of the gateway's times."""
    if isinstance(document, dict):
        return {inner: _times(value, replaced, inner) for inner, value in document.items()}
    if isinstance(document, list):
        return [_times(item, replaced, name) for item in document]
    return (
        replaced(name, document) if isinstance(document, str) and name in _TIMES | {"expires"} else document
    )
