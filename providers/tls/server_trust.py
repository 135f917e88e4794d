"""`ServerTrust`: a CA signs the certificate that a server shows. The thin side that Pulumi sees."""

from collections.abc import Iterator
from typing import Any

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, Resource, UpdateResult

from providers.dynamic import Provider, plain
from providers.errors import ProviderError

__all__ = ["ServerTrust", "ServerTrustProvider"]

_INPUTS = ("address", "address_env", "ca", "server_name")


class ServerTrustProvider(Provider):
    """Looks at a server once its address, its name or the CA is new, and makes nothing."""

    runs_with = ("providers.tls.handshake",)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        inputs = plain(news)
        return CheckResult(inputs, list(_failures(inputs)))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        olds, news = plain(_olds), plain(_news)
        return DiffResult(changes=any(olds.get(name) != news.get(name) for name in _INPUTS))

    def create(self, props: dict[str, Any]) -> CreateResult:
        _look(props)
        return CreateResult(props["server_name"], props)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        _look(_news)
        return UpdateResult(_news)


class ServerTrust(Resource, module="tls", name="ServerTrust"):
    """Fails an `up` unless a CA signs the certificate that a server shows for a name.

    Whatever takes the CA depends on this, so a wrong one is found before anything uses it. A preview asks
    nobody.
    """

    def __init__(
        self,
        name: str,
        *,
        ca: pulumi.Input[str],
        server_name: pulumi.Input[str],
        address: pulumi.Input[str] | None = None,
        address_env: str | None = None,
        hint: str = "",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare what has to be so.

        Parameters
        ----------
        ca
            PEM.
        server_name
            Name or IP address that the certificate has to carry: by which others will reach the server.
        address, address_env
            Where this machine reaches the server: `https://host:port`, or the environment variable that says
            so when it is looked at. Exactly one of them.
        hint
            What a failure says besides: where all this is configured, and what else may be the matter.
        """
        inputs = {
            "address": address,
            "address_env": address_env,
            "ca": ca,
            "server_name": server_name,
            "hint": hint,
        }
        super().__init__(ServerTrustProvider(), name, inputs, opts)


def _failures(inputs: dict[str, Any]) -> Iterator[CheckFailure]:
    if (inputs.get("address") is None) == (inputs.get("address_env") is None):
        yield CheckFailure("address", "expected exactly one of address and address_env")
    for name in ("ca", "server_name"):
        if not isinstance(inputs.get(name), str):
            yield CheckFailure(name, f"expected a text, got {inputs.get(name)!r}")


def _look(inputs: dict[str, Any]) -> None:
    from providers.tls.handshake import address_of, see_trusted  # noqa: PLC0415 - httpx is for a run, not for a preview

    try:
        see_trusted(address_of(inputs), inputs["ca"], inputs["server_name"])
    except ProviderError as error:
        if hint := inputs.get("hint"):
            raise ProviderError(f"{error}; {hint}") from None
        raise
