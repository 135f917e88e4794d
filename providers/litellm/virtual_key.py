"""`VirtualKey`: a key of a LiteLLM gateway as a resource. The thin side that Pulumi sees.

What a field is stands in `fields`, what is refused in `checks`, what a key's life is in `key`. Only `checks`
and `diff` are imported with this module: a preview opens no connection, so it pays for no HTTP client.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypedDict, Unpack

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
from providers.litellm import changes, checks, orphans

__all__ = ["KeyFields", "VirtualKey", "VirtualKeyProvider"]


class VirtualKeyProvider(Provider):
    """Pulumi's calls, passed on to plain functions."""

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        if _olds.get("owner"):
            orphans.expect(_olds["owner"])
        inputs, problems = checks.check_inputs(plain(_olds), plain(news))
        return CheckResult(inputs, [CheckFailure(problem.field, problem.reason) for problem in problems])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        olds, news = plain(_olds), plain(_news)
        orphans.remember(_id, olds.get("owner"))
        return DiffResult(
            changes=bool(changes.changed_inputs(olds, news)),
            replaces=changes.replacing(olds, news),
            delete_before_replace=False,
        )

    def create(self, props: dict[str, Any]) -> CreateResult:
        from providers.litellm import connection, delivery, key  # noqa: PLC0415 - see the module's docstring

        gateway = connection.connect(props["gateway"])
        state = key.create(gateway, props, delivery.Delivery.of(props))
        return CreateResult(state["token_id"], state)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        from providers.litellm import connection, delivery, key  # noqa: PLC0415 - see the module's docstring

        orphans.remember(id_)
        gateway = connection.connect(props["gateway"])
        found = key.read(gateway, id_, props, delivery.Delivery.of(props))
        if found is None:
            return ReadResult("", {})
        return ReadResult(id_, found.state, found.inputs)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        from providers.litellm import connection, delivery, key  # noqa: PLC0415 - see the module's docstring

        gateway = connection.connect(_news["gateway"])
        return UpdateResult(key.update(gateway, _id, _olds, _news, delivery.Delivery.of(_news)))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        from providers.litellm import connection, delivery, key  # noqa: PLC0415 - see the module's docstring

        key.delete(connection.connect(_props["gateway"]), _id, delivery.Delivery.of(_props))


