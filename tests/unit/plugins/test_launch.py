"""The launcher as the engine uses it: a process, its port on standard output, and its end."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]

from toolchain.plugins import launch
from toolchain.plugins.wire import provider_pb2_grpc

LAUNCHER = Path(launch.__file__)


@pytest.fixture(params=["kubernetes", "vault"])
def plugin(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-P", LAUNCHER, request.param, "9.8.7", "127.0.0.1:1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        yield process
        process.kill()


def test_a_plugin_starts_answers_and_ends_at_once(plugin: subprocess.Popen[str]) -> None:
    assert plugin.stdout
    port = int(plugin.stdout.readline())
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        assert stub.GetPluginInfo(Empty(), wait_for_ready=True, timeout=10).version == "9.8.7"
    stopped = time.monotonic()
    plugin.send_signal(signal.SIGINT)
    assert plugin.wait(timeout=5) == 0
    assert time.monotonic() - stopped < 2


@pytest.mark.parametrize("package", ["kubernetes", "vault"])
def test_starting_loads_neither_the_sdk_nor_a_client(package: str) -> None:
    modules = subprocess.run(
        [sys.executable, "-P", "-c", _loaded_modules_script(package)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"pulumi", "hvac", "requests", "kubernetes", "httpx", "rich", "yaml"} & set(modules)


def _loaded_modules_script(package: str) -> str:
    return f"""
import sys
from importlib import import_module, util
spec = util.spec_from_file_location("launch", {str(LAUNCHER)!r})
launch = util.module_from_spec(spec)
spec.loader.exec_module(launch)
from pathlib import Path
here = Path({str(LAUNCHER)!r}).parent
launch.bare_package("toolchain", here.parent)
launch.bare_package("toolchain.plugins", here)
from toolchain.plugins.serving import PACKAGES
import_module(PACKAGES[{package!r}][0])
print(*sys.modules)
"""
