"""`ServiceAccountToken`: a token of bounded life, by a TokenRequest. The thin side that Pulumi sees."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, Resource, UpdateResult

from providers.dynamic import Provider, plain
from providers.inputs import has_unknown
from providers.kubernetes.cluster_input import cluster_problems
from providers.litellm import clock

__all__ = ["ServiceAccountToken", "ServiceAccountTokenProvider"]

SHORTEST_TTL_SECONDS = 600
_COMPARED = ("cluster", "namespace", "service_account", "ttl_seconds", "requested")
_REPLACING = ("cluster", "namespace", "service_account")


class ServiceAccountTokenProvider(Provider):
    """Asks for a token, and for the next one in the second half of its life."""

    runs_with = ("providers.kubernetes.api", "providers.kubernetes.token_request")

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        olds, inputs = plain(_olds), plain(news)
        failures = [
            CheckFailure("cluster", reason) for reason in cluster_problems(inputs.get("cluster") or {})
        ]
        ttl = inputs.get("ttl_seconds")
        if not has_unknown(ttl) and not (isinstance(ttl, int | float) and ttl >= SHORTEST_TTL_SECONDS):
            failures.append(
                CheckFailure("ttl_seconds", f"expected {SHORTEST_TTL_SECONDS} seconds or more, got {ttl!r}")
            )
        if not failures:
            inputs["requested"] = _requested(olds, ttl)
        return CheckResult(inputs, failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        olds, news = plain(_olds), plain(_news)
        changed = [name for name in _COMPARED if olds.get(name) != news.get(name)]
        return DiffResult(changes=bool(changed), replaces=[name for name in changed if name in _REPLACING])

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(f"{props['namespace']}/{props['service_account']}", _with_token(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(_with_token(_news))


class ServiceAccountToken(Resource, module="kubernetes", name="ServiceAccountToken"):
    """A token of a ServiceAccount for the API server, which ends by itself.

    An `up` in the second half of its life asks for another one, which a preview shows as a change of
    `requested`. Nobody can take a token back but by deleting its ServiceAccount.

    Attributes
    ----------
    token
        Secret.
    expires
        When it ends, RFC 3339.
    """

    token: pulumi.Output[str]
    expires: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        namespace: pulumi.Input[str],
        service_account: pulumi.Input[str],
        ttl_seconds: pulumi.Input[int],
        cluster: pulumi.Input[Mapping[str, Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the token.

        Parameters
        ----------
        namespace, service_account
            Whose token it is.
        ttl_seconds
            How long it lives, at least 600.
        cluster
            `kubeconfig`, `context`; by default those of the `kubectl` command.
        """
        inputs = {
            "cluster": cluster or {},
            "namespace": namespace,
            "service_account": service_account,
            "ttl_seconds": ttl_seconds,
            "requested": None,
        }
        secret = pulumi.ResourceOptions(additional_secret_outputs=["token"])
        super().__init__(
            ServiceAccountTokenProvider(),
            name,
            inputs | {"token": None, "expires": None},
            pulumi.ResourceOptions.merge(secret, opts),
        )


def _requested(olds: Mapping[str, Any], ttl_seconds: Any) -> str:
    """Keep the time of the last request until half of the token's life is over."""
    now = clock.now()
    last = olds.get("requested")
    if last and not has_unknown(ttl_seconds):
        due = datetime.fromisoformat(last) + timedelta(seconds=float(ttl_seconds) / 2)
        if now < due:
            return str(last)
    return clock.written(now)


def _with_token(inputs: dict[str, Any]) -> dict[str, Any]:
    from providers.kubernetes.token_request import request_token  # noqa: PLC0415 - needs the Kubernetes client

    token, expires = request_token(
        inputs["cluster"], inputs["namespace"], inputs["service_account"], int(inputs["ttl_seconds"])
    )
    return {**inputs, "token": token.get_secret_value(), "expires": expires}
