"""`KvSecret`: properties of one KV v2 path as a resource. The thin side that Pulumi sees."""

from collections.abc import Mapping
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

from providers.declaring import declaring_line, with_position
from providers.dynamic import Provider, plain
from providers.vault import sources

__all__ = ["KvSecret", "KvSecretProvider"]


class KvSecretProvider(Provider):
    """Pulumi's calls, passed on to plain functions. Only what a preview needs is imported beforehand."""

    runs_with = ("providers.vault.secret_path",)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        inputs = plain(news)
        problems = sources.check_inputs(inputs)
        # The engine prints the value of a property that a failure names, and this one may hold a secret.
        return CheckResult(
            inputs, [CheckFailure("", f"{problem.field}: {problem.reason}") for problem in problems]
        )

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        changed = sources.changed_inputs(plain(_olds), plain(_news))
        replaces = [name for name in changed if name in ("mount", "path")]
        return DiffResult(changes=bool(changed), replaces=replaces, delete_before_replace=False)

    def create(self, props: dict[str, Any]) -> CreateResult:
        from providers.vault import secret_path  # noqa: PLC0415 - hvac is for a run, not for a preview

        return CreateResult(
            f"{props['mount']}/{props['path']}", secret_path.write(secret_path.open_path(props), props, {})
        )

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        from providers.vault import secret_path  # noqa: PLC0415 - hvac is for a run, not for a preview

        state = secret_path.read(secret_path.open_path(props), props)
        if state is None:
            return ReadResult("", {})
        drifted = state["properties"] != props["properties"]
        return ReadResult(id_, state, {name: state[name] for name in sources.INPUTS} if drifted else None)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        from providers.vault import secret_path  # noqa: PLC0415 - hvac is for a run, not for a preview

        return UpdateResult(secret_path.write(secret_path.open_path(_news), _news, _olds))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        from providers.vault import secret_path  # noqa: PLC0415 - hvac is for a run, not for a preview

        secret_path.delete(secret_path.open_path(_props), _props)


class KvSecret(Resource, module="vault", name="KvSecret"):
    """Some properties of one path of a KV v2 mount; others at the path are left alone.

    Attributes
    ----------
    version
        KV version of the path after the last write or refresh.
    fingerprints
        Property -> SHA-256 of its value in hex, secret.
    """

    version: pulumi.Output[int]
    fingerprints: pulumi.Output[dict[str, str]]

    def __init__(
        self,
        name: str,
        *,
        mount: pulumi.Input[str],
        path: pulumi.Input[str],
        properties: pulumi.Input[Mapping[str, Any]],
        vault: pulumi.Input[Mapping[str, Any]] | None = None,
        retain_on_delete: pulumi.Input[bool] = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the properties.

        Parameters
        ----------
        mount, path
            Path of the KV v2 mount, and the path below it, without `data/`.
        properties
            Property -> source of its value: `{"generate": "litellm-key" | "password"}` (made once, never
            overwritten), `{"env": NAME}`, `{"file": PATH}`, `{"value": secret}`, or `{"manual": True}` (put
            there by hand, never written).
        vault
            `address`, `namespace`, `ca_cert_file`; by default VAULT_ADDR and its like. The token comes from
            VAULT_TOKEN or ~/.vault-token.
        retain_on_delete
            Leave everything in Vault when this resource goes.
        """
        inputs = {
            "mount": mount,
            "path": path,
            "properties": properties,
            "vault": vault or {},
            "retain_on_delete": retain_on_delete,
        }
        secret = pulumi.ResourceOptions(additional_secret_outputs=["fingerprints"])
        with with_position(declaring_line()):
            super().__init__(
                KvSecretProvider(),
                name,
                inputs | {"version": None, "fingerprints": None},
                pulumi.ResourceOptions.merge(secret, opts),
            )
