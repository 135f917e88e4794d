"""Runs the whole program against Pulumi's mocks and keeps what it declared."""

import base64
import gc
import json
import runpy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import yaml

ROOT = Path(__file__).parents[2]
Document = dict[str, Any]


def dev_config() -> Document:
    """Give the dev stack's configuration, without the namespace of its keys."""
    text = (ROOT / "Pulumi.dev.yaml").read_text()
    return {key.partition(":")[2]: value for key, value in yaml.safe_load(text)["config"].items()}


def configure(document: Document, secret: tuple[str, ...] = ()) -> None:
    """Make a document the configuration that the program sees."""
    pulumi.runtime.set_all_config(
        {f"llm-gateway:{key}": v if isinstance(v, str) else json.dumps(v) for key, v in document.items()},
        [f"llm-gateway:{key}" for key in secret],
    )


@dataclass(frozen=True)
class Declared:
    """One resource as the engine would see it."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    provider: str | None


@dataclass
class Recorder(pulumi.runtime.Mocks):
    """Answers like a plugin and writes down every resource."""

    resources: list[Declared] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.resources.append(Declared(args.typ, args.name, args.inputs, args.provider))
        state = dict(args.inputs)
        if args.typ == "kubernetes:core/v1:Service":
            state["spec"] = {**state["spec"], "clusterIP": "10.96.7.7"}
        if args.typ.startswith("kubernetes:") and "name" not in state.get("metadata", {"name": ""}):
            state["metadata"] = {**state["metadata"], "name": f"{args.name}-1a2b3c4d"}
        if args.typ.endswith("vault:KvSecret"):
            state |= {"version": 3, "fingerprints": {}}
        if args.typ.endswith("vault:StaticRoleRotation"):
            state["last_rotation"] = "2026-01-02T03:04:05Z"
        if args.typ.endswith("litellm:VirtualKey"):
            state |= {
                "key": f"sk-made-for-{args.name}",
                "token_id": "f" * 64,
                "key_alias": f"{args.name}-0000000",
            }
            if place := args.inputs.get("deliver"):
                state |= {"vault_path": f"{place['mount']}/{place['path']}", "vault_version": 1, "key": None}
        if state.get("type") == "kubernetes.io/service-account-token":
            state["data"] = {"token": base64.b64encode(b"made-up-token").decode()}
        if args.typ.endswith("kubernetes:ServiceAccountToken"):
            state["token"] = "made-up-token"
        if args.typ == "vault:index/token:Token":
            state["clientToken"] = "s.store-token"
        return f"{args.name}-id", state

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise NotImplementedError(args.token)

    def one(self, type_suffix: str, name: str | None = None) -> Declared:
        """Give the only resource of a type."""
        found = [r for r in self.resources if r.type.endswith(type_suffix) and name in (None, r.name)]
        assert len(found) == 1, f"{len(found)} resources of type {type_suffix}: {[r.name for r in found]}"
        return found[0]

    def of_type(self, type_suffix: str) -> list[Declared]:
        return [r for r in self.resources if r.type.endswith(type_suffix)]


def declare_with(program: Callable[[], object]) -> Recorder:
    """Run a few lines of a program and give what they declared."""
    recorder = Recorder()
    pulumi.runtime.set_mocks(recorder, project="llm-gateway", stack="dev")

    @pulumi.runtime.test  # type: ignore[untyped-decorator]  # Pulumi's own has no types
    def run() -> None:
        program()

    run()
    return recorder


def declare_example(name: str, document: Mapping[str, str]) -> Recorder:
    """Run one of the examples with a configuration and give what it declared."""
    recorder = Recorder()
    pulumi.runtime.set_all_config({f"{name}:{key}": value for key, value in document.items()}, [])
    pulumi.runtime.set_mocks(recorder, project=name, stack="dev")

    @pulumi.runtime.test  # type: ignore[untyped-decorator]  # Pulumi's own has no types
    def run() -> None:
        runpy.run_path(str(ROOT / "examples" / name / "__main__.py"), run_name="__main__")

    run()
    return recorder


def declare(document: Document, secret: tuple[str, ...] = (), *, preview: bool = False) -> Recorder:
    """Run the program with a configuration and give what it declared."""
    recorder = Recorder()
    configure(document, secret)
    pulumi.runtime.set_mocks(recorder, project="llm-gateway", stack="dev", preview=preview)
    exported = recorder.outputs

    @pulumi.runtime.test  # type: ignore[untyped-decorator]  # Pulumi's own has no types
    def run() -> Any:
        result = runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")
        apps = {name: app.outputs for name, app in result["apps"].items()}
        waiting = {"keys": result["keys"].outputs, "url": result["litellm"].url, "apps": apps}
        return pulumi.Output.all(**waiting).apply(exported.update)

    try:
        run()
    finally:
        gc.enable()  # a program ends before it needs it; this process goes on
    return recorder
