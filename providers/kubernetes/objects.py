"""Names of objects, and the paths at which the Kubernetes API has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = [
    "DEFINITION",
    "DEPLOYMENT",
    "EVENT",
    "POD",
    "SECRET",
    "SERVICE",
    "SERVICE_ACCOUNT",
    "Kind",
    "Named",
    "condition",
]


@dataclass(frozen=True)
class Kind:
    """A kind of objects; those of some live in a namespace.

    Attributes
    ----------
    root
        Of its API: `/api/v1`, `/apis/apps/v1`.
    """

    name: str
    root: str
    plural: str

    def collection(self, namespace: str) -> str:
        """Give its path; without a namespace it is that of the whole cluster."""
        return (
            f"{self.root}/namespaces/{namespace}/{self.plural}" if namespace else f"{self.root}/{self.plural}"
        )


SERVICE = Kind("Service", "/api/v1", "services")
POD = Kind("Pod", "/api/v1", "pods")
SECRET = Kind("Secret", "/api/v1", "secrets")
EVENT = Kind("Event", "/api/v1", "events")
SERVICE_ACCOUNT = Kind("ServiceAccount", "/api/v1", "serviceaccounts")
DEPLOYMENT = Kind("Deployment", "/apis/apps/v1", "deployments")
DEFINITION = Kind("CustomResourceDefinition", "/apis/apiextensions.k8s.io/v1", "customresourcedefinitions")


@dataclass(frozen=True)
class Named:
    """One object, which may be there or not."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind.name} {where}{self.name}"

    @property
    def path(self) -> str:
        return f"{self.kind.collection(self.namespace)}/{self.name}"


def condition(status: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """Find one of an object's conditions by its type."""
    return next((found for found in status.get("conditions") or () if found["type"] == name), None)
