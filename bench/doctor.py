"""How long `python -m doctor` takes: a healthy chain of five apps, and broken ones with dead addresses."""

import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from bench.app_stack import AppPlaces, AppStack, app_stack
from bench.stack import ROOT

__all__ = ["measure_doctor"]

_APPS, _RUNS = 5, 5
_WHOLE, _BROKEN, _BLIND = 0, 1, 2
_DEAD_ADDRESS = "10.255.255.1"  # nobody answers there, not even with a refusal


@dataclass(frozen=True)
class _Case:
    """One way to run it: its name, what differs from the platform's environment, and how it has to end."""

    name: str
    arguments: Sequence[str]
    changed: Mapping[str, str]
    exit_code: int


def measure_doctor(variables: Mapping[str, str], url: str, console: Console) -> None:
    """Print a table of wall times, the CLI's start included.

    Parameters
    ----------
    variables
        The environment of the platform.
    url
        Of its gateway.
    """
    table = Table("chain", "median", "slowest", title=f"python -m doctor, {_APPS} apps, {_RUNS} runs each")
    with _silent_server() as silent, app_stack(variables, url, _APPS) as (places, stack):
        stack.up()
        for case in _healthy(places):
            _add(table, stack, case)
        for case in _dead(stack, silent):
            _add(table, stack, case)
        places.point_to(f"https://{_DEAD_ADDRESS}:6443")
        _add(table, stack, _Case("auth mount at a dead API server", ["--stack", "bench"], {}, _BROKEN))
        places.point_to("https://kubernetes.default.svc")
    console.print(table)


def _healthy(places: AppPlaces) -> Iterator[_Case]:
    yield _Case("healthy: the stack of the apps", ["--stack", "bench"], {}, _WHOLE)
    namespaces = [word for name in ["litellm", *places.namespaces] for word in ("-n", name)]
    yield _Case("healthy: the apps' namespaces and the gateway's", namespaces, {}, _WHOLE)


def _dead(stack: AppStack, silent: int) -> Iterator[_Case]:
    arguments = ["--stack", "bench"]
    kubeconfig = stack.folder / "kubeconfig"
    for what, address in (("nobody answers", f"{_DEAD_ADDRESS}:6443"), ("silent", f"127.0.0.1:{silent}")):
        document = yaml.safe_load(Path(stack.variables["KUBECONFIG"]).read_text(encoding="utf-8"))
        document["clusters"][0]["cluster"]["server"] = f"https://{address}"
        file = kubeconfig.with_suffix(f".{what.split()[0]}")
        file.write_text(yaml.safe_dump(document), encoding="utf-8")
        yield _Case(f"API server: {what}", arguments, {"KUBECONFIG": str(file)}, _BLIND)
        yield _Case(f"Vault: {what}", arguments, {"VAULT_ADDR": f"https://{address}"}, _BLIND)


@contextmanager
def _silent_server() -> Iterator[int]:
    """Listen and never say a word; gives the port."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener.getsockname()[1]


def _add(table: Table, stack: AppStack, case: _Case) -> None:
    seconds = [_run(stack, case) for _ in range(_RUNS)]
    table.add_row(case.name, f"{statistics.median(seconds):.1f} s", f"{max(seconds):.1f} s")


def _run(stack: AppStack, case: _Case) -> float:
    environment = {**os.environ, **stack.variables, **case.changed, "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "doctor", *case.arguments],
        cwd=stack.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    if done.returncode != case.exit_code:
        raise SystemExit(f"{case.name}: ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return seconds
