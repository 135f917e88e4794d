"""What an agent that is injected into an app's Pods fetches, and how: the annotations' values, typed.

Source of the names: https://developer.hashicorp.com/vault/docs/platform/k8s/injector/annotations
"""

import posixpath
import re
from collections import Counter
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from schema.secrets import DynamicSettings
from schema.section import FileBelow, Folder, GoDuration, KvPath, Label, Quantity, Section

_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,38}[a-z0-9])?")
_PERMISSIONS = re.compile(r"0?[0-7]{3}")
_VOLUME = "/vault/secrets"
_TOKEN_FILE = "token"  # noqa: S105 - a name


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(
            "expected what an annotation may end in: a-z, 0-9, '.', '_' and '-', at most 40 characters"
        )
    return value


def _permissions(value: str) -> str:
    if not _PERMISSIONS.fullmatch(value):
        raise ValueError("expected the permissions of a file in octal, such as 0640")
    return value


class InjectedSecret(Section):
    """One file that the agent writes: from a path of KV, or with credentials of an engine."""

    name: Annotated[str, AfterValidator(_name)]
    """Name of the secret; the file's too, unless `file` says otherwise."""
    path: KvPath | None = None
    """Of a secret in KV, below the prefix."""
    dynamic: DynamicSettings | None = None
    """Or a role of an engine; the agent renews what it leases."""
    template: str | None = Field(default=None, min_length=1)
    """In the language of Consul Template, for paths that the app declares; without it `defaultTemplate`."""
    file: FileBelow | None = None
    """Below `volumePath`."""
    volume_path: Folder | None = None
    """Where this file's volume is mounted; without it the `volumePath` of all."""
    perms: Annotated[str, AfterValidator(_permissions)] | None = None
    """Permissions of the file: `0640`, which an app that isn't `runAsUser` reads as the Pod's `fsGroup`."""
    command: str | None = Field(default=None, min_length=1)
    """Run by the agent after each rendering."""
    error_on_missing_key: bool = False
    """Fail where the template names what the secret lacks, and don't write `<no value>`."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.path is None) == (self.dynamic is None):
            raise ValueError("expected exactly one of path and dynamic: a template alone fetches nothing")
        if self.name.startswith("file-"):
            raise ValueError(
                f"name is {self.name!r}: the injector reads agent-inject-template-file-... as the path of a "
                "template; choose one that doesn't begin with file-"
            )
        if self.dynamic and self.dynamic.method == "POST" and self.template is None:
            raise ValueError("dynamic.method: POST needs a template, which sends the parameters")
        if self.dynamic and self.dynamic.parameters:
            raise ValueError('dynamic.parameters: say them in the template: {{ with secret "PATH" "k=v" }}')
        return self


class InjectorCache(Section):
    """The agent as a proxy for the app, with a cache."""

    use_auto_auth_token: bool | Literal["force"] = True
    """Send the agent's token where the app sends none; `force`: always."""
    listener_port: int = Field(default=8200, ge=1024, le=65535)
    """Port in the Pod."""
    exit_on_err: bool = False
    """End the agent if the cache of the init container can't be taken over."""


class InjectorResources(Section):
    """What the agent's containers are given."""

    limits_cpu: Quantity | None = None
    """Limit of CPU."""
    limits_mem: Quantity | None = None
    """Limit of memory."""
    limits_ephemeral: Quantity | None = None
    """Limit of ephemeral storage."""
    requests_cpu: Quantity | None = None
    """Requested CPU."""
    requests_mem: Quantity | None = None
    """Requested memory."""
    requests_ephemeral: Quantity | None = None
    """Requested ephemeral storage."""


class InjectorSettings(Section):
    """Annotations for the app's own Deployment, whose agent logs in with the app's role."""

    annotations: Literal["vault.hashicorp.com", "openbao.openbao.org"] = "vault.hashicorp.com"
    """Whose injector runs in the cluster: the annotations' prefix."""
    secrets: list[InjectedSecret] = Field(min_length=1)
    """The files."""
    volume_path: Folder | None = None
    """Where the files' volume is mounted; without it `/vault/secrets`."""
    containers: list[Label] = []
    """Containers of the Pod that see the files; without it all."""
    default_template: Literal["map", "json"] = "map"
    """What a file without a template holds: a line for each property, or one JSON object."""
    render_interval: GoDuration | None = None
    """How often what has no lease is read again; without it as often as the agent does, 5m."""
    inject_token: bool = False
    """Write the agent's own Vault token to the file `token`."""
    pre_populate: bool = True
    """Write the files before the app starts."""
    pre_populate_only: bool = False
    """And never again: no sidecar renews anything."""
    init_first: bool = False
    """Run before the Pod's other init containers."""
    cache: InjectorCache | None = None
    """Makes the agent listen for the app; with `prePopulate` not without `automountServiceAccountToken`."""
    resources: InjectorResources = InjectorResources()
    """Of the agent's containers."""
    run_as_user: int | None = Field(default=None, ge=0)
    """User of the agent, who owns the files; without it the injector's own."""
    run_as_group: int | None = Field(default=None, ge=0)
    """Group of the agent."""
    log_level: Literal["trace", "debug", "info", "warn", "error"] | None = None
    """Of the agent."""
    log_format: Literal["standard", "json"] | None = None
    """Of the agent."""
    revoke_on_shutdown: bool = False
    """Give the sidecar's token back when the Pod ends; seen with HashiCorp's injector."""
    revoke_grace_seconds: int | None = Field(default=None, ge=1)
    """How long that may take."""

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.pre_populate_only:
            needing = {
                "cache": self.cache is not None,
                "revokeOnShutdown": self.revoke_on_shutdown,
                "a command": any(secret.command for secret in self.secrets),
            }
            if not self.pre_populate:
                raise ValueError("prePopulateOnly: true with prePopulate: false leaves no agent at all")
            if drawn := [secret.name for secret in self.secrets if secret.dynamic]:
                raise ValueError(
                    f"prePopulateOnly: true leaves nobody who renews the credentials of {', '.join(drawn)}"
                )
            for what, needed in needing.items():
                if needed:
                    raise ValueError(f"prePopulateOnly: true leaves no sidecar, which {what} is for")
        if self.revoke_grace_seconds and not self.revoke_on_shutdown:
            raise ValueError("revokeGraceSeconds is for revokeOnShutdown: true")
        for field, values in (
            ("name", [secret.name for secret in self.secrets]),
            ("file", self._files()),
        ):
            twice = [value for value, number in Counter(values).items() if number > 1]
            if twice:
                raise ValueError(f"secrets: {twice[0]!r} is the {field} of two; each needs its own")
        return self

    def _files(self) -> list[str]:
        """Name every file that the agent writes."""
        common = self.volume_path or _VOLUME
        files = [
            posixpath.join(secret.volume_path or common, secret.file or secret.name)
            for secret in self.secrets
        ]
        return [*files, *([posixpath.join(common, _TOKEN_FILE)] if self.inject_token else [])]
