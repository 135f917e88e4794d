"""Secrets that follow Vault, and secrets that are pushed to it."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from schema.section import GoDuration, KvPath, Label, SecretKey, Section, VaultPath

CreationPolicy = Literal["Owner", "Orphan", "Merge"]
DeletionPolicy = Literal["Retain", "Delete", "Merge"]

_REFUSED_POLICIES: Mapping[tuple[CreationPolicy, DeletionPolicy], str] = {
    ("Merge", "Delete"): "would delete a Secret that somebody else made",
    ("Orphan", "Delete"): "would have the operator delete a Secret that it doesn't own, which it refuses",
}
"""What the operator's webhook refuses, and what it only notices once a value in Vault is gone."""

_CREDENTIALS = {"GET": ("creds", "static-creds", "sts"), "POST": ("creds", "issue", "sign")}
"""Where engines give credentials: the step before the role."""
_NOT_OF_AN_ENGINE = {".", "..", "data", "metadata"}
"""Steps of a path that would lead to values in KV v2 instead."""


class PropertySettings(Section):
    """One property of a path in Vault."""

    path: KvPath
    """Below the prefix."""
    property: str = Field(min_length=1)
    """Property at the path."""


class ExtractSettings(Section):
    """Every property of a path in Vault, without naming each."""

    path: KvPath
    """Below the prefix."""
    as_variables: bool = False
    """Spell the names as environment variables: `api-key` becomes `API_KEY`."""

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, given: Any) -> Any:
        return {"path": given} if isinstance(given, str) else given


class FileSettings(Section):
    """One file made of all the values: in a format, or by a template of your own."""

    format: Literal["env", "json", "yaml"] | None = None
    """env (names spelled as variables), json or yaml."""
    template: str | None = None
    """Go template with the functions of the operator: `{"url": {{ toJson .url }}}`."""

    @model_validator(mode="before")
    @classmethod
    def _format_alone(cls, given: Any) -> Any:
        return {"format": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.format is None) == (self.template is None):
            raise ValueError("expected exactly one of format and template")
        return self


class DynamicSettings(Section):
    """Credentials that Vault makes each time it is asked: a role of a secrets engine."""

    path: VaultPath
    """Where the engine gives them: `database/creds/search`."""
    method: Literal["GET", "POST"] = "GET"
    """POST where the engine takes parameters: `pki/issue/search`."""
    parameters: dict[str, Any] = {}
    """Of a POST."""

    @model_validator(mode="after")
    def _a_role_of_an_engine(self) -> Self:
        kinds = _CREDENTIALS[self.method]
        steps = self.path.split("/")
        if len(steps) < len(("mount", "kind", "role")) or steps[-2] not in kinds:
            ways = ", ".join(f"MOUNT/{kind}/ROLE" for kind in kinds)
            raise ValueError(f"path is {self.path!r}: with {self.method} expected one of {ways}")
        if not _NOT_OF_AN_ENGINE.isdisjoint(steps):
            raise ValueError(f"path is {self.path!r}: expected the role of an engine, not a value in KV")
        if self.parameters and self.method == "GET":
            raise ValueError("parameters are only sent with method: POST")
        return self

    def of_database(self, mount: str) -> bool:
        """Tell whether it is a role, dynamic or static, of the database engine at a mount."""
        return self.path.rpartition("/")[0] in (f"{mount}/creds", f"{mount}/static-creds")


class SecretSettings(Section):
    """One Secret that follows Vault: single properties, whole paths, dynamic credentials, files of them."""

    name: Label
    """Name of the Secret and of its ExternalSecret."""
    properties: dict[SecretKey, PropertySettings] = {}
    """Key of the Secret -> property in Vault."""
    extract: list[ExtractSettings] = []
    """Paths of which every property is taken; a path alone, or path and asVariables."""
    dynamic: DynamicSettings | None = None
    """Credentials that are made anew at each refreshInterval."""
    files: dict[SecretKey, FileSettings] = {}
    """File name -> env, json, yaml, or template; the Secret then holds the files alone."""
    creation_policy: CreationPolicy = "Owner"
    """Owner: made, and deleted with its ExternalSecret; Orphan: made and left; Merge: somebody else's."""
    deletion_policy: DeletionPolicy = "Retain"
    """When the values are gone from Vault: Retain the Secret, Delete it, or Merge (take its keys out)."""
    refresh_interval: GoDuration | None = None
    """How often it is compared with Vault; without it `externalSecrets.refreshInterval`."""
    wait: bool = True
    """False where its values are put into Vault later: `pulumi up` then doesn't wait for the first sync."""

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if not (self.properties or self.extract or self.dynamic):
            raise ValueError("is empty: expected properties, extract or dynamic")
        if why := _REFUSED_POLICIES.get((self.creation_policy, self.deletion_policy)):
            raise ValueError(
                f"creationPolicy {self.creation_policy} with deletionPolicy {self.deletion_policy} {why}; "
                "use deletionPolicy Retain, or creationPolicy Owner"
            )
        if self.dynamic and self.refresh_interval is None:
            raise ValueError(
                "dynamic needs a refreshInterval of its own, shorter than the lease: "
                "new credentials are made each time"
            )
        return self

    def paths(self) -> list[str]:
        """Name the paths that it reads."""
        named = [item.path for item in self.properties.values()]
        return list(dict.fromkeys([*named, *(item.path for item in self.extract)]))


class PushSettings(Section):
    """One Secret of the cluster that is written to a path of Vault: whole, or some of its keys."""

    name: Label
    """Name of the push."""
    secret: Label
    """Secret that is pushed."""
    path: KvPath
    """Path that takes it, below the prefix."""
    properties: dict[SecretKey, str] = {}
    """Key of the Secret -> property at the path; without it the whole Secret, a property for each key."""
    update_policy: Literal["Replace", "IfNotExists"] = "Replace"
    """IfNotExists: what stands in Vault already is left alone."""
    deletion_policy: Literal["Delete", "None"] = "None"
    """Delete: what was pushed goes with the PushSecret."""
    refresh_interval: GoDuration | None = None
    """How often Vault is compared with the Secret; without it `externalSecrets.refreshInterval`."""
    wait: bool = True
    """False where the Secret comes later: `pulumi up` then doesn't wait for the first push."""
