"""Placeholder."""

from pathlib import Path

__all__ = ["provide"]


def provide(pulumi_home: Path, python: Path) -> list[str]:
    """Provide."""
    raise NotImplementedError
