"""The real plugin process of Pulumi with our providers in it, spoken to as the engine does."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from google.protobuf.struct_pb2 import Struct  # type: ignore[import-untyped]
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto import provider_pb2_grpc

from providers.litellm.virtual_key import VirtualKeyProvider

__all__ = ["KEY", "Plugin", "plugin_process"]

ROOT = Path(__file__).parents[2]
KEY = serialize_provider(VirtualKeyProvider())


class Plugin:
    """The engine's side of the connection."""

    def __init__(self, channel: grpc.Channel, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._stub = provider_pb2_grpc.ResourceProviderStub(channel)
        self._stub.Configure(pb.ConfigureRequest())

    @staticmethod
    def _struct(properties: dict[str, Any]) -> Struct:
        struct = Struct()
        struct.update({"__provider": KEY} | properties)
        return struct

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        answer = self._stub.Check(pb.CheckRequest(olds=self._struct(olds), news=self._struct(news)))
        return MessageToDict(answer.inputs), [
            f"{f.property}: {f.reason}".removeprefix(": ") for f in answer.failures
        ]

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> tuple[bool, list[str]]:
        answer = self._stub.Diff(pb.DiffRequest(id=id_, olds=self._struct(olds), news=self._struct(news)))
        return answer.changes == pb.DiffResponse.DIFF_SOME, list(answer.replaces)

    def create(self, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        answer = self._stub.Create(pb.CreateRequest(properties=self._struct(inputs)))
        return answer.id, MessageToDict(answer.properties)

    def read(self, id_: str, state: dict[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
        answer = self._stub.Read(pb.ReadRequest(id=id_, properties=self._struct(state)))
        return answer.id, MessageToDict(answer.properties), MessageToDict(answer.inputs)

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        answer = self._stub.Update(pb.UpdateRequest(id=id_, olds=self._struct(olds), news=self._struct(news)))
        return dict(MessageToDict(answer.properties))

    def delete(self, id_: str, state: dict[str, Any]) -> None:
        self._stub.Delete(pb.DeleteRequest(id=id_, properties=self._struct(state)))

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self._process.kill()
        self._process.wait()

    def engine_ends(self) -> None:
        """Let go of the plugin as an engine does that is killed: the pipe breaks, and nothing is said."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def exit_code(self) -> int:
        """Wait for its end."""
        return self._process.wait(timeout=30)


@contextmanager
def plugin_process(variables: Mapping[str, str]) -> Iterator[Plugin]:
    """Start the plugin, until the end of the block or until it is killed.

    Parameters
    ----------
    variables
        What it finds in its environment beside ours.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PULUMI_PROJECT": "llm-gateway", **variables}
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.dynamic"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    ) as process:
        assert process.stdout is not None
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
            yield Plugin(channel, process)
        process.kill()
