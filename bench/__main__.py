"""`python -m bench [NAME...]`: measures on the running local platform and prints one line a figure.

It needs `make up` before and leaves nothing: the programs that are measured have states of their own, and the
keys and apps that `keys` and `apps` make are destroyed.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.apps import measure_apps
from bench.doctor import measure_doctor
from bench.key_stack import Way
from bench.keys import gateway_url, measure_keys
from local.environment import bypass_proxy, environment, with_environment
from local.instance import Instance
from toolchain.console import shown_errors

ROOT = Path(__file__).parents[1]
console = Console(highlight=False)
app = typer.Typer(add_completion=False, help=__doc__)

EMPTY_PROGRAM = {
    "Pulumi.yaml": "name: empty\nruntime: {name: python, options: {virtualenv: .venv}}\n",
    "__main__.py": "import pulumi\n\npulumi.export('nothing', 1)\n",
}


def seconds(command: list[str], folder: Path, variables: Mapping[str, str]) -> float:
    """Run a command and give its wall time."""
    began = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=dict(variables), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - began


def preview(variables: Mapping[str, str]) -> None:
    """Compare a preview of the dev stack without change to one of an empty program, in turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in EMPTY_PROGRAM.items():
            (folder / file).write_text(text)
        (folder / ".venv").symlink_to(ROOT / ".venv")
        (folder / "state").mkdir()
        own = dict(variables) | {"PULUMI_BACKEND_URL": (folder / "state").as_uri()}
        seconds(["pulumi", "stack", "init", "dev"], folder, own)
        empty_command = ["pulumi", "preview", "--stack", "dev"]
        ours_command = [sys.executable, "-m", "local", "pulumi", "preview"]
        seconds(empty_command, folder, own)
        seconds(ours_command, ROOT, os.environ)
        empty, ours = [], []
        for _ in range(7):
            empty.append(seconds(empty_command, folder, own))
            ours.append(seconds(ours_command, ROOT, os.environ))
    a, b = statistics.median(empty), statistics.median(ours)
    console.print(
        f"preview without change: {b:.2f} s, an empty program {a:.2f} s, ratio {b / a:.2f} (median of 7)"
    )


def unchanged(variables: Mapping[str, str]) -> None:
    """Measure `make up` with everything up and unchanged."""
    del variables
    console.print(f"make up, all up and unchanged: {seconds(['make', 'up'], ROOT, os.environ):.1f} s")


def memory(variables: Mapping[str, str]) -> None:
    """Add up the resident memory of the platform's parts."""
    done = subprocess.run(
        [sys.executable, "-m", "local", "status", "--json"],
        cwd=ROOT,
        env=dict(variables),
        capture_output=True,
        text=True,
        check=True,
    )
    parts = json.loads(done.stdout)["parts"]
    total = sum(part["resident_bytes"] or 0 for part in parts)
    console.print(f"resident memory of {len(parts)} parts: {total / 2**30:.2f} GiB")


SIZES = "10,100,1000"
APP_SIZES = "1,10,50,200"
BENCHES: dict[str, Callable[[Mapping[str, str]], None]] = {
    "preview": preview,
    "unchanged": unchanged,
    "memory": memory,
}
NAMES = [*BENCHES, "keys", "apps", "doctor"]


@app.command()
def main(
    names: Annotated[list[str] | None, typer.Argument(help=f"Any of {', '.join(NAMES)}.")] = None,
    sizes: Annotated[str, typer.Option(help="Of `keys`: numbers of keys.")] = SIZES,
    apps: Annotated[str, typer.Option(help="Of `apps`: numbers of apps.")] = APP_SIZES,
    way: Annotated[
        list[Way] | None, typer.Option(help="Of `keys`: where they go, and how the state is saved; all.")
    ] = None,
) -> None:
    """Measure on the running local platform."""
    chosen = names or NAMES
    if unknown := [name for name in chosen if name not in NAMES]:
        raise typer.BadParameter(f"no benchmark called {', '.join(unknown)}; there are {', '.join(NAMES)}")
    instance = Instance.named(os.environ.get("LLM_GATEWAY_INSTANCE", "dev"))
    variables = environment(instance)
    for name in chosen:
        if name == "keys":
            bypass_proxy(instance)
            os.environ.update(variables)  # the admin key is looked up in Vault from here too
            measure_keys(
                with_environment(variables), [int(size) for size in sizes.split(",")], way or [*Way], console
            )
        elif name == "apps":
            bypass_proxy(instance)
            measure_apps(with_environment(variables), [int(size) for size in apps.split(",")], console)
        elif name == "doctor":
            bypass_proxy(instance)
            os.environ.update(variables)
            own = with_environment(variables)
            measure_doctor(own, gateway_url(own), console)
        else:
            BENCHES[name](variables)


if __name__ == "__main__":
    with shown_errors():
        app()
