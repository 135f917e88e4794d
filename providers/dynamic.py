"""The one base of our dynamic providers: a pickle that is a name, and clients that only a run imports.

A dynamic resource carries its provider, pickled, in every resource's state. A provider that captures nothing
and lives in an importable module pickles to its own name, so a change of its code is no diff.
"""

import functools
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import pulumi
from pulumi.dynamic import ConfigureRequest, ResourceProvider
from pulumi.output import Unknown

from providers.inputs import UNKNOWN
from providers.loading import load
from providers.plugin import adapt_plugin

__all__ = ["Provider", "own_urn", "plain"]


class Provider(ResourceProvider):
    """Base of the providers: no captured state, nothing secret in the pickle.

    Attributes
    ----------
    runs_with
        Modules that only a run needs, with the clients that they import; a preview does without.
    """

    serialize_as_secret_always = False
    runs_with: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in ("create", "read", "update", "delete"):
            if name in vars(cls):
                setattr(cls, name, _with_modules(vars(cls)[name], cls.runs_with))

    def configure(self, req: ConfigureRequest) -> None:
        del req  # connections are inputs of each resource, so that one stack can serve several gateways
        adapt_plugin()


def own_urn(type_name: str, name: str, opts: pulumi.ResourceOptions | None) -> Awaitable[str | None]:
    """Give a dynamic resource's URN before it is registered, to be one of its inputs.

    A plain awaitable: an Output would make the resource depend on its parent, and so on itself.
    """
    parent = opts.parent if opts else None
    return pulumi.create_urn(name, f"pulumi-python:{type_name}", parent).future()


def plain(value: Any) -> Any:
    """Write the plugin's objects for unknown values as the text that stands for them on the wire.

    So a value has one form for all that Pulumi doesn't know of it, and can be compared.
    """
    match value:
        case dict():
            return {name: plain(item) for name, item in value.items()}
        case list():
            return [plain(item) for item in value]
    return UNKNOWN if isinstance(value, Unknown) else value


def _with_modules(method: Callable[..., Any], modules: tuple[str, ...]) -> Callable[..., Any]:
    @functools.wraps(method)
    def run(*arguments: Any, **named: Any) -> Any:
        load(*modules)
        return method(*arguments, **named)

    return run
