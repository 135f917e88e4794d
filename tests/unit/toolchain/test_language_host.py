"""The language host, spoken to as the Pulumi engine does."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf import empty_pb2, struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from toolchain import paths

EXECUTOR = """
import json, os, sys, time
config = json.loads(os.environ["PULUMI_CONFIG"])
with open(config["record"], "w") as file:
    json.dump({"words": sys.argv[1:], "cwd": os.getcwd(), "environment": dict(os.environ)}, file)
time.sleep(float(config.get("seconds", "0")))
sys.exit(int(config.get("code", "0")))
"""


class Engine:
    """Starts a language host and asks it to run programs."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        self.project.mkdir()
        self.record = folder / "record.json"
        shutil.copyfile(paths.SOURCES / "language_host.py", folder / "pulumi-language-python")
        (folder / "pulumi-language-python-exec").write_text(EXECUTOR)
        self.python = folder / "path" / "python3"
        self.python.parent.mkdir()
        self.python.write_text(f'#!/bin/sh\nFIRST_ON_PATH=yes exec {sys.executable} "$@"\n')
        self.python.chmod(0o755)
        self.host = subprocess.Popen(
            [sys.executable, folder / "pulumi-language-python", "--logflow", "127.0.0.1:1"],
            cwd=self.project,
            env={**os.environ, "PATH": f"{self.python.parent}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.host.stdout
        self._channel = grpc.insecure_channel(f"127.0.0.1:{self.host.stdout.readline().strip()}")
        self.client = language_pb2_grpc.LanguageRuntimeStub(self._channel)

    def close(self) -> None:
        self._channel.close()
        self.host.terminate()
        self.host.communicate(timeout=10)

    def info(self, **options: str) -> language_pb2.ProgramInfo:
        fields = struct_pb2.Struct()
        fields.update(options)
        folder = str(self.project)
        return language_pb2.ProgramInfo(
            root_directory=folder, program_directory=folder, entry_point=".", options=fields
        )

    def run(self, *, virtualenv: str = "", dry_run: bool = True, **config: str) -> Any:
        request = language_pb2.RunRequest(
            project="demo",
            stack="dev",
            pwd=str(self.project),
            config={"record": str(self.record), **config},
            configSecretKeys=["demo:token"],
            dryRun=dry_run,
            parallel=4,
            monitor_address="127.0.0.1:2",
            organization="organization",
            info=self.info(**({"virtualenv": virtualenv} if virtualenv else {})),
        )
        return self.client.Run(request, timeout=30)

    def recorded(self) -> Any:
        return json.loads(self.record.read_text())


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path)
    yield engine
    engine.close()


def test_a_program_runs_with_the_first_python_on_path(engine: Engine) -> None:
    response = engine.run()

    assert (response.error, response.bail) == ("", False)
    assert engine.recorded()["environment"]["FIRST_ON_PATH"] == "yes"
    assert engine.recorded()["cwd"] == str(engine.project)


def test_a_program_gets_what_the_engine_says(engine: Engine) -> None:
    engine.run(dry_run=True)

    recorded = engine.recorded()
    words = " ".join(recorded["words"])
    assert "--monitor 127.0.0.1:2 --engine 127.0.0.1:1 --project demo" in words
    assert "--stack dev" in words
    assert "--dry_run true --parallel 4 --organization organization" in words
    assert recorded["words"][-1] == str(engine.project)
    assert json.loads(recorded["environment"]["PULUMI_CONFIG_SECRET_KEYS"]) == ["demo:token"]


def test_an_update_is_no_dry_run(engine: Engine) -> None:
    engine.run(dry_run=False)

    assert "--dry_run" not in engine.recorded()["words"]


def test_a_program_runs_in_the_virtual_environment_of_the_project(engine: Engine) -> None:
    virtualenv = engine.project / "venv"
    (virtualenv / "bin").mkdir(parents=True)
    (virtualenv / "bin" / "python").symlink_to(sys.executable)

    engine.run(virtualenv="venv")

    environment = engine.recorded()["environment"]
    assert environment["VIRTUAL_ENV"] == str(virtualenv)
    assert environment["PATH"].startswith(f"{virtualenv}/bin:")


def test_a_missing_virtual_environment_is_told(engine: Engine) -> None:
    response = engine.run(virtualenv="venv")

    assert "names the virtual environment 'venv', and there is no" in response.error


def test_a_failure_that_the_program_has_shown_is_not_shown_again(engine: Engine) -> None:
    response = engine.run(code="32")

    assert (response.error, response.bail) == ("", True)


def test_a_failure_of_its_own_is_told_by_the_code(engine: Engine) -> None:
    assert engine.run(code="7").error == "the program ended with code 7"


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_cancelled_program_ends_at_once(engine: Engine) -> None:
    responses: list[Any] = []
    run = threading.Thread(target=lambda: responses.append(engine.run(seconds="60")))
    run.start()
    wait_for(engine.record)

    engine.client.Cancel(empty_pb2.Empty(), timeout=5)
    run.join(10)

    assert responses[0].error == "the program was cancelled"


def test_an_interrupted_host_ends_its_program_and_says_nothing(engine: Engine) -> None:
    def run() -> None:
        # Whether the answer still gets out is a matter of milliseconds.
        with contextlib.suppress(grpc.RpcError):
            engine.run(seconds="60")

    program = threading.Thread(target=run)
    program.start()
    wait_for(engine.record)

    engine.host.send_signal(signal.SIGINT)
    output, errors = engine.host.communicate(timeout=10)
    program.join(10)

    assert engine.host.returncode == 0
    assert (output, errors) == ("", "")


def test_it_tells_its_python(engine: Engine) -> None:
    about = engine.client.About(language_pb2.AboutRequest(info=engine.info()), timeout=10)

    assert about.executable == str(engine.python)
    assert about.version.startswith("3.")


def test_it_asks_for_no_packages(engine: Engine) -> None:
    request = language_pb2.GetRequiredPackagesRequest(info=engine.info())

    assert not engine.client.GetRequiredPackages(request, timeout=10).packages


def test_a_plugin_in_python_is_run_and_its_output_handed_on(engine: Engine) -> None:
    (engine.project / "__main__.py").write_text(
        "import os, sys\n"
        "print(sys.argv[1:], os.environ['GIVEN'])\n"
        "print('trouble', file=sys.stderr)\n"
        "sys.exit(5)\n"
    )
    request = language_pb2.RunPluginRequest(
        info=engine.info(), pwd=str(engine.project), args=["127.0.0.1:1"], env=["GIVEN=a=b"], kind="resource"
    )

    responses = list(engine.client.RunPlugin(request, timeout=30))

    assert b"".join(response.stdout for response in responses) == b"['127.0.0.1:1'] a=b\n"
    assert b"".join(response.stderr for response in responses) == b"trouble\n"
    assert responses[-1].exitcode == 5


def test_a_python_without_the_sdk_says_what_to_do(tmp_path: Path) -> None:
    host = paths.SOURCES / "language_host.py"

    # Isolated and without site-packages: a Python that has nothing but its standard library.
    finished = subprocess.run(
        [sys.executable, "-I", "-S", host, "127.0.0.1:1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 1
    assert "has no Pulumi SDK: activate the project's virtual environment" in finished.stderr


def test_a_python_without_the_sdk_goes_on_in_the_projects(tmp_path: Path) -> None:
    host = paths.SOURCES / "language_host.py"
    (tmp_path / "Pulumi.yaml").write_text(
        "runtime:\n  name: python\n  options:\n    virtualenv: venv  # ours\n"
    )
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "restarted $*"\n')
    python.chmod(0o755)

    finished = subprocess.run(
        [sys.executable, "-I", "-S", host, "127.0.0.1:1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )

    assert finished.stdout == f"restarted {host} 127.0.0.1:1\n"
