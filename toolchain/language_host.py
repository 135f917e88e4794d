#!/usr/bin/env python3
"""Pulumi's language host for Python: runs the program of a project when the Pulumi engine asks for it.

The engine starts this file as ``pulumi-language-python ENGINE_ADDRESS``, reads a port from its standard output, and
speaks the `LanguageRuntime` protocol of Pulumi's SDK on that port. The program itself is run by Pulumi's own
``pulumi-language-python-exec``, which lies beside this file.

Which Python runs the program: that of the ``virtualenv`` option in Pulumi.yaml, otherwise ``python3`` on PATH.
"""

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import types
from collections.abc import Iterator, Mapping, Sequence
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

EXECUTOR = Path(__file__).resolve().with_name("pulumi-language-python-exec")
VERSION = "3.259.0"
PROGRAM_SHOWED_ITS_ERROR = 32
"""Code with which the executor ends when the engine has the error already."""
WORKERS = 16
PARENT_CHECK_SECONDS = 1.0
VIRTUALENV_OPTION = re.compile(r"^\s*virtualenv:\s*[\"']?([^\"'#\n]+?)[\"']?\s*(?:#.*)?$", re.MULTILINE)


def find_sdk() -> None:
    """Make the Pulumi SDK importable, in another Python if this one has none, and keep its import cheap."""
    for package in ("pulumi", "pulumi.runtime"):
        spec = importlib.util.find_spec(package)
        if spec is None or spec.submodule_search_locations is None:
            restart_in_project_python()
        # Only the protocol's modules are needed here. The packages above them would import the whole SDK, which takes
        # longer than all else that this process does.
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
            os.execv(python, [str(python), *sys.argv])  # noqa: S606: no shell is wanted
    sys.exit(
        f"The Python that is first on PATH ({sys.executable}) has no Pulumi SDK: activate the project's virtual "
        "environment, or name it in Pulumi.yaml as runtime.options.virtualenv."
    )


if __name__ == "__main__":
    find_sdk()

import grpc  # noqa: E402: after the SDK was found
from google.protobuf import empty_pb2  # noqa: E402
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2  # noqa: E402


class InterpreterError(Exception):
    """There is no Python that could run the program."""


@dataclass(frozen=True)
class Interpreter:
    """The Python of a project."""

    program: Path
    virtualenv: Path | None

    @classmethod
    def of_project(cls, root: Path, options: Mapping[str, Any]) -> "Interpreter":
        """Find the Python that the project's runtime options ask for."""
        if option := options.get("virtualenv"):
            virtualenv = root / option
            program = virtualenv / "bin" / "python"
            if not program.exists():
                raise InterpreterError(
                    f"Pulumi.yaml names the virtual environment {option!r}, and there is no {program}: create it, "
                    "and install the project's requirements into it."
                )
            return cls(program, virtualenv)
        found = shutil.which("python3")
        if found is None:
            raise InterpreterError("There is no python3 on PATH, and Pulumi.yaml names no virtual environment.")
        return cls(Path(found), None)

    def environment(self) -> dict[str, str]:
        """Return this process's variables, with the virtual environment active."""
        variables = dict(os.environ)
        if self.virtualenv:
            variables["VIRTUAL_ENV"] = str(self.virtualenv)
            variables["PATH"] = os.pathsep.join([str(self.program.parent), variables.get("PATH", "")])
            variables.pop("PYTHONHOME", None)
        return variables


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):  # type: ignore[misc]
    """The part of the protocol that running Python programs needs."""

    def __init__(self, engine_address: str) -> None:
        self._engine_address = engine_address
        self._running: set[subprocess.Popen[bytes]] = set()
        self._cancelled = threading.Event()
        self._lock = threading.Lock()

    def Handshake(self, request: Any, _context: Any) -> Any:  # noqa: N802: names of the protocol
        self._engine_address = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetRequiredPackages(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        # The engine learns from each resource which plugin it needs.
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return language_pb2.GetRequiredPluginsResponse()

    def RuntimeOptionsPrompts(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return language_pb2.RuntimeOptionsResponse()

    def GetProgramDependencies(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return language_pb2.GetProgramDependenciesResponse()

    def About(self, request: Any, context: Any) -> Any:  # noqa: N802
        python = _interpreter(request.info, context)
        answer = subprocess.run([python.program, "--version"], capture_output=True, text=True, check=False)
        version = answer.stdout.removeprefix("Python").strip()
        return language_pb2.AboutResponse(executable=str(python.program), version=version)

    def Run(self, request: Any, _context: Any) -> Any:  # noqa: N802
        """Run the program to its end."""
        root = Path(request.info.root_directory or request.pwd)
        folder = Path(request.info.program_directory or request.pwd)
        try:
            python = Interpreter.of_project(root, dict(request.info.options))
        except InterpreterError as error:
            return language_pb2.RunResponse(error=str(error))
        variables = python.environment()
        variables["PULUMI_CONFIG"] = json.dumps(dict(request.config))
        variables["PULUMI_CONFIG_SECRET_KEYS"] = json.dumps(list(request.configSecretKeys))
        # The program's own output goes where the engine reads this process's.
        process = self._start([python.program, *self._words(request, folder)], folder, variables)
        return self._outcome(self._end_of(process))

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        """Run a policy pack or a plugin that is written in Python, and hand its output on."""
        python = _interpreter(request.info, context)
        folder = Path(request.info.program_directory)
        launcher = ["-m", "pulumi.policy", *request.args, folder] if request.kind == "analyzer" else [folder, *request.args]
        variables = {**python.environment(), **dict(item.partition("=")[::2] for item in request.env)}
        piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = self._start([python.program, "-u", *launcher], Path(request.pwd), variables, **piped)
        context.add_callback(process.terminate)
        errors = threading.Thread()
        yield language_pb2.RunPluginResponse(exitcode=self._end_of(process))

    def Cancel(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        """End whatever runs."""
        self.end()
        return empty_pb2.Empty()

    def end(self) -> None:
        self._cancelled.set()
        with self._lock:
            for process in self._running:
                process.terminate()

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
        words = [part for name, value in options.items() if value for part in (f"--{name}", value)]
        return ["-u", str(EXECUTOR), *words, str(folder / (request.info.entry_point or ".")), *request.args]
