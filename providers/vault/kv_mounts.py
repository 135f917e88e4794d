"""`KvMounts`: mounts that others have made are KV v2. The thin side that Pulumi sees."""

from collections.abc import Iterable, Mapping
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

__all__ = ["KvMounts", "KvMountsProvider"]


class KvMountsProvider(Provider):
    """Looks at mounts that are new, and makes nothing."""

    runs_with = ("providers.vault.connection", "providers.vault.mounts")

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        inputs = plain(news)
        mounts = inputs.get("mounts")
        failures = []
        if not has_unknown(mounts) and not isinstance(mounts, Mapping):
            failures.append(CheckFailure("mounts", f"expected mount -> who names it, got {mounts!r}"))
        return CheckResult(inputs, failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        olds, news = plain(_olds), plain(_news)
        return DiffResult(changes=olds["vault"] != news["vault"] or _named(olds) != _named(news))

    def create(self, props: dict[str, Any]) -> CreateResult:
        _look(props, props["mounts"])
        return CreateResult("kv-mounts", props)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Forget the mounts that are something else by now: so the next `up` looks at them, and says so."""
        from providers.vault.connection import VaultConnection  # noqa: PLC0415 - hvac is for a run
        from providers.vault.mounts import not_version_2  # noqa: PLC0415 - the same

        wrong = not_version_2(VaultConnection.parse(props["vault"]), props["mounts"])
        if not wrong:
            return ReadResult(id_, props)
        right = {mount: named for mount, named in props["mounts"].items() if mount not in wrong}
        return ReadResult(id_, {**props, "mounts": right}, {"vault": props["vault"], "mounts": right})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        known = _named(_olds) if _olds["vault"] == _news["vault"] else set()
        _look(_news, [mount for mount in _news["mounts"] if mount not in known])
        return UpdateResult(_news)


class KvMounts(Resource, module="vault", name="KvMounts"):
    """Fails an `up` if a mount that the program didn't make isn't there, or isn't KV v2.

    The paths of KV v2 mean nothing in KV v1: a policy would allow what isn't there, and a store would read
    nothing. Whatever changes anything depends on this. A preview asks nobody; a refresh does, and what has
    become something else is a change that the next `up` refuses.
    """

    def __init__(
        self,
        name: str,
        *,
        mounts: pulumi.Input[Mapping[str, str]],
        vault: pulumi.Input[Mapping[str, Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare what has to be so.

        Parameters
        ----------
        mounts
            Path of the mount -> who names it, as the error says it.
        vault
            `address`, `namespace`, `ca_cert_file`; by default VAULT_ADDR and its like. The token comes from
            VAULT_TOKEN or ~/.vault-token.
        """
        super().__init__(KvMountsProvider(), name, {"mounts": mounts, "vault": vault or {}}, opts)


def _named(props: Mapping[str, Any]) -> set[str]:
    """Name the mounts; who names them may change, as when the entries of a list change places."""
    mounts = props["mounts"]
    return set(mounts) if isinstance(mounts, Mapping) else {str(mounts)}


def _look(props: Mapping[str, Any], mounts: Iterable[str]) -> None:
    from providers.vault.connection import VaultConnection  # noqa: PLC0415 - hvac is for a run, not for a preview
    from providers.vault.mounts import see_version_2  # noqa: PLC0415 - the same

    named = {mount: str(props["mounts"][mount]) for mount in mounts}
    see_version_2(VaultConnection.parse(props["vault"]), named)
