#!/usr/bin/env python3
# ruff: noqa: N802, E402 - the protocol names its methods; its modules come after the SDK was found
"""Pulumi's language host for Python: runs the program of a project when the Pulumi engine asks for it.

The engine starts this file as ``pulumi-language-python ENGINE_ADDRESS``, reads a port from its standard
output, and speaks the `LanguageRuntime` protocol of Pulumi's SDK on that port. The program itself is run by
Pulumi's own ``pulumi-language-python-exec``, which lies beside this file.

Which Python runs the program: that of the ``virtualenv`` option in Pulumi.yaml, otherwise ``python3`` on
PATH.
"""

import importlib.util
import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import threading
import types
from collections.abc import Iterator
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

EXECUTOR = Path(__file__).resolve().with_name("pulumi-language-python-exec")
VERSION = "3.259.0"
PROGRAM_SHOWED_ITS_ERROR = 32
"""Code with which the executor ends when the engine has the error already."""
WORKERS = 16
CHUNK_BYTES = 1 << 16
PARENT_CHECK_SECONDS = 1.0
VIRTUALENV_OPTION = re.compile(r"^\s*virtualenv:\s*[\"']?([^\"'#\n]+?)[\"']?\s*(?:#.*)?$", re.MULTILINE)


def find_sdk() -> None:
    """Make the Pulumi SDK importable, in another Python if this one has none, and keep its import cheap."""
    for package in ("pulumi", "pulumi.runtime"):
        spec = importlib.util.find_spec(package)
        if spec is None or spec.submodule_search_locations is None:
            restart_in_project_python()
        # Only the protocol's modules are needed here. The packages above them would import the whole SDK,
        # which takes longer than all else that this process does.
        module = types.ModuleType(package)
        module.__path__ = list(spec.submodule_search_locations)
        sys.modules[package] = module


def restart_in_project_python() -> NoReturn:
    """Go on in the virtual environment of the project in this folder."""
    for folder in (Path.cwd(), *Path.cwd().parents):
        project = folder / "Pulumi.yaml"
        match = VIRTUALENV_OPTION.search(project.read_text()) if project.exists() else None
        python = folder / match[1] / "bin" / "python" if match else None
        if python and python.exists() and Path(sys.prefix) != python.parent.parent:
            os.execv(python, [str(python), *sys.argv])  # noqa: S606
    sys.exit(
        f"The Python that is first on PATH ({sys.executable}) has no Pulumi SDK: activate the project's "
        "virtual environment, or name it in Pulumi.yaml as runtime.options.virtualenv."
    )


if __name__ == "__main__":
    find_sdk()

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2


class InterpreterError(Exception):
    """There is no Python that could run the program."""


