"""A resource of which nothing is made: what is left of a key when the provider does nothing."""

from typing import Any

from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

__all__ = ["Nothing"]


class NothingProvider(ResourceProvider):
    """Answers at once."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult("nothing", props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=_olds["max_budget"] != _news["max_budget"])

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(_news)


class Nothing(Resource, module="bench", name="Nothing"):
    """Takes any inputs."""

    def __init__(self, name: str, **inputs: Any) -> None:
        super().__init__(NothingProvider(), name, inputs)
