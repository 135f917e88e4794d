"""Tools that the gateway's program and its local platform need.

Every tool is an artefact with a name. ``ensure("pulumi")`` returns the path of one that is ready to use: the
machine's own where it has a good one, otherwise one that is installed from a locked package or built from
pinned sources, once.
"""

from toolchain import paths
from toolchain.store import ensure

__all__ = ["ensure", "paths"]