class KeyFields(TypedDict, total=False):
    """What may be said of a key; see `fields.FIELDS` for how each is kept, cleared and compared."""

    deliver: pulumi.Input[Mapping[str, Any]] | None  # `mount`, `path` and `property` (api-key) in Vault
    alias: pulumi.Input[str] | None  # auto-named `<name>-<7 hex>` if left out
    models: pulumi.Input[list[pulumi.Input[str]]] | None  # empty: every model
    duration: pulumi.Input[str] | None  # the key expires so long after it was made or this was changed
    metadata: pulumi.Input[Mapping[str, Any]] | None
    blocked: pulumi.Input[bool] | None
    user_id: pulumi.Input[str] | None
    team_id: pulumi.Input[str] | None
    agent_id: pulumi.Input[str] | None
    organization_id: pulumi.Input[str] | None
    project_id: pulumi.Input[str] | None
    key_type: pulumi.Input[Literal["default", "llm_api", "management", "read_only"]] | None
    # budgets, USD
    max_budget: pulumi.Input[float] | None
    soft_budget: pulumi.Input[float] | None
    budget_duration: pulumi.Input[str] | None
    budget_limits: pulumi.Input[list[pulumi.Input[Mapping[str, Any]]]] | None
    budget_id: pulumi.Input[str] | None
    end_user_budget_id: pulumi.Input[str] | None
    model_max_budget: pulumi.Input[Mapping[str, Any]] | None
    budget_fallbacks: pulumi.Input[Mapping[str, Any]] | None
    temp_budget_increase: pulumi.Input[float] | None
    temp_budget_expiry: pulumi.Input[str] | None  # RFC 3339
    throttle_on_budget_exceeded: pulumi.Input[bool] | None
    spend: pulumi.Input[float] | None  # what the key starts with
    # limits: requests and tokens, per minute (rpm, tpm) or per day (tpd)
    max_parallel_requests: pulumi.Input[int] | None
    rpm_limit: pulumi.Input[int] | None
    tpm_limit: pulumi.Input[int] | None
    tpd_limit: pulumi.Input[int] | None
    rpm_limit_type: pulumi.Input[str] | None
    tpm_limit_type: pulumi.Input[str] | None
    model_rpm_limit: pulumi.Input[Mapping[str, int]] | None
    model_tpm_limit: pulumi.Input[Mapping[str, int]] | None
    mcp_rpm_limit: pulumi.Input[Mapping[str, int]] | None
    tag_rpm_limit: pulumi.Input[Mapping[str, int]] | None
    default_estimated_output_tokens: pulumi.Input[int] | None
    default_estimated_output_tokens_per_model: pulumi.Input[Mapping[str, int]] | None
    # what the key may do
    model_aliases: pulumi.Input[Mapping[str, str]] | None  # `aliases` of the API
    allowed_routes: pulumi.Input[list[pulumi.Input[str]]] | None
    allowed_passthrough_routes: pulumi.Input[list[pulumi.Input[str]]] | None
    denied_passthrough_routes: pulumi.Input[list[pulumi.Input[str]]] | None
    allowed_cache_controls: pulumi.Input[list[pulumi.Input[str]]] | None
    allowed_vector_store_indexes: pulumi.Input[list[pulumi.Input[Mapping[str, Any]]]] | None
    access_group_ids: pulumi.Input[list[pulumi.Input[str]]] | None
    object_permission: pulumi.Input[Mapping[str, Any]] | None
    permissions: pulumi.Input[Mapping[str, Any]] | None
    # how its requests are served
    config: pulumi.Input[Mapping[str, Any]] | None
    router_settings: pulumi.Input[Mapping[str, Any]] | None
    enforced_params: pulumi.Input[list[pulumi.Input[str]]] | None
    enable_prompt_caching: pulumi.Input[bool] | None
    tags: pulumi.Input[list[pulumi.Input[str]]] | None
    guardrails: pulumi.Input[list[pulumi.Input[str]]] | None
    policies: pulumi.Input[list[pulumi.Input[str]]] | None
    prompts: pulumi.Input[list[pulumi.Input[str]]] | None
    disable_global_guardrails: pulumi.Input[bool] | None
    auto_rotate: pulumi.Input[bool] | None
    rotation_interval: pulumi.Input[str] | None
    send_invite_email: pulumi.Input[bool] | None


class VirtualKey(Resource, module="litellm", name="VirtualKey"):
    """A virtual key: minted here, known to the gateway by its hash.

    Attributes
    ----------
    key
        The key itself, secret; None if it is delivered to Vault, which then holds it alone.
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
            like) and `ready_timeout_seconds` (120). A change of these touches no key.
        fields
            See `KeyFields`. What is left out is left to the gateway; what is taken out again is cleared.
        """
        parent = opts.parent if opts else None
        # As a plain awaitable: an Output would make the key depend on its parent, and so on itself.
        owner = pulumi.create_urn(name, f"pulumi-python:{self._resource_type_name}", parent).future()
        outputs = dict.fromkeys(("key", "token_id", "key_alias", "expires", "vault_path", "vault_version"))
        secret = pulumi.ResourceOptions(additional_secret_outputs=["key"])
        super().__init__(
            VirtualKeyProvider(),
            name,
            {"gateway": gateway, "owner": owner, **fields, **outputs},
            pulumi.ResourceOptions.merge(secret, opts),
        )
        for warning in checks.warnings(fields):
            pulumi.log.warn(warning, self)
