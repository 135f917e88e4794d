"""What stands in this process for the processes of Pulumi's plugin."""

from providers.litellm import connection, known
from providers.litellm.virtual_key import VirtualKeyProvider
from tests.faults.stack import Properties, on_the_wire

__all__ = ["InProcess"]


class InProcess:
    """One process of the plugin: when it begins, it remembers nothing of this resource.

    Parameters
    ----------
    provider
        Of the resource's class.
    gateway_url
        Of the resource's own proxy.
    urn
        Of the resource.
    """

    def __init__(self, provider: VirtualKeyProvider, gateway_url: str, urn: str) -> None:
        self._provider = provider
        with connection._clients_lock:
            for name in [name for name in connection._clients if gateway_url in name]:
                connection._clients.pop(name)._http.close()
        known.forget(urn)

    def check(self, olds: Properties, news: Properties) -> tuple[Properties, list[str]]:
        result = self._provider.check(on_the_wire(olds), on_the_wire(news))
        return result.inputs, [f"{failure.property}: {failure.reason}" for failure in result.failures]

    def diff(self, id_: str, olds: Properties, news: Properties) -> tuple[bool, list[str]]:
        result = self._provider.diff(id_, on_the_wire(olds), on_the_wire(news))
        return bool(result.changes), list(result.replaces or [])

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        result = self._provider.create(on_the_wire(inputs))
        return result.id, result.outs or {}

    def read(self, id_: str, state: Properties) -> tuple[str, Properties, Properties]:
        result = self._provider.read(id_, on_the_wire(state))
        return result.id or "", result.outs or {}, result.inputs or {}

    def update(self, id_: str, olds: Properties, news: Properties) -> Properties:
        return self._provider.update(id_, on_the_wire(olds), on_the_wire(news)).outs or {}

    def delete(self, id_: str, state: Properties) -> None:
        self._provider.delete(id_, on_the_wire(state))
