"""Tools that the gateway's program and its local platform need.

Every tool is an artefact with a name. ``ensure("pulumi")`` returns the path of one that is ready to use: the
machine's own where it has a good one, otherwise one that is installed from a locked package or built from
pinned sources, once.
"""

from pathlib import Path

from toolchain import paths
from toolchain.catalogue import ARTEFACTS
from toolchain.store import Store

__all__ = ["STORE", "ensure", "paths"]

STORE = Store(ARTEFACTS)


def ensure(name: str) -> Path:
    """Return the path of an artefact, and make it first if need be; see `Store.ensure`."""
    return STORE.ensure(name)
