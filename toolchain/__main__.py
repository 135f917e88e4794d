"""``python -m toolchain``: make, list and delete the artefacts."""

import shutil
from collections.abc import Iterable
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from toolchain import STORE, ensure, paths
from toolchain.catalogue import ARTEFACTS, OFFERED
from toolchain.console import console, shown_errors

BYTES_PER_MIB = 1 << 20
WIDTH_WITHOUT_TERMINAL = 200

app = typer.Typer(
    help="Tools for the gateway: the machine's own, installed from locked packages, or built from source.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def list_by_default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        _print_table(OFFERED)


@app.command("ensure")
def ensure_artefacts(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="All, if none is given.")
    ] = None,
) -> None:
    """Make artefacts that aren't there yet, and tell where each comes from."""
    wanted = names or list(OFFERED)
    for name in wanted:
        ensure(name)
    _print_table(wanted)


@app.command("list")
def list_artefacts(
    parts: Annotated[bool, typer.Option("--all", help="Also what only goes into others.")] = False,
) -> None:
    """Tell of each artefact its version, where it comes from, its size and its path."""
    _print_table(ARTEFACTS if parts else OFFERED)


@app.command("path")
def print_path(name: str) -> None:
    """Print the path of one artefact; it is made first if need be."""
    typer.echo(ensure(name))


@app.command("clean")
def clean(
    everything: Annotated[bool, typer.Option("--all", help="Delete the whole cache.")] = False,
) -> None:
    """Delete artefacts of earlier versions and what stopped builds left.

    A platform that runs needs the artefacts that it was started with: take it down first.
    """
    cache_folder = paths.cache_folder()
    if everything:
        shutil.rmtree(cache_folder, ignore_errors=True)
        console.print(f"Deleted {cache_folder}.")
        return
    for folder in STORE.clean():
        console.print(f"Deleted {folder}.")


def _print_table(names: Iterable[str]) -> None:
    table = Table("Name", "Version", "Source", "Size", "Path", box=None, pad_edge=False)
    table.columns[-1].overflow = "fold"
    for entry in STORE.entries(names):
        size = "" if entry.size_bytes is None else f"{entry.size_bytes / BYTES_PER_MIB:.0f} MiB"
        table.add_row(entry.name, entry.version, entry.source, size, str(entry.path or ""))
    output = Console(highlight=False)
    if not output.is_terminal:
        output.width = WIDTH_WITHOUT_TERMINAL
    output.print(table)


if __name__ == "__main__":
    with shown_errors():
        app()
