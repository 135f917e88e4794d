"""Field managers: who set which field of an object, as the API server records it."""

from typing import Any

from toolchain.plugins.differences import Path
from toolchain.plugins.values import Document

__all__ = ["CREATOR", "is_unmigrated", "owned_by_others", "taken_over"]

CREATOR = "pulumi-kubernetes"
"""The manager that makes objects; every later change is applied under a name of the object's own."""

_TAKEN_OVER = ("kubectl", "before-first-apply", CREATOR, "pulumi-resource-kubernetes")
"""Prefixes of the managers whose fields are taken over at an update, as the official plugin does."""

_APPLY, _UPDATE = "Apply", "Update"


def is_unmigrated(live: Document) -> bool:
    """Tell whether the fields of the object's making still are its maker's own."""
    return any(
        entry["operation"] == _UPDATE and entry["manager"] in (CREATOR, "pulumi-resource-kubernetes")
        for entry in _entries(live)
    )


def taken_over(live: Document, manager: str) -> list[Document] | None:
    """Return the managers' records with all that is taken over in the hands of `manager`; None if nothing is.

    Parameters
    ----------
    manager
        The name under which the object is applied from now on.
    """
    entries = _entries(live)
    taken = [entry for entry in entries if _is_taken_over(entry)]
    if not taken:
        return None
    own = next((entry for entry in entries if _is_of(entry, manager)), taken[0])
    fields: Document = {}
    for entry in [own, *taken]:
        fields = _union(fields, entry.get("fieldsV1") or {})
    merged = {**own, "manager": manager, "operation": _APPLY, "fieldsV1": fields}
    kept = [entry for entry in entries if entry is not own and entry not in taken]
    return [merged, *kept]


def owned_by_others(live: Document, path: Path, manager: str) -> bool:
    """Tell whether others than `manager` set the field at `path`, and `manager` doesn't."""
    owners = {entry["manager"] for entry in _entries(live) if _holds(entry.get("fieldsV1") or {}, path)}
    return bool(owners) and manager not in owners


def _entries(live: Document) -> list[Document]:
    return live["metadata"].get("managedFields") or []


def _is_taken_over(entry: Document) -> bool:
    return (
        entry["operation"] == _UPDATE
        and not entry.get("subresource")
        and entry["manager"].startswith(_TAKEN_OVER)
    )


def _is_of(entry: Document, manager: str) -> bool:
    return entry["manager"] == manager and entry["operation"] == _APPLY and not entry.get("subresource")


def _union(left: Document, right: Document) -> Document:
    merged = dict(left)
    for key, value in right.items():
        merged[key] = _union(left[key], value) if key in left else value
    return merged


def _holds(fields: Any, path: Path) -> bool:
    for step in path:
        fields = fields.get(f"f:{step}")
        if fields is None:
            return False
    return True
