"""`UnclaimedSecrets`: no Secret of somebody else is taken over. The thin side that Pulumi sees."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, Resource, UpdateResult

from providers.dynamic import Provider, plain
from providers.inputs import has_unknown
from providers.kubernetes.cluster_input import cluster_problems
from providers.kubernetes.connection import ClusterConnection

__all__ = ["UnclaimedSecrets", "UnclaimedSecretsProvider"]


class UnclaimedSecretsProvider(Provider):
    """Looks for Secrets whose names are new, and makes nothing."""

    runs_with = ("providers.kubernetes.api", "providers.kubernetes.claims")

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        inputs = plain(news)
        failures = [
            CheckFailure("cluster", reason) for reason in cluster_problems(inputs.get("cluster") or {})
        ]
        names = inputs.get("names")
        if not has_unknown(names) and not isinstance(names, list):
            failures.append(CheckFailure("names", f"expected a list of names, got {names!r}"))
        return CheckResult(inputs, failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        olds, news = plain(_olds), plain(_news)
        return DiffResult(changes=any(olds.get(name) != news.get(name) for name in ("namespace", "names")))

    def create(self, props: dict[str, Any]) -> CreateResult:
        _look(props, props["names"])
        return CreateResult(props["namespace"], props)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        moved = _olds["namespace"] != _news["namespace"]
        _look(_news, [name for name in _news["names"] if moved or name not in _olds["names"]])
        return UpdateResult(_news)


class UnclaimedSecrets(Resource, module="kubernetes", name="UnclaimedSecrets"):
    """Fails an `up` if a Secret that an ExternalSecret shall own is there already and isn't its own.

    The operator would take it over without a word, and wipe its other keys. Whatever changes anything depends
    on this. A preview asks nobody.
    """

    def __init__(
        self,
        name: str,
        *,
        namespace: pulumi.Input[str],
        names: pulumi.Input[Sequence[pulumi.Input[str]]],
        cluster: pulumi.Input[Mapping[str, Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare what shall not be taken.

        Parameters
        ----------
        namespace, names
            The Secrets; each has the name of its ExternalSecret.
        cluster
            `kubeconfig`, `context`; by default those of the `kubectl` command.
        """
        inputs = {"cluster": cluster or {}, "namespace": namespace, "names": names}
        super().__init__(UnclaimedSecretsProvider(), name, inputs, opts)


def _look(inputs: Mapping[str, Any], names: Sequence[str]) -> None:
    from providers.kubernetes.claims import see_unclaimed  # noqa: PLC0415 - needs the Kubernetes client

    see_unclaimed(ClusterConnection.parse(inputs["cluster"]), inputs["namespace"], names)
