"""The running gateway as its callers see it: chat completions, through the Service and at each replica."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from local.cluster.api import Cluster
from local.cluster.forward import forwarded_pod
from local.cluster.pods import pod_states
from local.record import PlatformRecord
from toolchain import ensure

__all__ = ["Minted", "Outputs", "chat_status", "reachable_replicas"]

GATEWAY_PODS = "app.kubernetes.io/part-of=llm-gateway,app.kubernetes.io/component=gateway"
PORT = 4000
NO_ANSWER = 0


@dataclass(frozen=True)
class Minted:
    """One virtual key of the stack's outputs."""

    name: str
    alias: str
    models: tuple[str, ...]
    key: str

    def __repr__(self) -> str:
        return f"Minted({self.name!r})"


@dataclass(frozen=True)
class Outputs:
    """What the stack says of the gateway."""

    url: str
    namespace: str
    models: tuple[str, ...]
    key_cache_ttl_seconds: float
    keys: tuple[Minted, ...]
    delivered: tuple[tuple[str, str], ...] = ()
    """Names of the keys that only Vault holds, and their paths there."""

    @classmethod
    def of(cls, outputs: dict[str, Any]) -> "Outputs":
        """Read the outputs; after a destroy there are none, and so no keys."""
        keys = (outputs.get("keys") or {}).items()
        return cls(
            url=outputs.get("gatewayUrl", ""),
            namespace=outputs.get("namespace", ""),
            models=tuple(outputs.get("models", ())),
            key_cache_ttl_seconds=float(outputs.get("keyCacheTtlSeconds", 0)),
            keys=tuple(
                Minted(name, key["alias"], tuple(key.get("models") or ()), key["key"])
                for name, key in keys
                if key.get("key")
            ),
            delivered=tuple((name, key["vaultPath"]) for name, key in keys if key.get("vaultPath")),
        )

    def not_asked(self) -> list[str]:
        """Return a line for each key that isn't tried: what is delivered to Vault stays there."""
        return [
            f"{name} is delivered to {path} in Vault and isn't tried here." for name, path in self.delivered
        ]

    def allowed_model(self, minted: Minted) -> str:
        """Return a model that the key may use: without a list of its own, any."""
        return (minted.models or self.models)[0]

    def disallowed_model(self, minted: Minted) -> str | None:
        """Return a model of the gateway that the key may not use, if there is one."""
        return next((model for model in self.models if minted.models and model not in minted.models), None)


def chat_status(client: httpx.Client, url: str, key: str, model: str) -> int:
    """Return the status of one chat completion, 0 when nobody answers."""
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    try:
        answer = client.post(
            f"{url}/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"}
        )
    except httpx.TransportError:
        return NO_ANSWER
    return answer.status_code


def status_text(status: int) -> str:
    return "no answer" if status == NO_ANSWER else f"{status} {HTTPStatus(status).phrase}"


@contextmanager
def reachable_replicas(cluster: Cluster, record: PlatformRecord, namespace: str) -> Iterator[dict[str, str]]:
    """Give a URL for each of the gateway's Pods, by Pod name, while the block runs."""
    pods = [pod for pod in pod_states(cluster, namespace, GATEWAY_PODS) if pod.address]
    with ExitStack() as ways:
        if record.kubeconfig is None:
            yield {pod.name: f"http://{pod.address}:{PORT}" for pod in pods}
            return
        kubectl = ensure("kubectl")
        yield {
            pod.name: ways.enter_context(
                forwarded_pod(kubectl, record.kubeconfig, pod.namespace, pod.name, PORT)
            )
            for pod in pods
        }
