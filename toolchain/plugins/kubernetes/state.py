"""A resource's state: the live object, and what the plugin needs to know of it later."""

from toolchain.plugins.kubernetes.errors import Reference
from toolchain.plugins.kubernetes.inputs import from_api, marked
from toolchain.plugins.kubernetes.kinds import api_version_and_kind
from toolchain.plugins.plugin import Subject
from toolchain.plugins.values import UNKNOWN, Document, secret

__all__ = ["inputs_of", "previewed", "reference_of", "state_of"]

_IMPORTED_METADATA = ("annotations", "labels", "name", "namespace")


def state_of(inputs: Document, live: Document, manager: str) -> Document:
    """Return the state of a resource that exists.

    It holds what the official plugin keeps too, so that this one can take over: the inputs, secret as a whole
    because any part of them may be, and the name under which the object is applied.
    """
    return {
        **marked(from_api(live)),
        "__initialApiVersion": live.get("apiVersion"),
        "__fieldManager": manager,
        "__inputs": secret(inputs),
    }


def previewed(inputs: Document, live: Document | None, state: Document) -> Document:
    """Return what is known at preview of a resource's state.

    Parameters
    ----------
    live
        What the server would make of the inputs; None where it can't tell.
    state
        The state so far; empty for a new resource.
    """
    if live is None:
        result = dict(inputs)
    else:
        result = {name: value for name, value in from_api(live).items() if name != "status"}
    if _gets_address(inputs):
        # A dry run shows an address that the update will not get.
        address = ((state.get("spec") or {}).get("clusterIP")) or UNKNOWN
        result["spec"] = {**result.get("spec", {}), "clusterIP": address}
    return marked(result)


def _gets_address(inputs: Document) -> bool:
    spec = inputs.get("spec")
    if (inputs.get("apiVersion"), inputs.get("kind")) != ("v1", "Service") or not isinstance(spec, dict):
        return False
    return "clusterIP" not in spec and spec.get("type") != "ExternalName"


def inputs_of(live: Document) -> Document:
    """Return the inputs of an object that is being imported: all that isn't the server's own."""
    result = {name: value for name, value in from_api(live).items() if name != "status"}
    metadata = result["metadata"]
    result["metadata"] = {name: metadata[name] for name in _IMPORTED_METADATA if name in metadata}
    return result


def reference_of(subject: Subject, inputs: Document, state: Document) -> Reference:
    """Return the address of the object that a resource stands for, by its id."""
    api_version, kind = api_version_and_kind(subject.type)
    known = inputs or state
    namespace, _, name = subject.id.rpartition("/")
    return Reference(known.get("apiVersion", api_version), known.get("kind", kind), name, namespace)
