"""What every section of the configuration is made of: its base, its kinds of values, and its one error."""

import re
from collections.abc import Iterable
from typing import Annotated
from urllib.parse import urlsplit

import pulumi
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from providers.litellm.checks import parse_duration
from providers.litellm.rotation import grace_problems

NAMESPACE = "llm-gateway"


class SettingsError(pulumi.RunError):
    """One or more configuration keys are wrong; ends the program with these sentences and no traceback."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self.sentences = tuple(sentences)
        super().__init__("\n".join(self.sentences))


class Section(BaseModel):
    """A part of the configuration: camelCase keys, nothing unknown, nothing changed after loading."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        use_attribute_docstrings=True,
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        hide_input_in_errors=True,
    )


# --- kinds of values -------------------------------------------------------------------------------------

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NAMESPACED = re.compile(r"[a-z0-9-]+/[a-z0-9][a-z0-9.-]*")
_GO_DURATION_PART = re.compile(r"(\d+(\.\d+)?)(ms|s|m|h)")
_GO_DURATION = re.compile(rf"({_GO_DURATION_PART.pattern})+")
_VAULT_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_VAULT_PATH = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")
_SECRET_KEY = re.compile(r"[A-Za-z0-9._-]{1,253}")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FILE_BELOW = re.compile(r"(?!\.\.?(/|$))[A-Za-z0-9._-]+(/(?!\.\.?(/|$))[A-Za-z0-9._-]+)*")
_FOLDER = re.compile(r"(/(?!\.\.?(/|$))[A-Za-z0-9._-]+)+")
_QUANTITY = re.compile(r"\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?")


def _matching(pattern: re.Pattern[str], expected: str) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(f"expected {expected}")
        return value

    return AfterValidator(check)


def is_label(value: object) -> bool:
    """Tell whether Kubernetes takes a value as the name of a namespace."""
    return isinstance(value, str) and _LABEL.fullmatch(value) is not None


def _host(value: str) -> str:
    if len(value) > 253 or not all(_LABEL.fullmatch(part) for part in value.removeprefix("*.").split(".")):  # noqa: PLR2004 - the limit of RFC 1123
        raise ValueError("expected a host name in lower case, as Kubernetes takes it: gateway.example.com")
    return value


def _https(value: str) -> str:
    url = urlsplit(value)
    if url.scheme not in ("http", "https") or not url.hostname or url.path.strip("/"):
        raise ValueError("expected an address such as https://vault.example.com:8200, without a path")
    return value.rstrip("/")


def _duration(value: str) -> str:
    parse_duration(value)
    return value


def go_seconds(duration: str) -> float:
    """Give the seconds of a duration such as `1h30m`."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    return sum(float(part[1]) * units[part[3]] for part in _GO_DURATION_PART.finditer(duration))


def _lifetime(value: str) -> str:
    if not go_seconds(value).is_integer() or go_seconds(value) < 1:
        raise ValueError("expected whole seconds, at least one, such as 90s, 15m or 1h")
    return value


def kv_path(value: str) -> str:
    """Check a path below a KV v2 mount or an app's prefix: it names one secret and can't lead elsewhere.

    Raises
    ------
    ValueError
        Says why it could.
    """
    if "*" in value or "+" in value:
        raise ValueError("expected the path of one secret, without a wildcard")
    if not _VAULT_PATH.fullmatch(value):
        raise ValueError("expected a path of letters, digits, '_', '.' and '-', without a '/' at its ends")
    steps = value.split("/")
    if not {".", ".."}.isdisjoint(steps):
        raise ValueError("expected a path that doesn't climb: leave out '.' and '..'")
    if steps[0] in ("data", "metadata") and len(steps) > 1:
        raise ValueError(f"leave out {steps[0]}/, which KV v2 adds by itself")
    return value


def _kv_pattern(value: str) -> str:
    """Check a path that may end in `/*`, or be `*`."""
    above = value.removesuffix("*").removesuffix("/") if value.endswith("/*") or value == "*" else value
    if above and ("*" in above or "+" in above):
        raise ValueError("expected a wildcard at the end alone, as a step of its own: tls/*")
    if above:
        kv_path(above)
    return value


def _grace(value: str) -> str:
    for reason in grace_problems(value):
        raise ValueError(reason)
    return value


WHY_AN_AUDIENCE = (
    "without one a role takes every token of the ServiceAccount, those made for other services too, so each "
    "of these could log in with it; expected a name such as vault"
)


def _audience(value: str) -> str:
    if not value.strip():
        raise ValueError(f"audience is empty: {WHY_AN_AUDIENCE}")
    return value


Label = Annotated[
    str, _matching(_LABEL, "a name that Kubernetes takes: a-z, 0-9 and '-', at most 63 characters")
]
NamespacedName = Annotated[str, _matching(_NAMESPACED, "namespace/name of an object in the cluster")]
Audience = Annotated[str, AfterValidator(_audience)]
Host = Annotated[str, AfterValidator(_host)]
Address = Annotated[str, AfterValidator(_https)]
GoDuration = Annotated[str, _matching(_GO_DURATION, "a duration such as 15s, 5m or 1h")]
Lifetime = Annotated[GoDuration, AfterValidator(_lifetime)]
LiteLLMDuration = Annotated[str, AfterValidator(_duration)]
Grace = Annotated[str, AfterValidator(_grace)]
VaultName = Annotated[
    str, _matching(_VAULT_NAME, "a name that Vault takes: letters, digits, '_', and '.' and '-' within")
]
VaultPath = Annotated[str, _matching(_VAULT_PATH, "a Vault path without a leading or trailing '/'")]
KvPath = Annotated[str, AfterValidator(kv_path)]
KvPattern = Annotated[str, AfterValidator(_kv_pattern)]
SecretKey = Annotated[
    str, _matching(_SECRET_KEY, "a key that a Secret takes: letters, digits, '-', '_' and '.'")
]
EnvName = Annotated[str, _matching(_ENV_NAME, "the name of an environment variable")]
FileBelow = Annotated[
    str, _matching(_FILE_BELOW, "a file below the secrets' volume, such as db.env, without '..'")
]
Folder = Annotated[str, _matching(_FOLDER, "a folder such as /vault/secrets, without '..'")]
Quantity = Annotated[str, _matching(_QUANTITY, "a Kubernetes quantity such as 500m or 768Mi")]
Usd = Annotated[float, Field(ge=0, strict=True)]
Limit = Annotated[int, Field(ge=0, strict=True)]
