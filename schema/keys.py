"""The virtual keys, and the templates that they have in common."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, create_model
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from providers.litellm import KeyTemplate, fields
from providers.litellm.kinds import Kind
from schema.section import Grace, Label, LiteLLMDuration, NamespacedName, Section, Usd, VaultPath

KEY_PROPERTY = "api-key"
"""Property of a path that holds a delivered key."""
_OF_ONE_KEY = ("key_alias", "duration", "spend")


def _of_kind(kind: Kind) -> AfterValidator:
    def check(value: Any) -> Any:
        if reason := kind.problem(value):
            raise PydanticCustomError("kind_of_field", "{reason}", {"reason": reason})
        return value

    return AfterValidator(check)


def _declaration(field: fields.Field) -> tuple[Any, Any]:
    """Give a field of the table the form in which pydantic takes it."""
    sentences = [
        field.kind.expected + (f"; {field.unit}" if field.unit else ""),
        _NAME_IN_TEXT.sub(_in_camel_case, field.about),
        "only a licensed gateway takes it" if field.licensed else "",
    ]
    description = " ".join(f"{words[0].upper()}{words[1:]}." for words in sentences if words)
    return Annotated[Any, _of_kind(field.kind)], Field(default=None, description=description)


_NAME_IN_TEXT = re.compile("`(\\w+)`")


def _in_camel_case(name: re.Match[str]) -> str:
    return f"`{to_camel(name[1])}`" if name[1] in fields.BY_NAME else name[0]


_DECLARATIONS: dict[str, Any] = {
    field.name: _declaration(field)
    for field in fields.FIELDS
    if field.name not in _OF_ONE_KEY and not field.secret
}
_Table = create_model("_Table", __base__=Section, **_DECLARATIONS)


class SharedKeySettings(_Table):
    """What a key and a template can say; what is left out is left to LiteLLM."""

    max_ttl: LiteLLMDuration | None = None
    """No key may live longer; a key without a duration lives as long."""
    rotation: dict[str, Any] | None = None
    """Anything; whenever it changes, the key gets a successor."""
    rotate_every: LiteLLMDuration | None = None
    """The first `pulumi up` after this age gives the key a successor."""
    grace: Grace | None = None
    """How long the old key lives on beside its successor (15m); 0s deletes it at once."""
    renew: bool | None = None
    """`pulumi up` sets the expiry anew, within maxTtl, when less than a third of the duration is left."""
    retain_on_delete: bool | None = None
    """When the entry goes, or adopts another key, only our marks are taken off the key; it lives on."""

    def said(self, *besides: str) -> dict[str, Any]:
        """Give what is said, in the names of `providers.litellm`.

        Parameters
        ----------
        besides
            Names to leave out.
        """
        return self.model_dump(exclude=set(besides), exclude_none=True)


class TemplateSettings(SharedKeySettings):
    """What keys have in common; what a key says itself wins, of the metadata each name."""

    alias_prefix: str = ""
    """The alias of a key is this and its name."""
    ttl: LiteLLMDuration | None = None
    """The duration of a key without one of its own."""

    def template(self) -> KeyTemplate:
        """Say the same to the provider."""
        return KeyTemplate(**self.said())


class DeliverSettings(Section):
    """Where a key is put instead of the stack's state; beside it stand its URL, alias, hash and expiry."""

    mount: VaultPath | None = None
    """KV v2 mount; without it `vault.mount`."""
    path: VaultPath
    """Path below the mount, of this key alone."""
    property: str = Field(default=KEY_PROPERTY, min_length=1)
    """Property that holds the key."""


class ConsumerSettings(Section):
    """Who uses a delivered key: a rotation waits until it has followed."""

    external_secret: NamespacedName | None = None
    """`namespace/name` of the ExternalSecret that brings the key out of Vault; it is made to sync at once."""
    deployment: NamespacedName | None = None
    """`namespace/name` of the Deployment that is restarted then, and whose rollout is waited for."""
    timeout_seconds: int = Field(default=120, ge=1)
    """How long each of the two is waited for."""


class OneKeySettings(SharedKeySettings):
    """What only one key can say."""

    template: str | None = None
    """Name of the template that says what this key doesn't."""
    alias: str | None = None
    """An alias of your own instead of `<name>-<7 hex>`."""
    duration: LiteLLMDuration | None = None
    """Life of the key, from its creation."""
    adopt: str | None = None
    """Hash or alias of an existing key, to be managed from now on; nobody learns its value."""


class KeySettings(OneKeySettings):
    """One virtual key."""

    name: Label
    """Name of the resource; the alias begins with it."""
    deliver: DeliverSettings | None = None
    """Put the key into Vault; the state then holds its hash, and no output holds the key."""
    consumer: ConsumerSettings | None = None
    """Wait, when the key gets a successor, until who uses it has that."""

    def own(self, mount: str) -> dict[str, Any]:
        """Give what the key says itself, with the mount of a delivery that names none."""
        said = self.said("name", "template")
        return said | ({"deliver": {"mount": mount, **said["deliver"]}} if self.deliver else {})


class KeyPolicy(Section):
    """What each key of the stack has to say, itself or by its template."""

    require_models: bool = True
    """A list of models."""
    require_max_budget: bool = False
    """A maxBudget."""
    max_budget: Usd | None = None
    """A maxBudget of no more than this, USD."""
