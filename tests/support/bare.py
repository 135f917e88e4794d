"""A platform whose operator is taken away, for tests in which the program brings it itself."""

import json
from collections.abc import Callable
from typing import Any

from kubernetes import client
from kubernetes.client.exceptions import ApiException
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from providers.kubernetes.connection import ClusterConnection, close_all
from providers.kubernetes.definition_life import delete_definitions
from tests.support.cluster import GONE, Cluster

__all__ = ["Leftovers", "take_operator_away"]

GROUPS = ("external-secrets.io", "generators.external-secrets.io")
PLATFORMS_OWN = "llm-gateway-external-secrets"
PLATFORMS_NAMESPACE = "external-secrets"


class Leftovers:
    """What there is of the operator and of the program in a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._kubeconfig = cluster.kubeconfig
        api = cluster.core.api_client
        self.core, self.rbac = cluster.core, client.RbacAuthorizationV1Api(api)
        self.extensions = client.ApiextensionsV1Api(api)

    def definitions(self) -> list[str]:
        """Name the operator's CustomResourceDefinitions."""
        accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
        api = self.core.api_client
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        call = api.param_serialize(
            "GET", path, header_params={"Accept": accept}, auth_settings=["BearerToken"]
        )
        response = api.call_api(*call)
        listed = json.loads(response.read())["items"] or []
        names = (item["metadata"]["name"] for item in listed)
        return [name for name in names if name.partition(".")[2] in GROUPS]

    def delete_definitions(self) -> None:
        """Delete them, and wait until they are gone."""
        delete_definitions(ClusterConnection(self._kubeconfig).api(), self.definitions())
        close_all()

    def of_the_program(self) -> list[str]:
        """Name the objects of the whole cluster that bear the program's label."""
        label = {"label_selector": "app.kubernetes.io/part-of=llm-gateway"}
        found: list[Any] = [
            *self.core.list_namespace(**label).items,
            *self.rbac.list_cluster_role(**label).items,
            *self.rbac.list_cluster_role_binding(**label).items,
        ]
        return [each.metadata.name for each in found]


def take_operator_away(kubeconfig: str) -> None:
    """Delete what the platform has installed of the operator, and wait until it is gone."""
    cluster = Cluster(kubeconfig)
    left = Leftovers(cluster)
    left.delete_definitions()
    for delete, name in (
        (cluster.core.delete_namespace, PLATFORMS_NAMESPACE),
        (left.rbac.delete_cluster_role_binding, PLATFORMS_OWN),
        (left.rbac.delete_cluster_role, PLATFORMS_OWN),
    ):
        _if_there(delete, name)

    @retry(retry=retry_if_result(bool), stop=stop_after_delay(120), wait=wait_fixed(0.5))
    def still_there() -> bool:
        return cluster.namespace_exists(PLATFORMS_NAMESPACE)

    still_there()


def _if_there(delete: Callable[[str], Any], name: str) -> None:
    try:
        delete(name)
    except ApiException as error:
        if error.status != GONE:
            raise
