"""Runs the program without Pulumi's engine, and writes down what it declares and in which order.

No plugin, no cluster, no Vault and no credential is needed: the SDK's own mocks answer in the engine's place,
as they would at a first preview, where nothing is known that a server will say.
"""

import gc
import hashlib
import runpy
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.rpc import UNKNOWN

from gitops.stack_file import StackFile

__all__ = ["SECRET", "Declaration", "Program", "run_program", "stable_name"]

PROGRAM = Path(__file__).parents[1] / "__main__.py"
PROJECT = "llm-gateway"
SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 - the SDK's key for "a secret stands here"
SUFFIX_DIGITS = 8


@dataclass(frozen=True)
class Declaration:
    """One resource of the program.

    Attributes
    ----------
    inputs
        As they went over the wire: a secret is a mapping with the key `SECRET`.
    needs
        URNs of its parent, its provider and what it depends on.
    """

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    needs: frozenset[str]


@dataclass(frozen=True)
class Program:
    """All that a program declares, each resource after those that it needs."""

    declarations: list[Declaration] = field(default_factory=list)

    def before(self, urn: str) -> frozenset[str]:
        """Give the URNs of everything that is made before a resource, and deleted after it."""
        by_urn = {each.urn: each for each in self.declarations}

        @cache
        def all_before(urn: str) -> frozenset[str]:
            direct = by_urn[urn].needs & by_urn.keys()
            return frozenset(direct).union(*(all_before(each) for each in direct))

        return all_before(urn)


def run_program(stack: StackFile) -> Program:
    """Run the program with a stack's configuration.

    Raises
    ------
    pulumi.RunError
        If the configuration is wrong; with the program's own sentences.
    """
    program = Program()
    pulumi.runtime.set_all_config(dict(stack.config), list(stack.secret_keys))
    mocks = _Answers()
    monitor = _Monitor(mocks, program)
    pulumi.runtime.set_mocks(mocks, project=PROJECT, stack=stack.stack, preview=True, monitor=monitor)

    @pulumi.runtime.test  # type: ignore[untyped-decorator]  # Pulumi's own has no types
    def run() -> None:
        runpy.run_path(str(PROGRAM), run_name="__main__")

    try:
        run()
    finally:
        gc.enable()  # a program ends before it needs it; this process goes on
    return program


class _Answers(pulumi.runtime.Mocks):
    """Answers like plugins at a preview: with the inputs, and with a name where the program gives none."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        state = dict(args.inputs)
        metadata = state.get("metadata")
        if args.typ.startswith("kubernetes:") and isinstance(metadata, dict) and not metadata.get("name"):
            state["metadata"] = {**metadata, "name": stable_name(args.name)}
        if args.typ == "kubernetes:core/v1:Service":
            state["spec"] = {"clusterIP": UNKNOWN, **state["spec"]}
        return f"{args.name}-id", state

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise NotImplementedError(args.token)


class _Monitor(MockMonitor):
    """Sees each request before the mocks do: with its dependencies, and with secrets as secrets."""

    def __init__(self, mocks: pulumi.runtime.Mocks, program: Program) -> None:
        super().__init__(mocks)
        self._program = program

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the SDK's name
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]  # the SDK's own has no types
        # A provider is referred to by its URN and its id.
        provider = request.provider.rpartition("::")[0]
        needs = frozenset({request.parent, provider, *request.dependencies}) - {""}
        inputs = _whole(MessageToDict(request.object))
        self._program.declarations.append(
            Declaration(response.urn, request.type, request.name, inputs, needs)
        )
        return response


def stable_name(resource_name: str, content: str = "") -> str:
    """Name an object that the program leaves to Pulumi: by stack, and the same at each run."""
    told_apart = f"{pulumi.get_project()}/{pulumi.get_stack()}/{resource_name}/{content}"
    return f"{resource_name}-{hashlib.sha256(told_apart.encode()).hexdigest()[:SUFFIX_DIGITS]}"


def _whole(value: Any) -> Any:
    """Leave out what isn't given, and take numbers for what they were: on the wire all are doubles."""
    match value:
        case dict():
            return {name: _whole(item) for name, item in value.items() if item is not None}
        case list():
            return [_whole(item) for item in value]
        case float() if value.is_integer():
            return int(value)
    return value
