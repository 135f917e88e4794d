"""`VirtualKey`: a key of a LiteLLM gateway as a resource. The thin side that Pulumi sees.

What a field is stands in `fields`, what is refused in `checks`, what a key's life is in `key`. Only `checks`
and `diff` are imported with this module: a preview opens no connection, so it pays for no HTTP client.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, ClassVar, Unpack

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
from providers.dynamic import Provider, own_urn, plain
from providers.inputs import Problem, has_unknown
from providers.litellm import adopt_input, changes, checks, known, renewal, rotation
from providers.litellm.declaration import KeyFields
from providers.litellm.errors import AdminKeyRefusedError
from providers.litellm.fields import SECRETS
from providers.litellm.template import KeyTemplate
from providers.notices import notice
from providers.reference import SecretMissingError

__all__ = ["VirtualKey", "VirtualKeyProvider"]


class VirtualKeyProvider(Provider):
    """Pulumi's calls, passed on to plain functions."""

    runs_with: ClassVar[tuple[str, ...]] = (
        "providers.litellm.connection",
        "providers.litellm.delivery",
        "providers.litellm.key",
    )

    keeps_undeclared: ClassVar[bool] = True
    """Whether a successor keeps what isn't declared."""

    check_inputs = staticmethod(checks.check_inputs)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        inputs, problems = self.check_inputs(plain(_olds), plain(news))
        problems += _alias_problems(inputs)
        return CheckResult(inputs, [CheckFailure(problem.field, problem.reason) for problem in problems])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        olds, news = plain(_olds), plain(_news)
        replacing = changes.replacing(olds, news)
        in_state = known.Current.of_state(
            _id, olds, news, is_going=bool(replacing), keeps_undeclared=self.keeps_undeclared
        )
        known.note(news["owner"], in_state)
        for sentence in _words(olds, news, replacing):
            notice(sentence)
        return DiffResult(
            changes=bool(changes.changed_inputs(olds, news)), replaces=replacing, delete_before_replace=False
        )

    def create(self, props: dict[str, Any]) -> CreateResult:
        from providers.litellm import connection, delivery, key  # noqa: PLC0415 - see the module's docstring

        gateway = connection.connect(props["gateway"])
        state = key.create(gateway, props, delivery.Delivery.of(props))
        return CreateResult(state["token_id"], state)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        from providers.litellm import connection, delivery, key  # noqa: PLC0415 - see the module's docstring

        gateway = connection.connect(props["gateway"])
        try:
            found = key.read(gateway, id_, props, delivery.Delivery.of(props))
        except (AdminKeyRefusedError, SecretMissingError):
            if "admin_key_owner" not in props["gateway"]:
                raise
            # The same refresh finds the admin's own key wanting, and the next `up` replaces that.
            _say_unseen(props["gateway"]["admin_key_owner"])
            return ReadResult(id_, props)
        if found is None:
            return ReadResult("", {})
        return ReadResult(id_, found.state, found.inputs)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        from providers.litellm import connection, delivery, key  # noqa: PLC0415 - see the module's docstring

        gateway = connection.connect(_news["gateway"])
        return UpdateResult(key.update(gateway, _id, _olds, _news, delivery.Delivery.of(_news)))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        from providers.litellm import connection, delivery, key  # noqa: PLC0415 - see the module's docstring

        key.delete(connection.connect(_props["gateway"]), _id, _props, delivery.Delivery.of(_props))


