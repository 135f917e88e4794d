"""What several keys have in common, said once: a role, of which each key is a merged whole.

A template is no resource and stands in no state. The inputs of a key are the merged fields, so a change of
its template is a change of each key that a preview shows.
"""

from collections.abc import Mapping
from typing import Any, Unpack

import pulumi

from providers.litellm.declaration import KeyFields, SharedFields

__all__ = ["KeyTemplate"]

_OF_ONE_KEY = KeyFields.__annotations__.keys() - SharedFields.__annotations__.keys()


class KeyTemplate:
    """A role for keys.

    Parameters
    ----------
    alias_prefix
        The alias of a key without one of its own is this and the name of its resource.
    ttl
        The `duration` of a key without one of its own.
    fields
        See `SharedFields`.
    """

    def __init__(
        self,
        *,
        alias_prefix: str | None = None,
        ttl: pulumi.Input[str] | None = None,
        **fields: Unpack[SharedFields],
    ) -> None:
        if of_one_key := _OF_ONE_KEY & fields.keys():
            raise pulumi.RunError(
                f"a KeyTemplate takes no {', '.join(sorted(of_one_key))}: "
                "each key has its own (ttl stands for duration, alias_prefix for alias)"
            )
        if not isinstance(alias_prefix, str | None):
            raise pulumi.RunError(f"alias_prefix of a KeyTemplate: expected a text, got {alias_prefix!r}")
        self.alias_prefix = alias_prefix
        self.ttl = ttl
        self.fields: Mapping[str, Any] = {**fields}

    def applied(self, name: str, own: Mapping[str, Any]) -> dict[str, Any]:
        """Complete what is said of one key.

        Parameters
        ----------
        name
            Of its resource.
        own
            Its own fields; None says nothing. They win over the template's, of the metadata each name.

        Returns
        -------
        dict
            The fields of the key.
        """
        given = {field: value for field, value in own.items() if value is not None}
        alias = f"{self.alias_prefix}{name}" if self.alias_prefix else None
        merged = {**self.fields, "alias": alias, "duration": self.ttl, **given}
        merged["metadata"] = _merged_metadata(self.fields.get("metadata"), given.get("metadata"))
        return {field: value for field, value in merged.items() if value is not None}


def _merged_metadata(shared: Any, own: Any) -> Any:
    """Merge two mappings, each of which another resource may yet have to complete."""
    if isinstance(shared, Mapping | None) and isinstance(own, Mapping | None):
        return _merged(shared, own)
    return pulumi.Output.all(shared, own).apply(lambda both: _merged(*both))


def _merged(shared: Any, own: Any) -> Any:
    if shared is None or own is None:
        return shared if own is None else own
    wrong = [metadata for metadata in (own, shared) if not isinstance(metadata, Mapping)]
    return wrong[0] if wrong else {**shared, **own}  # one that is no mapping is refused by the key's check
