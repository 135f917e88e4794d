"""`ServedApi`: an operator is there before its API is used, and nobody uses it when it goes."""

from collections.abc import Iterator, Mapping, Sequence
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
from providers.inputs import has_unknown
from providers.kubernetes.cluster_input import cluster_problems
from providers.kubernetes.connection import ClusterConnection

__all__ = ["ServedApi", "ServedApiProvider"]

_COMPARED = ("api", "guarded")


class ServedApiProvider(Provider):
    """Looks at a cluster, and makes nothing."""

    runs_with = ("providers.kubernetes.api", "providers.kubernetes.api_use")

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        inputs = plain(news)
        return CheckResult(inputs, list(_failures(inputs)))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        olds, news = plain(_olds), plain(_news)
        return DiffResult(changes=any(olds.get(name) != news.get(name) for name in _COMPARED))

    def create(self, props: dict[str, Any]) -> CreateResult:
        _see_served(props)
        return CreateResult(props["api"], props)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        _see_served(_news)
        return UpdateResult(_news)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        group, _, version = props["api"].partition("/")
        return ReadResult(id_, props) if version in _api(props).versions(group) else ReadResult("", {})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        from providers.kubernetes.api_use import see_unused  # noqa: PLC0415 - needs the Kubernetes client

        if _props["guarded"]:
            see_unused(_api(_props), _props["guarded"])


class ServedApi(Resource, module="kubernetes", name="ServedApi"):
    """Fails an `up` in one sentence where an operator isn't installed, before its first object is made.

    Where the stack brings the operator itself, it also fails a `destroy` before the operator is touched, if
    others still have objects of its API. A preview asks nobody.
    """

    def __init__(
        self,
        name: str,
        *,
        api: str,
        advice: str,
        timeout_seconds: int = 0,
        guarded: Sequence[str] = (),
        cluster: pulumi.Input[Mapping[str, Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare what has to be there.

        Parameters
        ----------
        api
            Group and version: `external-secrets.io/v1`.
        advice
            What to do where it isn't served.
        timeout_seconds
            How long it is waited for.
        guarded
            API groups of which no object may be left when this is deleted.
        cluster
            `kubeconfig`, `context`; by default those of the `kubectl` command.
        """
        inputs = {
            "cluster": cluster or {},
            "api": api,
            "advice": advice,
            "timeout_seconds": timeout_seconds,
            "guarded": list(guarded),
        }
        super().__init__(ServedApiProvider(), name, inputs, opts)


def _failures(inputs: Mapping[str, Any]) -> Iterator[CheckFailure]:
    for reason in cluster_problems(inputs.get("cluster") or {}):
        yield CheckFailure("cluster", reason)
    api = inputs.get("api")
    if not has_unknown(api) and not (isinstance(api, str) and api.count("/") == 1):
        yield CheckFailure("api", f"expected group/version, got {api!r}")


def _api(inputs: Mapping[str, Any]) -> Any:
    return ClusterConnection.parse(inputs["cluster"]).api()


def _see_served(inputs: Mapping[str, Any]) -> None:
    from providers.kubernetes.api_use import see_served  # noqa: PLC0415 - needs the Kubernetes client

    see_served(_api(inputs), inputs["api"], float(inputs["timeout_seconds"]), inputs["advice"])
