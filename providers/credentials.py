"""What keeps a secret from being told by accident."""

from typing import Any

__all__ = ["Concealed", "is_sendable"]


class Concealed(dict[str, Any]):
    """A document whose repr tells its names only.

    A log line, an exception's argument and a traceback with its locals show an object by its repr.
    """

    def __repr__(self) -> str:
        return f"Concealed({', '.join(self)})"


def is_sendable(secret: str) -> bool:
    """Whether a secret can stand in an HTTP header: visible ASCII characters alone.

    What can't is refused beforehand: HTTP clients print the whole header when they refuse it.
    """
    return secret.isascii() and secret.isprintable() and " " not in secret