def _alias_problems(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    """Say that another resource of this program declares the same alias."""
    gateway, alias, urn = (inputs.get(name) for name in ("gateway", "alias", "owner"))
    if not isinstance(gateway, Mapping) or not isinstance(alias, str):
        return
    url = gateway.get("url")
    if not isinstance(url, str) or has_unknown([url, alias, urn]):
        return
    if other := known.other_of_alias(url.rstrip("/"), alias, str(urn)):
        yield Problem("alias", f"{alias!r} is the alias of {other} too; give each key one of its own")


def _words(olds: Mapping[str, Any], news: Mapping[str, Any], replacing: list[str]) -> Iterator[str]:
    yield from adopt_input.words(olds, news)
    if not replacing:
        yield from renewal.words(olds, news)
    elif "adopt" not in replacing:
        yield from rotation.words(olds, news, replacing)


@cache
def _say_unseen(admin: str) -> None:
    notice(
        f"{admin}: the gateway doesn't take its key, so the keys that it manages can't be "
        "looked at and stay in the state as they are; `pulumi up` replaces it"
    )


class VirtualKey(Resource, module="litellm", name="VirtualKey"):
    """A virtual key: minted here, known to the gateway by its hash.

    A destroy returns when the gateway's database knows the key no more. A replica that has seen it may accept
    it for as long as it remembers keys (LiteLLM's `user_api_key_cache_ttl`, 60 s by default), no longer. A
    replacement gives the key a successor, and an end after its `grace`, of which replicas hear just as late.

    Attributes
    ----------
    key
        The key itself, secret; None if it is delivered to Vault, which then holds it alone; empty if it was
        adopted, for nobody knows it.
    token_id
        SHA-256 of the key in hex, which is the resource's id too.
    key_alias
        The alias that the gateway shows: the declared one, or the auto-named one.
    expires
        When the gateway stops accepting it, RFC 3339; empty if never.
    vault_path
        `<mount>/<path>` that it is delivered to, or None.
    vault_version
        KV version of that path after the last write or refresh, or None.
    """

    key: pulumi.Output[str | None]
    token_id: pulumi.Output[str]
    key_alias: pulumi.Output[str]
    expires: pulumi.Output[str]
    vault_path: pulumi.Output[str | None]
    vault_version: pulumi.Output[int | None]

    def __init__(
        self,
        name: str,
        *,
        gateway: pulumi.Input[Mapping[str, Any]],
        template: KeyTemplate | None = None,
        opts: pulumi.ResourceOptions | None = None,
        **fields: Unpack[KeyFields],
    ) -> None:
        """Declare a key.

        Parameters
        ----------
        gateway
            `url` of the gateway; `admin_key`, where the key is found that may manage others
            (`{"env": NAME}`, `{"file": PATH}` or `{"vault": {"mount", "path", "property"}}`); and, if needed,
            `ca_cert_file`, `vault` (`address`, `namespace`, `ca_cert_file`; by default VAULT_ADDR and its
            like), `ready_timeout_seconds` (120), `reach` (`{"port_forward": {"namespace", "service",
            "port"}}`: through the Kubernetes API instead of at the URL) and `cluster` (`kubeconfig`,
            `context`; by default those of `kubectl`). A change of these touches no key.
        template
            What this key has in common with others; its own fields win.
        fields
            See `KeyFields`. What is left out is left to the gateway; what is taken out again is cleared.
        """
        if opts and opts.delete_before_replace:
            raise pulumi.RunError(
                f"{name}: a virtual key can't be deleted before it is replaced: its successor takes over its "
                "spend and limits, and apps go on with it meanwhile; leave `delete_before_replace` out"
            )
        declared = template.applied(name, fields) if template else {**fields}
        if "owner" in declared:
            raise pulumi.RunError(
                f"{name}: owner is the URN of the resource, which it sets by itself; leave it out"
            )
        owner = own_urn(self._resource_type_name, name, opts)
        outputs = dict.fromkeys(("key", "token_id", "key_alias", "expires", "vault_path", "vault_version"))
        hidden = {name: pulumi.Output.secret(declared[name]) for name in SECRETS if name in declared}
        secret = pulumi.ResourceOptions(additional_secret_outputs=["key", *hidden])
        with with_position(declaring_line()):
            super().__init__(
                VirtualKeyProvider(),
                name,
                {**outputs, "gateway": gateway, "owner": owner, **declared, **hidden},
                pulumi.ResourceOptions.merge(secret, opts),
            )
        for warning in checks.warnings(declared):
            pulumi.log.warn(warning, self)
