"""Errors of the Kubernetes plugin.

ClusterError
├── KubeconfigError           (no usable kubeconfig)
├── ClusterUnreachableError
├── ClusterCredentialsError   (the API server doesn't know the user)
├── KindMissingError          (the API server doesn't know the kind)
├── NamespaceMissingError
├── ObjectExistsError
├── ObjectGoneError
├── FieldConflictError        (somebody else manages a field)
├── StillThereError           (a deletion that doesn't end)
└── RefusedError              (the server's own reason, with its status)
"""

from dataclasses import dataclass

from toolchain.plugins.errors import PluginError

__all__ = [
    "ClusterCredentialsError",
    "ClusterError",
    "ClusterUnreachableError",
    "FieldConflictError",
    "KindMissingError",
    "KubeconfigError",
    "NamespaceMissingError",
    "ObjectExistsError",
    "ObjectGoneError",
    "Reference",
    "RefusedError",
    "StillThereError",
]


@dataclass(frozen=True)
class Reference:
    """An object's address in a cluster; `namespace` is empty for what lies in none."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""

    @property
    def id(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class ClusterError(PluginError):
    """The cluster didn't do what the program needs."""


class KubeconfigError(ClusterError):
    """Nothing says which cluster, or what does can't be read."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"There is no usable kubeconfig: {reason}; set kubernetes:kubeconfig or the variable KUBECONFIG."
        )


class ClusterUnreachableError(ClusterError):
    """Nothing answers at the address."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            f"No API server answers at {address} ({reason}): check the kubeconfig, and that the cluster runs."
        )


class ClusterCredentialsError(ClusterError):
    """The API server doesn't accept the user's token or certificate."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"The API server at {address} doesn't accept the kubeconfig's credentials: they are wrong or "
            "expired; log in to the cluster again."
        )


class KindMissingError(ClusterError):
    """The API server has no such kind."""

    def __init__(self, api_version: str, kind: str) -> None:
        super().__init__(
            f"The API server doesn't know the kind {kind} of {api_version}: install its "
            "CustomResourceDefinition first, and let the resource depend on that."
        )


class NamespaceMissingError(ClusterError):
    """The namespace of an object isn't there."""

    def __init__(self, reference: Reference) -> None:
        super().__init__(
            f"There is no namespace {reference.namespace} for {reference}: create it first, and let the "
            "resource depend on it."
        )


class ObjectExistsError(ClusterError):
    """An object of that name is there already."""

    def __init__(self, reference: Reference) -> None:
        super().__init__(
            f"{reference} exists already: import it with `pulumi import`, give the resource another name, or "
            "take it over with the provider option upsertExistingObjects."
        )


class ObjectGoneError(ClusterError):
    """An object that is to be changed isn't there any more."""

    def __init__(self, reference: Reference) -> None:
        super().__init__(
            f"{reference} is gone from the cluster: run `pulumi refresh`, then `pulumi up` again."
        )


class FieldConflictError(ClusterError):
    """Somebody else has set fields that the program sets."""

    def __init__(self, reference: Reference, conflicts: list[str]) -> None:
        super().__init__(
            f"{reference} has fields that somebody else set since ({', '.join(conflicts)}): take them back "
            'with the annotation pulumi.com/patchForce: "true" or the provider option enablePatchForce, or '
            "leave them out of the program."
        )


class StillThereError(ClusterError):
    """A deleted object doesn't go away."""

    def __init__(self, reference: Reference, when: str, reason: str) -> None:
        super().__init__(f"{reference} is being deleted, but is still there {when}: {reason}.")


class RefusedError(ClusterError):
    """The API server answered a call with an error.

    Attributes
    ----------
    reason
        The server's word for the sort of error: ``NotFound``, ``Invalid``, ``Forbidden``, …
    causes
        Pairs of a field and what is wrong with it.
    """

    def __init__(
        self, call: str, *, status: int, reason: str, message: str, causes: list[tuple[str, str]]
    ) -> None:
        self.status = status
        self.reason = reason
        self.message = message
        self.causes = causes
        super().__init__(f"The API server refused to {call}: {message} ({status} {reason}).")
