"""`python -m gitops`: what is rendered, and where it goes."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import pulumi
import typer
from rich.console import Console
from rich.text import Text

from gitops.errors import GitOpsError, NotRenderedError
from gitops.folder import apply_changes, changes
from gitops.objects import Object, render
from gitops.program import run_program
from gitops.settings import stack_settings
from gitops.stack_file import StackFile
from providers.errors import ProviderError
from schema import ArgoCDInstall

__all__ = ["app"]

UP_TO_DATE, OUT_OF_DATE, NOT_RENDERED = 0, 1, 2

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
_errors = Console(stderr=True, highlight=False, soft_wrap=True)

FolderArgument = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="Where the files go; made if need be.")
]
StackOption = Annotated[
    str, typer.Option("--stack", "-s", metavar="NAME", help="Reads Pulumi.NAME.yaml here.")
]
FileOption = Annotated[
    Path | None, typer.Option("--config-file", metavar="FILE", help="Another place of that file.")
]
CheckOption = Annotated[
    bool, typer.Option("--check", help="Write nothing; end with 1 if the folder is out of date.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Write nothing; show what would be written.")]


@app.callback()
def gitops() -> None:
    """Write what the program declares in Kubernetes to a folder, for whoever applies it from Git.

    Needs no cluster, no Vault, no Pulumi and no credential. Ends with 0 if all is done, 1 if --check finds
    the folder out of date, 2 if nothing could be rendered.
    """


@app.command("render")
def render_command(
    folder: FolderArgument,
    stack: StackOption = "dev",
    config_file: FileOption = None,
    *,
    check: CheckOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Write every Kubernetes object of a stack, one file each, with Argo CD's sync waves.

    Files of an earlier rendering whose object is gone are removed; files of others are left alone. No file
    holds a secret: what would is refused.
    """
    file = config_file or Path(f"Pulumi.{stack}.yaml")
    _write(folder, file, _whole_stack, complete=True, check=check, dry_run=dry_run)


@app.command("application")
def application_command(
    folder: FolderArgument,
    stack: StackOption = "dev",
    config_file: FileOption = None,
    *,
    check: CheckOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Write only the Application of External Secrets Operator (externalSecrets.install.mode: argocd)."""
    file = config_file or Path(f"Pulumi.{stack}.yaml")
    _write(folder, file, _application, complete=False, check=check, dry_run=dry_run)


def _write(
    folder: Path,
    file: Path,
    chosen: Callable[[StackFile], list[Object]],
    *,
    complete: bool,
    check: bool,
    dry_run: bool,
) -> None:
    try:
        stack = StackFile.read(file)
        objects = chosen(stack)
        made = changes(folder, objects, stack.stack, complete=complete)
        if not (check or dry_run):
            apply_changes(folder, made)
    except GitOpsError as error:
        _fail(*error.sentences)
    except (ProviderError, pulumi.RunError) as error:
        _fail(*str(error).splitlines())
    for change in made:
        typer.echo(f"{change.kind} {folder / change.path}")
    same = len(objects) - sum(change.kind != "remove" for change in made)
    _errors.print(Text(f"{len(objects)} objects, {len(made)} files changed, {same} as they were"))
    if check and made:
        _errors.print(Text(f"{folder} is out of date: run this without --check"))
        raise typer.Exit(OUT_OF_DATE)


def _whole_stack(stack: StackFile) -> list[Object]:
    settings = stack_settings(stack)
    return render(run_program(stack), settings.external_secrets)


def _application(stack: StackFile) -> list[Object]:
    install = stack_settings(stack).external_secrets.install
    if not isinstance(install, ArgoCDInstall):
        raise NotRenderedError(
            [f"llm-gateway:externalSecrets.install.mode: {install.mode}: expected argocd for an Application"]
        )
    rendered = _whole_stack(stack)
    return [each for each in rendered if each.document["kind"] == "Application"]


def _fail(*sentences: str) -> None:
    for sentence in sentences:
        _errors.print(Text(f"error: {sentence}"))
    raise typer.Exit(NOT_RENDERED) from None
