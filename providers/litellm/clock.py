"""The one clock of a key's life, and how its times are written."""

from datetime import UTC, datetime

__all__ = ["now", "written"]


def now() -> datetime:
    """Give the time in UTC, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def written(instant: datetime) -> str:
    """Write a time in UTC as RFC 3339: `2026-01-31T12:00:00Z`."""
    return instant.isoformat().replace("+00:00", "Z")
