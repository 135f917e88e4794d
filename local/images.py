"""The images of the platform's parts, and how the local node gets them."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from local.files import write_private
from local.node.layout import Layout
from local.processes import Process
from toolchain import ensure
from toolchain.errors import UserError

__all__ = [
    "PUBLIC_IMAGES",
    "ImageImportError",
    "UnknownImageError",
    "import_missing",
    "local_image",
    "local_images",
    "public_images",
]

ARCHIVE = "images"
PARTS = ("openbao", "postgres", "external-secrets")
# What a cluster that isn't ours pulls; `--image NAME=REFERENCE` names a mirror's.
PUBLIC_IMAGES = {
    "openbao": "openbao/openbao:2.7.2",
    "postgres": "postgres:15",
    "external-secrets": "ghcr.io/external-secrets/external-secrets:v0.20.4",
}
LOCAL_PREFIX = "docker.io/local/"
SHOWN_LINES = 3


class UnknownImageError(UserError):
    """A reference was given for a part that has no image."""

    def __init__(self, setting: str) -> None:
        super().__init__(f"--image {setting}: expected NAME=REFERENCE with NAME one of {', '.join(PARTS)}.")


class ImageImportError(UserError):
    """The node's containerd refuses the images."""

    def __init__(self, answer: str) -> None:
        last = " / ".join(answer.strip().splitlines()[-SHOWN_LINES:])
        super().__init__(
            f"containerd doesn't take the images: {last}. See `python -m local logs containerd`; "
            "`python -m toolchain clean` and `ensure images` make the archive anew."
        )


def local_images() -> dict[str, str]:
    """Return the reference of each part's image among those that are made on this machine."""
    return {part: local_image(part) for part in PARTS}


def local_image(name: str, archive: str = ARCHIVE) -> str:
    """Return the reference of an image that is made on this machine."""
    references = _references(ensure(archive))
    return next(reference for reference in references if reference.startswith(f"{LOCAL_PREFIX}{name}:"))


def public_images(settings: list[str]) -> dict[str, str]:
    """Return the reference of each part's public image.

    Parameters
    ----------
    settings
        ``NAME=REFERENCE`` each, in place of the public one.

    Raises
    ------
    UnknownImageError
        A setting has no such form or names no part.
    """
    chosen = dict(PUBLIC_IMAGES)
    for setting in settings:
        name, separator, reference = setting.partition("=")
        if name not in PARTS or not separator or not reference:
            raise UnknownImageError(setting)
        chosen[name] = reference
    return chosen


def import_missing(layout: Layout, node: Process, archive: str = ARCHIVE) -> bool:
    """Bring the node the images that it lacks.

    Parameters
    ----------
    archive
        Which artefact holds them.

    Returns
    -------
    bool
        Whether anything was imported.
    """
    folder = ensure(archive)
    record = layout.containerd_root / f"imported-{archive}"
    present = set(_ctr(layout, node, "images", "list", "--quiet").split())
    known_archive = record.exists() and record.read_text() == folder.name
    if known_archive and present.issuperset(_references(folder)):
        return False
    _ctr(layout, node, "images", "import", str(folder / "images.tar"))
    write_private(record, folder.name)
    return True


def digests(layout: Layout, node: Process, references: Mapping[str, str]) -> dict[str, str]:
    """Return the content digest that the node has for each part's image."""
    lines = _ctr(layout, node, "images", "list").splitlines()[1:]
    by_reference = {fields[0]: fields[2] for fields in (line.split() for line in lines)}
    return {part: by_reference[reference] for part, reference in references.items()}


def _references(folder: Path) -> list[str]:
    references: list[str] = json.loads((folder / "images.json").read_text())
    return references


def _ctr(layout: Layout, node: Process, *arguments: str) -> str:
    command = ("nsenter", "--target", str(node.pid), "--mount", "--pid", "--net", "--")
    result = subprocess.run(
        (*command, "ctr", "--namespace", "k8s.io", *arguments),
        env=layout.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise ImageImportError(result.stderr)
    return result.stdout
