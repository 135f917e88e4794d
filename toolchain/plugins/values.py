"""Property values: between the engine's protobuf structs and plain Python.

The plugins tell the engine that they don't accept secrets. It then takes the mark of secrecy off everything
it sends, and puts it back on each output or input of the same name; a plugin marks only what it makes itself.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf import struct_pb2  # type: ignore[import-untyped]

__all__ = ["UNKNOWN", "Document", "has_unknown", "plain", "secret", "struct", "without_nones"]

Document = dict[str, Any]
"""A JSON object of a resource: its inputs or its state."""

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What stands at preview for a value that only the update will know."""

_TYPED_UNKNOWNS = frozenset(
    {
        UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # a boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # a number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # a list
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # an object
    }
)
_SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"
_SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the protocol's mark of a secret, not one
_BRIDGE_ONLY = "__defaults"


def plain(value: struct_pb2.Struct) -> Document:
    """Return the struct as Python values: whole doubles as int, secrets open, unknowns as ``UNKNOWN``."""
    return _plain_fields(value.fields)


def _plain_fields(fields: Mapping[str, struct_pb2.Value]) -> Document:
    return {name: _plain_value(field) for name, field in fields.items() if name != _BRIDGE_ONLY}


def _plain_value(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return _plain_object(value.struct_value.fields)
        case "list_value":
            return [_plain_value(item) for item in value.list_value.values]
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return UNKNOWN if value.string_value in _TYPED_UNKNOWNS else value.string_value
        case "bool_value":
            return value.bool_value
        case _:
            return None


def _plain_object(fields: Mapping[str, struct_pb2.Value]) -> Any:
    if _SIGNATURE_KEY in fields and fields[_SIGNATURE_KEY].string_value == _SECRET_SIGNATURE:
        return _plain_value(fields["value"])
    return _plain_fields(fields)


def struct(document: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return the document as the struct that the engine reads."""
    result = struct_pb2.Struct()
    result.update(document)
    return result


def secret(value: Any) -> Any:
    """Return `value` marked as a secret; one that is marked already stays as it is."""
    if isinstance(value, dict) and value.get(_SIGNATURE_KEY) == _SECRET_SIGNATURE:
        return value
    return {_SIGNATURE_KEY: _SECRET_SIGNATURE, "value": value}


def has_unknown(value: Any) -> bool:
    """Tell whether any part of `value` is known at the update only."""
    if isinstance(value, dict):
        return any(map(has_unknown, value.values()))
    if isinstance(value, list):
        return any(map(has_unknown, value))
    return isinstance(value, str) and value == UNKNOWN


def without_nones(value: Any) -> Any:
    """Return a deep copy of `value` without the keys that hold None: to both APIs that means "not given"."""
    if isinstance(value, dict):
        return {key: without_nones(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nones(item) for item in value]
    return value
