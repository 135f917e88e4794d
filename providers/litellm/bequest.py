"""What a successor keeps of its predecessor beyond what is declared: fields that no program speaks of.

A limit that somebody set elsewhere, or that an adopted key came with, still holds after a rotation. A field
that was declared and isn't any more is cleared instead, which only the state can tell: what is replaced by
force (`pulumi up --replace`) keeps such fields only if it was adopted.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Self

from providers.litellm import clock
from providers.litellm.changes import user_metadata
from providers.litellm.client import GatewayClient
from providers.litellm.drift import live_value, undeclared
from providers.litellm.fields import BY_NAME, FILLED_BY, WITHOUT_FIELD, Stored
from providers.litellm.key_state import shares_metadata
from providers.litellm.kinds import parse_instant
from providers.litellm.known import Current
from providers.litellm.ownership import ADOPTED
from providers.litellm.succession import Predecessor

__all__ = ["Bequest"]

_NEVER_KEPT = frozenset({"key_alias", "metadata"})
"""No two keys have the same alias; metadata is kept name by name."""


@dataclass(frozen=True)
class Bequest:
    """What a successor keeps.

    Attributes
    ----------
    names
        Of the fields.
    row
        Of the key whose fields they are.
    expires
        When the successor has to end, RFC 3339, if that is kept.
    metadata
        What nobody has declared of it: others' names, and settings of the gateway's that aren't fields.
    is_shared
        Whether others' names stay in it beside those that are declared.
    """

    names: frozenset[str]
    row: Mapping[str, Any]
    expires: str | None
    metadata: Mapping[str, Any]
    is_shared: bool

    @classmethod
    def of(
        cls,
        gateway: GatewayClient,
        inputs: Mapping[str, Any],
        predecessor: Predecessor,
        in_state: Current | None,
    ) -> Self:
        """Find it.

        Parameters
        ----------
        gateway
            Is asked for the state's key, if that isn't the predecessor.
        inputs
            Of the successor.
        predecessor
            Whose place it takes.
        in_state
            The key that the state has, if it is known: the predecessor, or that one's predecessor.
        """
        row = predecessor.row
        declared = in_state.declared if in_state else None
        if declared is None and (in_state or ADOPTED not in (row.get("metadata") or {})):
            return cls(frozenset(), row, None, {}, is_shared=False)
        if in_state and in_state.token_id != predecessor.token_id:
            row = gateway.info(in_state.token_id) or row
        spoken_of = {**dict.fromkeys(declared or (), True), **inputs}
        names = set(undeclared(spoken_of, row)) - _NEVER_KEPT
        names -= {name for filled, name in FILLED_BY.items() if filled in names}  # what is filled in says it
        expires = predecessor.row.get("expires") if "duration" in names else None
        is_shared = declared is None or shares_metadata(declared)
        metadata = _metadata_beyond(
            in_state.metadata if in_state else (),
            row,
            is_shared=is_shared or "metadata" not in spoken_of,
        )
        return cls(frozenset(names), row, expires, metadata, is_shared=is_shared)

    def added(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Add it to the body of /key/generate.

        What stands in the metadata goes as it stands there: so the gateway takes what it has encrypted, and
        what would need a licence as a parameter.
        """
        added: dict[str, Any] = {}
        metadata = dict(self.metadata)
        for name in sorted(self.names):
            field, value = BY_NAME[name], self._value(name)
            if field.stored is Stored.METADATA:
                metadata[field.api] = value
            elif value is not None:
                added[field.api] = value
        return {**body, **added, "metadata": {**metadata, **body["metadata"]}}

    def explains(self, inputs: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
        """Whether a key has nothing beyond its declaration but what it would keep."""
        fields = undeclared({**inputs, "metadata": {}}, row)
        return self._explains_metadata(inputs.get("metadata"), row) and all(
            name in self.names and self._is_in(name, row) for name in fields
        )

    def _explains_metadata(self, declared: Mapping[str, Any] | None, row: Mapping[str, Any]) -> bool:
        spoken_of = declared or {}
        kept = {name: value for name, value in self.metadata.items() if name not in spoken_of}
        return kept == _metadata_beyond(spoken_of, row, is_shared=self.is_shared or declared is None)

    def _is_in(self, name: str, row: Mapping[str, Any]) -> bool:
        field = BY_NAME[name]
        if field.stored is Stored.EXPIRES:
            return True
        return field.kind.same(self._value(name), field.kind.declared(live_value(field, row, {})))

    def _value(self, name: str) -> Any:
        field = BY_NAME[name]
        if field.stored is Stored.EXPIRES:
            return _time_left(self.expires)
        return field.kind.declared(live_value(field, self.row, {}))


def _metadata_beyond(declared: Collection[str], row: Mapping[str, Any], *, is_shared: bool) -> dict[str, Any]:
    """Take of a key's metadata what isn't declared: the gateway's own, and others' if it is theirs too."""
    live = row.get("metadata") or {}
    beyond = {name: live[name] for name in WITHOUT_FIELD & live.keys()}
    beyond |= user_metadata(live, {}) if is_shared else {}
    return {name: value for name, value in beyond.items() if name not in declared}


def _time_left(expires: str | None) -> str | None:
    """Give the duration that is left; None for a key that has ended, whose successor lives."""
    seconds = ceil((parse_instant(expires) - clock.now()).total_seconds()) if expires else 0
    return f"{seconds}s" if seconds > 0 else None
