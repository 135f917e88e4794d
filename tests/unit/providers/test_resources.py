"""What the resource classes tell Pulumi, against its mocks."""

from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockMonitor

from providers.litellm import VirtualKey
from providers.vault import KvSecret

GATEWAY = {"url": "http://gateway.test", "admin_key": {"env": "ADMIN_KEY"}}


class Recorder(pulumi.runtime.Mocks):
    def __init__(self) -> None:
        self.inputs: dict[str, dict[str, Any]] = {}

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[Any, Any]]:
        self.inputs[args.name] = args.inputs
        return f"{args.name}-id", {**args.inputs, "key": "sk-1", "version": 3}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], None]:
        raise NotImplementedError(args.token)


@pytest.fixture
def recorder() -> Recorder:
    recorder = Recorder()
    pulumi.runtime.set_mocks(recorder, project="llm-gateway", stack="dev")
    return recorder


def test_a_key_says_who_owns_it(recorder: Recorder) -> None:
    @pulumi.runtime.test  # type: ignore[untyped-decorator]  # Pulumi's own has no types
    def program() -> pulumi.Output[Any]:
        VirtualKey("alone", gateway=GATEWAY, models=["gpt-4o"])
        parent = pulumi.ComponentResource("llm-gateway:litellm:VirtualKeys", "keys")
        key = VirtualKey(
            "child",
            gateway=GATEWAY,
            max_budget=pulumi.Output.from_input(5),
            opts=pulumi.ResourceOptions(parent=parent),
        )
        return pulumi.Output.all(key.urn, key.key.apply(lambda value: value))

    program()
    alone, child = recorder.inputs["alone"], recorder.inputs["child"]
    assert alone["owner"] == "urn:pulumi:dev::llm-gateway::pulumi-python:dynamic/litellm:VirtualKey::alone"
    assert child["owner"].endswith(
        "llm-gateway:litellm:VirtualKeys$pulumi-python:dynamic/litellm:VirtualKey::child"
    )
    assert alone.keys() == {"__provider", "gateway", "owner", "models"}
    assert child["max_budget"] == 5


def test_an_output_that_is_declared_reaches_the_check(recorder: Recorder) -> None:
    @pulumi.runtime.test  # type: ignore[untyped-decorator]  # Pulumi's own has no types
    def program() -> pulumi.Output[Any]:
        return VirtualKey("app", gateway=GATEWAY, key_alias="mine").urn  # type: ignore[call-arg]

    program()
    assert recorder.inputs["app"]["key_alias"] == "mine"


def test_a_key_has_no_other_owner(recorder: Recorder) -> None:
    del recorder
    with pytest.raises(pulumi.RunError, match=r"^app: owner is the URN of the resource"):
        VirtualKey("app", gateway=GATEWAY, owner="urn:pulumi:dev::a::b::other")  # type: ignore[call-arg]


def test_a_key_is_never_deleted_before_it_is_replaced(recorder: Recorder) -> None:
    del recorder
    with pytest.raises(pulumi.RunError, match=r"^app: a virtual key can't be deleted before it is replaced"):
        VirtualKey("app", gateway=GATEWAY, opts=pulumi.ResourceOptions(delete_before_replace=True))


def test_a_key_warns_of_what_may_not_be_meant(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    del recorder
    warned: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, _: warned.append(text))

    @pulumi.runtime.test  # type: ignore[untyped-decorator]  # Pulumi's own has no types
    def program() -> None:
        VirtualKey("app", gateway=GATEWAY, tags=["t"], rpm_limit=0)

    program()
    assert sorted(warned, reverse=True) == [
        "tags: only a licensed LiteLLM takes it; the open-source gateway refuses the key",
        "rpm_limit: 0 means that nothing is allowed; leave it out for no limit",
    ]


def test_a_secret_path_declares_sources_only(recorder: Recorder) -> None:
    @pulumi.runtime.test  # type: ignore[untyped-decorator]  # Pulumi's own has no types
    def program() -> pulumi.Output[int]:
        secret = KvSecret("s", mount="litellm", path="api-keys", properties={"a": {"generate": "password"}})
        return secret.version.apply(lambda version: version)

    program()
    assert recorder.inputs["s"].keys() == {
        "__provider",
        "mount",
        "path",
        "properties",
        "vault",
        "retain_on_delete",
    }


def test_a_resource_carries_the_line_that_declares_it_and_no_stack(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    del recorder
    sent: list[Any] = []
    register = MockMonitor.RegisterResource

    def recording(self: MockMonitor, request: Any) -> Any:
        sent.append(request)
        return register(self, request)  # type: ignore[no-untyped-call]  # Pulumi's own has no types

    monkeypatch.setattr(MockMonitor, "RegisterResource", recording)

    @pulumi.runtime.test  # type: ignore[untyped-decorator]  # Pulumi's own has no types
    def program() -> None:
        VirtualKey("app", gateway=GATEWAY)
        KvSecret("s", mount="litellm", path="api-keys", properties={"a": {"generate": "password"}})

    program()
    ours = [request for request in sent if request.type.startswith("pulumi-python:")]
    assert [request.sourcePosition.uri for request in ours] == [Path(__file__).as_uri()] * 2
    assert [len(request.stackTrace.frames) for request in ours] == [0, 0]
