"""Quantities of resources: ``1000m`` is ``1``, and ``1024Mi`` is ``1Gi``."""

import re
from decimal import Decimal
from typing import Any

from toolchain.plugins.differences import Path

__all__ = ["with_equal_quantities"]

_QUANTITY = re.compile(r"([+-]?[0-9.]+(?:e[+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?")
_FACTORS = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}
_HOLDERS = frozenset({"requests", "limits", "hard", "capacity", "overhead"})
_FIELDS = frozenset({"sizeLimit", "divisor", "averageValue"})


def with_equal_quantities(old: Any, new: Any, path: Path = ()) -> Any:
    """Return `new` with the spelling of `old` for every quantity that is the same amount."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {
            key: with_equal_quantities(old[key], value, (*path, key)) if key in old else value
            for key, value in new.items()
        }
    if isinstance(old, list) and isinstance(new, list):
        paired = [
            with_equal_quantities(before, after, (*path, position))
            for position, (before, after) in enumerate(zip(old, new, strict=False))
        ]
        return paired + new[len(paired) :]
    if old != new and _holds_quantity(path) and _amount(old) == _amount(new):
        return old
    return new


def _holds_quantity(path: Path) -> bool:
    return bool(path) and (path[-1] in _FIELDS or (len(path) > 1 and path[-2] in _HOLDERS))


def _amount(value: Any) -> Any:
    """Return the amount that a quantity stands for; what isn't one stays as it is."""
    found = _QUANTITY.fullmatch(str(value))
    if found is None:
        return value
    return Decimal(found[1]) * _FACTORS.get(found[2] or "", Decimal(1))