@dataclass(frozen=True)
class Interpreter:
    """The Python of a project."""

    program: Path
    virtualenv: Path | None

    @classmethod
    def of_project(cls, info: Any) -> "Interpreter":
        """Find the Python that the runtime options of the project (a `ProgramInfo`) ask for."""
        if option := dict(info.options).get("virtualenv"):
            virtualenv = Path(info.root_directory, option)
            program = virtualenv / "bin" / "python"
            if not program.exists():
                raise InterpreterError(
                    f"Pulumi.yaml names the virtual environment {option!r}, and there is no {program}: "
                    "create it, and install the project's requirements into it."
                )
            return cls(program, virtualenv)
        found = shutil.which("python3")
        if found is None:
            raise InterpreterError(
                "There is no python3 on PATH, and Pulumi.yaml names no virtual environment."
            )
        return cls(Path(found), None)

    def environment(self) -> dict[str, str]:
        """Return this process's variables, with the virtual environment active."""
        variables = dict(os.environ)
        if self.virtualenv:
            variables["VIRTUAL_ENV"] = str(self.virtualenv)
            variables["PATH"] = os.pathsep.join([str(self.program.parent), variables.get("PATH", "")])
            variables.pop("PYTHONHOME", None)
        return variables


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """The part of the protocol that running Python programs needs."""

    def __init__(self, engine_address: str) -> None:
        self._engine_address = engine_address
        self._running: set[subprocess.Popen[bytes]] = set()
        self._cancelled = threading.Event()
        self._lock = threading.Lock()

    def Handshake(self, request: Any, _context: Any) -> Any:
        self._engine_address = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, _request: Any, _context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetRequiredPackages(self, _request: Any, _context: Any) -> Any:
        # The engine learns from each resource which plugin it needs.
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, _request: Any, _context: Any) -> Any:
        return language_pb2.GetRequiredPluginsResponse()

    def RuntimeOptionsPrompts(self, _request: Any, _context: Any) -> Any:
        return language_pb2.RuntimeOptionsResponse()

    def GetProgramDependencies(self, _request: Any, _context: Any) -> Any:
        return language_pb2.GetProgramDependenciesResponse()

    def InstallDependencies(self, _request: Any, context: Any) -> Any:
        context.abort(
            grpc.StatusCode.UNIMPLEMENTED,
            "this language host installs nothing: create the project's virtual environment by its own means",
        )

    def About(self, request: Any, context: Any) -> Any:
        python = _interpreter_or_abort(request.info, context)
        answer = subprocess.run([python.program, "--version"], capture_output=True, text=True, check=False)
        version = answer.stdout.removeprefix("Python").strip()
        return language_pb2.AboutResponse(executable=str(python.program), version=version)

    def Run(self, request: Any, _context: Any) -> Any:
        """Run the program to its end."""
        folder = Path(request.info.program_directory or request.pwd)
        try:
            python = Interpreter.of_project(request.info)
        except InterpreterError as error:
            return language_pb2.RunResponse(error=str(error))
        variables = {
            **python.environment(),
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        # The program's own output goes where the engine reads this process's.
        process = subprocess.Popen([python.program, *self._words(request, folder)], cwd=folder, env=variables)
        code = self._end_of(process)
        if code == 0:
            return language_pb2.RunResponse()
        if code == PROGRAM_SHOWED_ITS_ERROR:
            return language_pb2.RunResponse(bail=True)
        if self._cancelled.is_set():
            return language_pb2.RunResponse(error="the program was cancelled")
        return language_pb2.RunResponse(error=f"the program ended with code {code}")

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:
        """Run a policy pack, or a plugin that is written in Python, and hand its output on."""
        python = _interpreter_or_abort(request.info, context)
        folder = request.info.program_directory
        is_policy_pack = request.kind == "analyzer"
        words = ["-m", "pulumi.policy", *request.args, folder] if is_policy_pack else [folder, *request.args]
        variables = {**python.environment(), **dict(entry.split("=", 1) for entry in request.env)}
        process = subprocess.Popen(
            [python.program, "-u", *words],
            cwd=request.pwd,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        # The engine ends a plugin by ending this call.
        context.add_callback(process.terminate)
        yield from _output_of(process)
        yield language_pb2.RunPluginResponse(exitcode=self._end_of(process))

    def Cancel(self, _request: Any, _context: Any) -> Any:
        self.end_programs()
        return empty_pb2.Empty()

    def end_programs(self) -> None:
        """End whatever runs."""
        self._cancelled.set()
        with self._lock:
            for process in self._running:
                process.terminate()

    def _end_of(self, process: subprocess.Popen[bytes]) -> int:
        with self._lock:
            self._running.add(process)
        # A cancellation may have come between the start and now.
        if self._cancelled.is_set():
            process.terminate()
        try:
            return process.wait()
        finally:
            with self._lock:
                self._running.discard(process)

    def _words(self, request: Any, folder: Path) -> list[str]:
        options = {
            "monitor": request.monitor_address,
            "engine": self._engine_address,
            "project": request.project,
            "root_directory": request.info.root_directory,
            "stack": request.stack,
            "pwd": str(folder),
            "dry_run": "true" if request.dryRun else "",
            "parallel": str(request.parallel),
            "organization": request.organization,
        }
        named = [word for name, value in options.items() if value for word in (f"--{name}", value)]
        return ["-u", str(EXECUTOR), *named, str(folder / (request.info.entry_point or ".")), *request.args]


def _interpreter_or_abort(info: Any, context: Any) -> Interpreter:
    try:
        return Interpreter.of_project(info)
    except InterpreterError as error:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        raise


def _output_of(process: subprocess.Popen[bytes]) -> Iterator[Any]:
    """Yield what a process writes, as responses, until it has closed both its streams."""
    with selectors.DefaultSelector() as selector:
        for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ, name)
        while selector.get_map():
            for key, _ in selector.select():
                data = os.read(key.fd, CHUNK_BYTES)
                if not data:
                    selector.unregister(key.fileobj)
                elif key.data == "stdout":
                    yield language_pb2.RunPluginResponse(stdout=data)
                else:
                    yield language_pb2.RunPluginResponse(stderr=data)


def main() -> None:
    # The engine puts options of its own before the address.
    host = LanguageHost(engine_address=sys.argv[-1])
    server = grpc.server(futures.ThreadPoolExecutor(WORKERS))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()

    ended = threading.Event()
    # The engine's way to end a plugin, and the user's: nothing went wrong, so nothing is said.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: ended.set())
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    engine = os.getppid()
    while not ended.wait(PARENT_CHECK_SECONDS) and os.getppid() == engine:
        pass
    host.end_programs()
    server.stop(grace=None)


if __name__ == "__main__":
    main()
