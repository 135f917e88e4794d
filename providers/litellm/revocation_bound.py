"""`RevocationBound`: what is destroyed is dead at every replica. The thin side that Pulumi sees."""

from collections.abc import Iterator
from typing import Any

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, Resource, UpdateResult

from providers.dynamic import Provider, plain
from providers.inputs import UNKNOWN

__all__ = ["RevocationBound", "RevocationBoundProvider"]

_INPUTS = ("url", "ttl_seconds")


class RevocationBoundProvider(Provider):
    """Makes nothing, and takes its time to delete that."""

    runs_with = ("providers.litellm.revocation",)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        inputs = plain(news)
        return CheckResult(inputs, list(_failures(inputs)))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        olds, news = plain(_olds), plain(_news)
        return DiffResult(changes=any(olds.get(name) != news.get(name) for name in _INPUTS))

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult("revocation-bound", props)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(_news)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        from providers.litellm import revocation  # noqa: PLC0415 - for a run, not for a preview

        revocation.await_forgotten(_props["url"], _props["ttl_seconds"])


class RevocationBound(Resource, module="litellm", name="RevocationBound"):
    """The time after which a revoked key is refused by every replica of a gateway.

    A replica that has seen a key remembers it for a while, so a key that the gateway's database knows no more
    is not dead yet. Keys that depend on this are deleted before it, and its own deletion waits until the last
    of them is dead: what was destroyed then is.
    """

    def __init__(
        self,
        name: str,
        *,
        url: pulumi.Input[str],
        ttl_seconds: pulumi.Input[float],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the bound.

        Parameters
        ----------
        url
            Of the gateway, as its keys have it.
        ttl_seconds
            For which a replica remembers a key: `user_api_key_cache_ttl` of LiteLLM's general settings, 60 if
            they don't say it.
        """
        super().__init__(RevocationBoundProvider(), name, {"url": url, "ttl_seconds": ttl_seconds}, opts)


def _failures(inputs: dict[str, Any]) -> Iterator[CheckFailure]:
    if not isinstance(inputs.get("url"), str):
        yield CheckFailure("url", f"expected a text, got {inputs.get('url')!r}")
    seconds = inputs.get("ttl_seconds")
    if seconds != UNKNOWN and (
        isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0
    ):
        yield CheckFailure("ttl_seconds", f"expected a number of 0 or more seconds, got {seconds!r}")
