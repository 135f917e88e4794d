"""What a provider tells the user beside its results."""

import sys

__all__ = ["notice"]


def notice(sentence: str) -> None:
    """Say something; the Pulumi CLI shows the plugin's standard error, at a preview too."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()
