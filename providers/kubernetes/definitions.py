"""`Definitions`: CustomResourceDefinitions from files, by their digest. The thin side that Pulumi sees."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    UpdateResult,
)

from providers.dynamic import Provider, plain
from providers.kubernetes.cluster_input import cluster_problems
from providers.kubernetes.connection import ClusterConnection

__all__ = ["Definitions", "DefinitionsProvider"]

_ID = "definitions"
_INPUTS = ("cluster", "files", "sha256")


class DefinitionsProvider(Provider):
    """Applies what stands in the files; only their digest makes a difference."""

    runs_with = (
        "providers.kubernetes.api",
        "providers.kubernetes.definition_files",
        "providers.kubernetes.definition_life",
    )

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        inputs = plain(news)
        wrong = cluster_problems(inputs.get("cluster") or {})
        return CheckResult(inputs, [CheckFailure("cluster", reason) for reason in wrong])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        olds, news = plain(_olds), plain(_news)
        return DiffResult(changes=olds.get("sha256") != news.get("sha256"))

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(_ID, _applied(props, {}))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(_applied(_news, _olds["generations"]))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        from providers.kubernetes.definition_life import changed_definitions  # noqa: PLC0415 - needs the client

        generations = {name: int(generation) for name, generation in props["generations"].items()}
        drifted = changed_definitions(_api(props), generations)
        if drifted == dict.fromkeys(generations, "gone"):
            return ReadResult("", {})
        if not drifted:
            return ReadResult(id_, props)
        said = ", ".join(f"{name} is {what}" for name, what in drifted.items())
        state = {**props, "sha256": said}
        return ReadResult(id_, state, {name: state[name] for name in _INPUTS})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        from providers.kubernetes.definition_life import delete_definitions  # noqa: PLC0415 - needs the client

        delete_definitions(_api(_props), _props["generations"])


class Definitions(Resource, module="kubernetes", name="Definitions"):
    """CustomResourceDefinitions that are applied server-side and served before anything uses them.

    The state holds the digest of the files and the definitions' names, and not the megabytes of schemas.
    Deleting it deletes them and every object of their kinds: whoever uses them depends on a `ServedApi` that
    guards them.

    Attributes
    ----------
    generations
        Name -> generation that it was left with: `pulumi refresh` shows one that was changed since.
    """

    generations: pulumi.Output[dict[str, int]]

    def __init__(
        self,
        name: str,
        *,
        files: Sequence[str],
        sha256: str,
        cluster: pulumi.Input[Mapping[str, Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the definitions.

        Parameters
        ----------
        files
            Where they are read from when `pulumi up` runs; files, or folders of them.
        sha256
            Of the files, by `definition_files.digest`.
        cluster
            `kubeconfig`, `context`; by default those of the `kubectl` command.
        """
        inputs = {"cluster": cluster or {}, "files": list(files), "sha256": sha256}
        super().__init__(DefinitionsProvider(), name, inputs | {"generations": None}, opts)


def _api(inputs: Mapping[str, Any]) -> Any:
    return ClusterConnection.parse(inputs["cluster"]).api()


def _applied(inputs: dict[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    from providers.kubernetes.definition_files import read_definitions  # noqa: PLC0415 - megabytes of YAML
    from providers.kubernetes.definition_life import apply_definitions  # noqa: PLC0415 - needs the client

    applied = apply_definitions(_api(inputs), read_definitions(inputs["files"]), own)
    # What an older release had beside stays until the end, for its objects may be in use.
    return {**inputs, "generations": {**own, **applied}}
