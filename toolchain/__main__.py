"""``python -m toolchain``: make, list and delete the artefacts."""

from typing import Annotated

import typer
from rich.table import Table

from toolchain import paths, store
from toolchain.catalogue import ARTEFACTS
from toolchain.console import console, shown_errors

BYTES_PER_MIB = 1 << 20

app = typer.Typer(
    help="Tools for the gateway: taken from this machine, installed from locked packages, or built from source.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command("ensure")
def ensure_artefacts(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="All, if none is given.")] = None,
) -> None:
    """Make artefacts that aren't there yet, and print their paths."""
    for name in names or ARTEFACTS:
        print(f"{name}: {store.ensure(name)}")


@app.command("list")
def list_artefacts() -> None:
    """Tell of each artefact its version, where it comes from, its size and its path."""
    table = Table("Name", "Version", "Source", "Size", "Path", box=None, pad_edge=False)
    for entry in store.entries():
        size = "" if entry.size_bytes is None else f"{entry.size_bytes / BYTES_PER_MIB:.0f} MiB"
        table.add_row(entry.artefact.name, entry.artefact.version, entry.source, size, str(entry.path or ""))
    console.print(table)


@app.command("path")
def print_path(name: str) -> None:
    """Print the path of one artefact; it is made first if need be."""
    print(store.ensure(name))


@app.command("clean")
def clean(
    everything: Annotated[bool, typer.Option("--all", help="Delete the whole cache.")] = False,
) -> None:
    """Delete artefacts of earlier versions and what stopped builds left."""
    deleted = store.clean(everything=everything)
    console.print(f"Deleted {len(deleted)} entries of {paths.cache_folder()}.")


if __name__ == "__main__":
    with shown_errors():
        app(standalone_mode=True)
