"""Tools that the gateway's program and its local platform need: taken from the machine, installed or built.

Every tool is an artefact with a name. ``ensure("pulumi")`` returns the path of one that is ready to use and makes
it first where it has to.
"""

from toolchain import paths
from toolchain.store import ensure

__all__ = ["ensure", "paths"]
