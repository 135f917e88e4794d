"""The one clock of a key's life."""

from datetime import UTC, datetime

__all__ = ["now"]


def now() -> datetime:
    """Give the time in UTC, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)
