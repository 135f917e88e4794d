"""Serves a plugin to the engine that started it, until that engine is done."""

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

import grpc  # type: ignore[import-untyped]

from toolchain.plugins.plugin import Engine, Plugin
from toolchain.plugins.service import Service
from toolchain.plugins.wire import engine_pb2, engine_pb2_grpc, provider_pb2_grpc

__all__ = ["PACKAGES", "serve"]

PACKAGES = {
    "kubernetes": ("toolchain.plugins.kubernetes.plugin", "KubernetesPlugin"),
    "vault": ("toolchain.plugins.vault.plugin", "VaultPlugin"),
}

MOST_CALLS_AT_ONCE = 128  # every wait for readiness holds one
ORPHAN_CHECK_SECONDS = 1.0
LOG_TIMEOUT_SECONDS = 5.0
_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def serve(package: str, version: str, arguments: list[str]) -> NoReturn:
    """Serve until the engine interrupts this process or dies.

    Parameters
    ----------
    package
        ``kubernetes`` or ``vault``.
    version
        The version of the SDK that the plugin stands in for.
    arguments
        What the engine passes: options for its logs, and last its own address.
    """
    module, name = PACKAGES[package]
    plugin_class: type[Plugin] = getattr(import_module(module), name)
    engine = _engine(arguments[-1]) if arguments else Engine(cancelled=threading.Event())

    finished = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: finished.set())

    server = grpc.server(ThreadPoolExecutor(MOST_CALLS_AT_ONCE), options=_UNLIMITED)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Service(plugin_class(version, engine)), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()

    parent = os.getppid()
    while not finished.wait(ORPHAN_CHECK_SECONDS) and os.getppid() == parent:
        pass
    engine.cancelled.set()
    # The interpreter would wait for every call that is still under way; the engine waits for none of them.
    os._exit(0)


def _engine(address: str) -> Engine:
    stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address, options=_UNLIMITED))

    def show(urn: str, message: str) -> None:
        request = engine_pb2.LogRequest(severity=engine_pb2.INFO, message=message, urn=urn, ephemeral=True)
        # Progress that nobody sees is no reason to fail.
        with suppress(grpc.RpcError):
            stub.Log(request, timeout=LOG_TIMEOUT_SECONDS)

    return Engine(cancelled=threading.Event(), progress=show)
