"""`python -m doctor`: what is looked at, and how it is said."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from doctor.examine import examine
from doctor.fix import retry_now
from doctor.kubernetes import Kubernetes
from doctor.links import HARDENING, LINKS
from doctor.model import CannotLookError
from doctor.report import as_json, print_advice, print_table, print_verdict
from doctor.scene import Scene
from doctor.stack import StackState, read_stack
from doctor.vault import Vault
from doctor.verdict import Verdict, judge

__all__ = ["app"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
# Whoever reads a pipe gets one line for one thing, however long it is.
_output = Console(highlight=False, width=None if sys.stdout.isatty() else 10_000)
_errors = Console(stderr=True, highlight=False, soft_wrap=True)


@app.command()
def doctor(  # noqa: PLR0917 - one parameter an option
    namespace: Annotated[
        list[str] | None,
        typer.Option("--namespace", "-n", help="Look here, without any stack. May be said several times."),
    ] = None,
    stack: Annotated[
        str | None,
        typer.Option("--stack", "-s", metavar="NAME", help="Look at this stack of the folder's project."),
    ] = None,
    kubeconfig: Annotated[str | None, typer.Option(metavar="FILE", help="Else KUBECONFIG.")] = None,
    context: Annotated[str | None, typer.Option(metavar="NAME", help="Context of the kubeconfig.")] = None,
    vault_addr: Annotated[str | None, typer.Option(metavar="URL", help="Else VAULT_ADDR.")] = None,
    gateway_url: Annotated[str | None, typer.Option(metavar="URL", help="Else the stack's.")] = None,
    gateway_ca_cert_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="CA of its certificate, PEM; else the stack's.")
    ] = None,
    explain: Annotated[
        str | None, typer.Option(metavar="LINK", help="Say what a link is and how it is checked.")
    ] = None,
    calls: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write down every call that was made.")
    ] = None,
    watch: Annotated[
        int | None, typer.Option(metavar="SECONDS", min=1, help="Look again and again, until Ctrl-C.")
    ] = None,
    *,
    fix: Annotated[
        bool, typer.Option("--fix", help="Let the operator try again at once; nothing else is changed.")
    ] = False,
    hardening: Annotated[
        bool, typer.Option("--hardening", help="Advise on what could hold better; the exit code stays.")
    ] = False,
    brief: Annotated[bool, typer.Option("--brief", help="The verdict without the table.")] = False,
    as_document: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Walk the chain from Vault to the virtual keys and name the link that is broken.

    Looks and changes nothing, unless it is told to --fix. Ends with 0 if the chain is whole, 1 if it is
    broken, 2 if it couldn't be looked at.
    """
    if explain is not None:
        _explain(explain)
        return
    record = _written_to(calls) if calls is not None else lambda _: None
    try:
        state, without_stack = (None, None) if namespace else _state_of(stack)
        look = _Look(
            kubeconfig=kubeconfig,
            context=context,
            vault_address=vault_addr,
            gateway_url=gateway_url,
            gateway_authority_file=gateway_ca_cert_file,
            namespaces=namespace or _namespaces(state),
            state=state,
            without_stack=without_stack,
            record=record,
        )
        if fix:
            for name in retry_now(look.scene()):
                _errors.print(Text(f"the operator looks at {name} again"))
        show = _Show(brief=brief, as_document=as_document, hardening=hardening)
        verdict = _examined(look, show)
        while watch is not None:
            time.sleep(watch)
            if not as_document:
                _output.print(Text(f"\n{datetime.now().astimezone():%H:%M:%S}", style="dim"))
            verdict = _examined(look, show)
    except CannotLookError as error:
        _errors.print(Text(f"{error.sentence}; {error.cure}" if error.cure else error.sentence))
        raise typer.Exit(2) from None
    raise typer.Exit(verdict.exit_code)


@dataclass(frozen=True)
class _Look:
    """What the options say; each look at it is a new one."""

    kubeconfig: str | None
    context: str | None
    vault_address: str | None
    gateway_url: str | None
    gateway_authority_file: str | None
    namespaces: list[str]
    state: StackState | None
    without_stack: CannotLookError | None
    record: Callable[[str], None]

    def scene(self) -> Scene:
        kubernetes = Kubernetes(self.kubeconfig, self.context, self.record)
        vault = _vault(self.vault_address, self.record)
        return Scene(
            kubernetes,
            vault,
            self.namespaces,
            stack=self.state,
            gateway_url=self.gateway_url,
            gateway_authority_file=self.gateway_authority_file,
            without_stack=self.without_stack,
        )


def _state_of(stack: str | None) -> tuple[StackState | None, CannotLookError | None]:
    """Read a stack, or say why it can't be read: the cluster and Vault are looked at all the same."""
    try:
        return read_stack(stack), None
    except CannotLookError as error:
        return None, error


@dataclass(frozen=True)
class _Show:
    """How it is said, and whether advice is wanted."""

    brief: bool
    as_document: bool
    hardening: bool


def _examined(look: _Look, show: _Show) -> Verdict:
    began = time.monotonic()
    scene = look.scene()
    findings = examine(scene, LINKS)
    verdict = judge(findings, LINKS)
    seconds = time.monotonic() - began
    advice = examine(scene, HARDENING) if show.hardening else []
    if show.as_document:
        typer.echo(as_json(verdict, findings, seconds, advice if show.hardening else None))
    else:
        print_verdict(_output, verdict, len(findings), seconds)
        print_advice(_output, advice)
        if not show.brief:
            print_table(_output, [*findings, *advice], [*LINKS, *HARDENING])
    return verdict


def _vault(address: str | None, record: Callable[[str], None]) -> Vault:
    environment = os.environ
    return Vault(
        address or environment.get("VAULT_ADDR"),
        environment.get("VAULT_TOKEN") or _token_file(),
        environment.get("VAULT_CACERT"),
        environment.get("VAULT_NAMESPACE"),
        record,
    )


def _token_file() -> str | None:
    """Read what `vault login` has left."""
    try:
        return (Path.home() / ".vault-token").read_text(encoding="ascii").strip() or None
    except OSError:
        return None


def _namespaces(state: StackState | None) -> list[str]:
    """Take the namespaces of a stack's objects."""
    if state is None:
        return []
    found = {
        resource["inputs"]["metadata"]["namespace"]
        for resource in state.resources
        if resource["type"].startswith("kubernetes:external-secrets.io/")
        and "namespace" in (resource.get("inputs") or {}).get("metadata", {})
    }
    return sorted(found | {str(state.outputs["namespace"])} if "namespace" in state.outputs else found)


def _written_to(calls: Path) -> Callable[[str], None]:
    """Begin the file before anything is looked at; each call stands in it at once, whatever comes then."""
    try:
        file = calls.open("w", buffering=1, encoding="utf-8")
    except OSError as error:
        _errors.print(Text(f"--calls: {calls} can't be written: {error.strerror}"))
        raise typer.Exit(2) from None

    def record(call: str) -> None:
        file.write(f"{call}\n")  # in one, for several threads write

    return record


def _explain(name: str) -> None:
    known = {link.name: link for link in (*LINKS, *HARDENING)}
    if name not in known:
        _errors.print(Text(f"there is no link {name!r}; the links are {', '.join(known)}"))
        raise typer.Exit(2)
    link = known[name]
    _output.print(Text(f"{link.title}: {link.explanation}"))
    if link.needs:
        _output.print(Text(f"It leans on: {', '.join(link.needs)}."))
