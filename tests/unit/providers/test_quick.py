"""A program of thousands of resources spends its time on them."""

import asyncio
import atexit
import contextlib
import gc
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi import _types
from pulumi.runtime import resource as runtime
from pulumi.runtime import rpc_manager, stack

from providers import quick
from providers.litellm import VirtualKey


@pytest.fixture
def own_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give back at the end what is replaced."""
    monkeypatch.setattr(pulumi.log, "debug", pulumi.log.debug)
    for name in ("_get_stack_trace", "_get_source_position"):
        monkeypatch.setattr(runtime, name, getattr(runtime, name))
    monkeypatch.setattr(_types, "resource_types", _types.resource_types)
    monkeypatch.setattr(gc, "set_threshold", lambda *_: None)
    monkeypatch.setattr(atexit, "register", lambda _: None)


@pytest.mark.usefixtures("own_sdk")
def test_the_sdk_no_longer_tells_the_engine_what_it_would_throw_away() -> None:
    quick.register_quickly()
    assert pulumi.log.debug is quick._say_nothing
    pulumi.log.debug("registering resource", stream_id=1)


@pytest.mark.usefixtures("own_sdk")
def test_nothing_is_swept_for_a_process_that_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    at_exit: list[Any] = []
    monkeypatch.setattr(atexit, "register", at_exit.append)
    quick.register_quickly()
    assert at_exit == [gc.freeze]


@pytest.mark.usefixtures("own_sdk")
def test_whoever_looks_into_the_sdk_can_have_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    before = pulumi.log.debug
    monkeypatch.setenv("LLM_GATEWAY_SDK_DEBUG", "1")
    quick.register_quickly()
    assert pulumi.log.debug is before


@pytest.mark.usefixtures("own_sdk")
def test_a_resource_carries_the_line_that_declared_it_and_no_stack() -> None:
    quick.register_quickly()
    trace = runtime._get_stack_trace()
    position = runtime._get_source_position(trace)
    assert not trace.frames
    assert position is not None
    assert position.uri == Path(__file__).as_uri()


@pytest.mark.usefixtures("own_sdk")
def test_the_outputs_of_a_class_are_looked_at_once() -> None:
    plainly = _types.resource_types(VirtualKey)
    quick.register_quickly()
    assert _types.resource_types(VirtualKey) == plainly
    assert _types.resource_types(VirtualKey) is _types.resource_types(VirtualKey)


@pytest.mark.usefixtures("own_sdk")
@pytest.mark.parametrize(("quickly", "begun"), [(False, 0), (True, 3)])
def test_the_end_waits_until_the_registrations_have_begun(
    monkeypatch: pytest.MonkeyPatch, quickly: bool, begun: int
) -> None:
    """Without it the SDK finds no registration to await: the day it does, this fails and `quick` can go."""
    seen: list[int] = []
    manager: Any = rpc_manager.RPCManager()  # type: ignore[no-untyped-call]  # Pulumi's own has no types

    async def program() -> None:
        for _ in range(3):
            asyncio.ensure_future(manager.do_rpc("register", asyncio.sleep)(0))  # noqa: RUF006 - the manager keeps it
        if quickly:
            await quick._registrations_begin()

    async def wait_for_rpcs() -> None:
        seen.append(len(manager.rpcs))

    monkeypatch.setattr(stack, "wait_for_rpcs", wait_for_rpcs)
    monkeypatch.setattr(stack, "_wait_for_shutdown", lambda: asyncio.sleep(0))
    monkeypatch.setattr(stack, "_shutdown_callbacks", lambda: asyncio.sleep(0))
    with contextlib.closing(asyncio.new_event_loop()) as loop:  # asyncio.run would take the thread's own away
        loop.run_until_complete(stack.run_pulumi_func(program))
    assert seen == [begun]
