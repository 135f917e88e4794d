"""The annotations by which a program steers the plugin, object by object."""

from typing import Any

from toolchain.plugins.values import Document

__all__ = [
    "AUTONAMED",
    "DELETION_PROPAGATION",
    "FIELD_MANAGER",
    "PATCH_FORCE",
    "SKIP_AWAIT",
    "WAIT_FOR",
    "annotation",
    "is_true",
    "timeout_seconds",
]

AUTONAMED = "pulumi.com/autonamed"
DELETION_PROPAGATION = "pulumi.com/deletionPropagationPolicy"
FIELD_MANAGER = "pulumi.com/patchFieldManager"
PATCH_FORCE = "pulumi.com/patchForce"
SKIP_AWAIT = "pulumi.com/skipAwait"
WAIT_FOR = "pulumi.com/waitFor"
_TIMEOUT_SECONDS = "pulumi.com/timeoutSeconds"


def annotation(manifest: Document, name: str) -> str:
    """Return the annotation's value; the empty string where there is none, or it isn't known yet."""
    metadata: Any = manifest.get("metadata")
    annotations: Any = metadata.get("annotations") if isinstance(metadata, dict) else None
    return str(annotations.get(name, "")) if isinstance(annotations, dict) else ""


def is_true(manifest: Document, name: str) -> bool:
    return annotation(manifest, name) == "true"


def timeout_seconds(manifest: Document, custom: float | None, default: float) -> float:
    """Return how long to wait: the program's custom timeout, else its annotation, else the default."""
    if custom:
        return custom
    text = annotation(manifest, _TIMEOUT_SECONDS)
    return float(text) if text.isdigit() else default
