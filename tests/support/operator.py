"""The tests' own hands on External Secrets Operator: objects that nobody but an app's owner would write."""

from collections.abc import Mapping
from typing import Any

from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from tests.support.cluster import Cluster

__all__ = ["Operator"]

GROUP, VERSION = "external-secrets.io", "v1"


class Operator:
    """Writes ExternalSecrets and reads what the operator says of its objects."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def external_secret(
        self, namespace: str, name: str, store: Mapping[str, str], path: str, **target: str
    ) -> None:
        """Ask for every property of a path."""
        body = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": "ExternalSecret",
            "metadata": {"name": name},
            "spec": {
                "secretStoreRef": dict(store),
                "target": {"name": name, **target},
                "dataFrom": [{"extract": {"key": path}}],
            },
        }
        self._cluster.custom.create_namespaced_custom_object(
            GROUP, VERSION, namespace, "externalsecrets", body
        )

    def status(self, namespace: str, plural: str, name: str) -> dict[str, Any]:
        """Give an object's condition Ready; empty if it has none yet."""
        found: dict[str, Any] = self._cluster.custom.get_namespaced_custom_object(
            GROUP, VERSION, namespace, plural, name
        )
        conditions = found.get("status", {}).get("conditions", [])
        return next((condition for condition in conditions if condition["type"] == "Ready"), {})

    def warning(self, namespace: str, name: str, containing: str, timeout_seconds: float = 60) -> str:
        """Wait for a Warning event of an object whose message holds some words."""

        @retry(
            retry=retry_if_result(lambda found: not found),
            stop=stop_after_delay(timeout_seconds),
            wait=wait_fixed(0.3),
        )
        def said() -> str:
            events = self._cluster.core.list_namespaced_event(
                namespace, field_selector=f"involvedObject.name={name},type=Warning"
            ).items
            return next((event.message for event in events if containing in event.message), "")

        return str(said())
