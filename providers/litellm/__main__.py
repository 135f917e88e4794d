"""`python -m providers.litellm`: what one does beside Pulumi."""

import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from providers.errors import ProviderError
from providers.litellm import clock
from providers.litellm.gateway_input import gateway_problems
from providers.litellm.orphan_search.errors import NothingToSearchError, SearchError
from providers.litellm.orphan_search.findings import Finding, Verdict
from providers.litellm.orphan_search.places import Folder
from providers.litellm.orphan_search.removal import clear_away, removable
from providers.litellm.orphan_search.report import as_json, print_tables
from providers.litellm.orphan_search.search import Report, search
from providers.litellm.orphan_search.stack_state import StackState, exported, from_file
from providers.vault.connection import VaultConnection

NONE, FOUND, NOT_LOOKED = 0, 1, 2
WIDTH = 160
"""Columns of a table that goes to no terminal."""

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_show_locals=False)
out = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
err = Console(stderr=True, highlight=False, soft_wrap=True)


@app.callback()
def litellm() -> None:
    """Look after the keys of a LiteLLM gateway beside Pulumi."""


@app.command()
def orphans(
    *,
    state: Annotated[Path | None, typer.Option(help="File that `pulumi stack export` has written.")] = None,
    stack: Annotated[str | None, typer.Option(help="Stack to export; by default the selected one.")] = None,
    owner: Annotated[
        str | None,
        typer.Option(metavar="PROJECT/STACK", help="Whose keys, where there is no state: all are orphans."),
    ] = None,
    gateway_url: Annotated[str | None, typer.Option(help="A gateway that the state doesn't name.")] = None,
    admin_key_env: Annotated[str | None, typer.Option(help="Variable with its admin key.")] = None,
    admin_key_file: Annotated[Path | None, typer.Option(help="File with its admin key.")] = None,
    admin_key_vault: Annotated[
        tuple[str, str, str] | None,
        typer.Option(metavar="MOUNT PATH PROPERTY", help="Its admin key in Vault."),
    ] = None,
    ca_cert_file: Annotated[Path | None, typer.Option(help="CA of its certificate, PEM.")] = None,
    vault_folder: Annotated[
        list[str] | None,
        typer.Option(metavar="MOUNT:PATH", help="A folder of Vault that the state doesn't name; repeatable."),
    ] = None,
    remove: Annotated[
        bool,
        typer.Option("--remove", help="Remove the orphans, and give adopted keys back, after a question."),
    ] = False,
    used: Annotated[bool, typer.Option("--used", help="Those too that were ever used.")] = False,
    older_than: Annotated[
        int,
        typer.Option(metavar="MINUTES", min=0, help="Only those: an `up` may be at work on a younger one."),
    ] = 10,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find keys that bear the marks of a stack and stand in no state, in its gateways and in Vault.

    Changes nothing without --remove. Ends with 0 if there are none, with 1 if there are some that weren't
    removed, and with 2 if something couldn't be looked at.
    """
    try:
        reference = _one_of(env=admin_key_env, file=admin_key_file, vault=admin_key_vault)
        gateways = _gateways(gateway_url, reference, ca_cert_file)
        report = search(
            _state(state, stack, owner), gateways, [_folder(given) for given in vault_folder or ()]
        )
    except SearchError as error:
        err.print(f"error: {error}", markup=False)
        raise typer.Exit(NOT_LOOKED) from None
    chosen = removable(report, used=used, older_than=timedelta(minutes=older_than), now=clock.now())
    if not json:
        print_tables(out, report)
    done = list(clear_away(report, chosen)) if remove and _agreed(chosen, yes=yes, json=json) else []
    if json:
        sys.stdout.write(as_json(report, done) + "\n")
    _conclude(report, chosen, done)


# --- what is asked for -----------------------------------------------------------------------------------


def _state(file: Path | None, stack: str | None, owner: str | None) -> StackState:
    named = None
    if owner is not None:
        project, slash, name = owner.partition("/")
        if not (project and slash and name):
            raise NothingToSearchError(f"stack called {owner!r}; expected PROJECT/STACK")
        named = (project, name)
        if file is None and stack is None:
            return StackState(*named)
    document, source = from_file(file) if file else exported(stack)
    return StackState.parse(document, source, named)


def _one_of(**places: Any) -> dict[str, Any]:
    given = {kind: place for kind, place in places.items() if place is not None}
    if "vault" in given:
        given["vault"] = dict(zip(("mount", "path", "property"), given["vault"], strict=True))
    return {kind: str(place) if isinstance(place, Path) else place for kind, place in given.items()}


def _gateways(
    url: str | None, reference: Mapping[str, Any], ca_cert_file: Path | None
) -> list[dict[str, Any]]:
    if url is None and not reference and ca_cert_file is None:
        return []
    gateway = {"url": url, "admin_key": reference}
    gateway |= {"ca_cert_file": str(ca_cert_file)} if ca_cert_file else {}
    for problem in gateway_problems(gateway):
        raise NothingToSearchError(f"gateway by these options: {problem}")
    return [gateway]


def _folder(given: str) -> Folder:
    mount, colon, path = given.partition(":")
    if not (mount.strip("/") and colon):
        raise NothingToSearchError(f"folder of Vault called {given!r}; expected MOUNT:PATH")
    return Folder(VaultConnection(), mount.strip("/"), path.strip("/"))


# --- what comes of it ------------------------------------------------------------------------------------


def _agreed(chosen: list[Finding], *, yes: bool, json: bool) -> bool:
    if yes or not chosen:
        return True
    if json or not _is_asked_by_a_person():
        err.print("nothing is removed: there is nobody to ask, and --yes isn't said")
        return False
    return typer.confirm(_question(chosen), err=True)


def _question(chosen: list[Finding]) -> str:
    given_back = sum(finding.verdict is Verdict.ADOPTED for finding in chosen)
    removed = len(chosen) - given_back
    if not removed:
        return f"Give {given_back} of them back?"
    return f"Remove {removed} of them for good" + (f", and give {given_back} back?" if given_back else "?")


def _is_asked_by_a_person() -> bool:
    return sys.stdin.isatty()


def _conclude(report: Report, chosen: list[Finding], done: list[Finding]) -> None:
    orphans, adopted = report.those(Verdict.ORPHAN), report.those(Verdict.ADOPTED)
    for sentence in report.unchecked:
        err.print(f"error: {sentence}", markup=False)
    stack = f"{report.project}/{report.stack}"
    err.print(f"{_counted(orphans, 'orphan')} of {stack}, {_among(orphans, done)} removed", markup=False)
    if adopted:
        err.print(f"{_counted(adopted, 'adopted key')}, {_among(adopted, done)} given back")
    spared = [finding for finding in orphans + adopted if finding not in chosen]
    used = [finding for finding in spared if finding.used and finding in orphans]
    if used:
        err.print("some were used, and are only removed with --used in addition")
    if len(spared) > len(used):
        err.print("some were made or adopted just now, when an `up` may be at work; see --older-than")
    is_left = _among(orphans, done) < len(orphans)
    raise typer.Exit(NOT_LOOKED if report.unchecked else FOUND if is_left else NONE)


def _counted(findings: list[Finding], noun: str) -> str:
    return f"{len(findings)} {noun}" + ("" if len(findings) == 1 else "s")


def _among(findings: list[Finding], done: list[Finding]) -> int:
    return sum(finding in done for finding in findings)


if __name__ == "__main__":
    try:
        app(prog_name="python -m providers.litellm")
    except ProviderError as error:
        err.print(f"error: {error}", markup=False)
        sys.exit(NOT_LOOKED)
