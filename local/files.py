"""Files that only their owner may read, written whole or not at all."""

import os
import tempfile
from pathlib import Path

__all__ = ["private_folder", "write_private"]


def private_folder(folder: Path) -> Path:
    """Make a folder (and its parents) that only the owner may enter."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return folder


def write_private(path: Path, content: str | bytes) -> None:
    """Write a file of mode 0600 in one step: a reader sees the old content or the new, never a part."""
    private_folder(path.parent)
    data = content.encode() if isinstance(content, str) else content
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
