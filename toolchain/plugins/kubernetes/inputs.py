"""A resource's inputs: completed from what the program gives, and as the API server takes them."""

import base64
from collections.abc import Callable
from typing import Any

from toolchain.plugins.kubernetes.annotations import AUTONAMED, is_true
from toolchain.plugins.kubernetes.kinds import api_version_and_kind, is_namespaced
from toolchain.plugins.plugin import Naming, Subject
from toolchain.plugins.values import UNKNOWN, Document, has_unknown, secret, without_nones

__all__ = ["completed", "from_api", "marked", "to_api"]

SUFFIX_DIGITS = 8
_SECRET_FIELDS = ("data", "stringData")
_SERVER_FIELDS = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)
_DASHED_PREFIX = "x-kubernetes-"
_UNDERSCORED_PREFIX = "x_kubernetes_"


def completed(
    subject: Subject, old: Document, new: Document, naming: Naming, default_namespace: Callable[[], str]
) -> Document:
    """Return the inputs with kind, name and namespace; without a name where the program has to give one.

    Parameters
    ----------
    default_namespace
        Tells the namespace of objects that name none; asked only if it is needed.
    """
    inputs: Document = without_nones(new)
    api_version, kind = api_version_and_kind(subject.type)
    inputs.setdefault("apiVersion", api_version)
    inputs.setdefault("kind", kind)
    if inputs.get("metadata") == UNKNOWN:
        return inputs
    metadata = {
        name: value for name, value in inputs.get("metadata", {}).items() if name not in _SERVER_FIELDS
    }
    inputs["metadata"] = metadata
    if "name" not in metadata:
        _give_name(metadata, subject, old, naming)
    # Of a custom kind only the server knows whether it has namespaces: it is asked when the object is made.
    if "namespace" not in metadata and is_namespaced(inputs["apiVersion"], inputs["kind"]):
        metadata["namespace"] = default_namespace()
    if _is_secret(inputs):
        _encode_strings(inputs)
    return inputs


def _give_name(metadata: Document, subject: Subject, old: Document, naming: Naming) -> None:
    kept = old["metadata"].get("name") if is_true(old, AUTONAMED) else None
    name = kept or naming.make(subject.name, SUFFIX_DIGITS)
    if name is None:
        return
    metadata["name"] = name
    if metadata.get("annotations") != UNKNOWN:
        metadata["annotations"] = {**metadata.get("annotations", {}), AUTONAMED: "true"}


def _is_secret(manifest: Document) -> bool:
    return manifest.get("kind") == "Secret" and manifest.get("apiVersion") == "v1"


def _encode_strings(inputs: Document) -> None:
    """Move ``stringData`` into ``data``, where the server has it too: so it can be compared, and removed."""
    strings = inputs.get("stringData")
    if not isinstance(strings, dict) or inputs.get("data") == UNKNOWN:
        return
    encoded = {
        key: value if has_unknown(value) else base64.b64encode(str(value).encode()).decode()
        for key, value in strings.items()
    }
    inputs["data"] = {**inputs.get("data", {}), **encoded}
    del inputs["stringData"]


def marked(document: Document) -> Document:
    """Return the document with the data of a Secret marked as secret."""
    if not _is_secret(document):
        return document
    return {name: secret(value) if name in _SECRET_FIELDS else value for name, value in document.items()}


def to_api(inputs: Document) -> Document:
    """Return a copy of the inputs, spelt as the API server has it."""
    result: Document = _respelt(inputs, _UNDERSCORED_PREFIX, lambda key: key.replace("_", "-"))
    return result


def from_api(live: Document) -> Document:
    """Return a copy of a live object, spelt as the SDK has it and without the bookkeeping of its managers."""
    result: Document = _respelt(live, _DASHED_PREFIX, lambda key: key.replace("-", "_"))
    result["metadata"] = {
        name: value for name, value in result.get("metadata", {}).items() if name != "managedFields"
    }
    return result


def _respelt(value: Any, prefix: str, spelling: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {
            spelling(key) if key.startswith(prefix) else key: _respelt(item, prefix, spelling)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_respelt(item, prefix, spelling) for item in value]
    return value
