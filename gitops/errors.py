"""Why nothing was written.

GitOpsError
 +-- StackFileError       the stack's file can't be read
 +-- NotRenderedError     an object can't stand in a file
 +-- FolderError          the folder isn't ours to write
"""

from collections.abc import Iterable

__all__ = ["FolderError", "GitOpsError", "NotRenderedError", "StackFileError"]


class GitOpsError(Exception):
    """One or more sentences for the user."""

    def __init__(self, *sentences: str) -> None:
        self.sentences = sentences
        super().__init__("\n".join(sentences))


class StackFileError(GitOpsError):
    """There is no configuration."""


class NotRenderedError(GitOpsError):
    """Some objects hold what may not stand in a file, or what nobody knows before an `up`."""

    def __init__(self, sentences: Iterable[str]) -> None:
        super().__init__(*sentences)


class FolderError(GitOpsError):
    """Something in the folder is in the way."""
